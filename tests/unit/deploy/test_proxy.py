"""The proxy of `deploy/proxy` as it is, before a gateway that tells what it was asked; without containers."""

import http.client
import json
import os
import shutil
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from familiar_gateway.trust.authority import Authority, write
from familiar_gateway.trust.names import Names

PROXY = Path(__file__).parents[3] / "deploy" / "proxy"
NAMES = Names.of(["localhost", "127.0.0.1"])
PATIENCE_S = 30.0
BEGUN = (b"", b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03")
"""How a handshake may begin that nobody ends."""

pytestmark = pytest.mark.skipif(not shutil.which("haproxy"), reason="there is no haproxy here")


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Gateway(ThreadingHTTPServer):
    """Tells each client what came of it; ``/slow`` waits until it is let go on."""

    daemon_threads = True

    def __init__(self) -> None:
        self.go_on = threading.Event()
        self.inside = threading.Event()

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                if self.path == "/slow":
                    self.server.inside.set()
                    assert self.server.go_on.wait(PATIENCE_S)
                body = json.dumps({name.lower(): value for name, value in self.headers.items()}).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        super().__init__(("127.0.0.1", 0), Handler)


@dataclass
class Proxy:
    """A proxy that runs, and what it has its certificate from."""

    process: subprocess.Popen[bytes]
    gateway: Gateway
    port: int
    authority: Authority
    file: Path
    context: ssl.SSLContext | None

    def connect(self) -> http.client.HTTPConnection:
        if self.context is None:
            return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S)
        return http.client.HTTPSConnection("localhost", self.port, timeout=PATIENCE_S, context=self.context)

    def ask(self, path: str = "/", **headers: str) -> tuple[http.client.HTTPResponse, dict[str, str]]:
        connection = self.connect()
        connection.request("GET", path, headers={name.replace("_", "-"): value for name, value in headers.items()})
        answer = connection.getresponse()
        said = json.loads(answer.read())
        connection.close()
        return answer, said

    def answers(self) -> bool:
        try:
            return self.ask()[0].status == 200
        except (OSError, ValueError):
            return False

    def has_closed_its_door(self) -> bool:
        """Tell it to stop, once more, and whether it has: within half a second of its start it loses signals."""
        self.process.send_signal(signal.SIGUSR1)
        return not self.answers()

    def shown(self) -> bytes:
        """Return the certificate that a new client is shown."""
        with self.handshake() as secured:
            return secured.getpeercert(binary_form=True) or b""

    def handshake(self) -> ssl.SSLSocket:
        """Return a new connection."""
        assert self.context is not None
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=PATIENCE_S)
        return self.context.wrap_socket(plain, server_hostname="localhost")


@contextmanager
def running(folder: Path, *, https: bool = True, client_s: float = 15.0, **env: str) -> Iterator[Proxy]:
    """Run the proxy as its container does, with ports that are free here."""
    gateway, port, now = Gateway(), free_port(), datetime.now(UTC)
    serving = threading.Thread(target=gateway.serve_forever, kwargs={"poll_interval": 0.01})
    serving.start()
    text = (PROXY / "haproxy.cfg").read_text()
    for before, after in (
        ("server-template gateway 8 gateway:8080", f"server gateway 127.0.0.1:{gateway.server_port}"),
        ("bind :8443", f"bind 127.0.0.1:{port}"),
        ("bind :8080", f"bind 127.0.0.1:{port}"),
        ("timeout client 15s", f"timeout client {round(client_s * 1000)}ms"),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    (folder / "haproxy.cfg").write_text(text)
    authority, file = Authority.of(folder / "authority", NAMES, now), folder / "server.pem"
    write(file, authority.issue(NAMES, now), 0o600)
    if https:
        env |= {"CERTIFICATE": str(file), "LOOK_EVERY_S": "0.1"}
    context = ssl.create_default_context(cadata=authority.root_pem.decode()) if https else None
    command = [PROXY / "start", folder / "haproxy.cfg"]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, env={**os.environ, **env}, stdout=log, stderr=log)
    proxy = Proxy(process, gateway, port, authority, file, context)
    try:
        until(lambda: proxy.answers() or process.poll() is not None, "the proxy answers")
        assert process.poll() is None, (folder / "log").read_text()
        yield proxy
    finally:
        gateway.go_on.set()
        if process.poll() is None:
            process.send_signal(signal.SIGTERM)
            process.wait(PATIENCE_S)
        gateway.shutdown()
        serving.join()
        gateway.server_close()


def test_https_is_spoken_with_the_certificate_and_the_gateway_is_told_so(tmp_path: Path) -> None:
    with running(tmp_path) as proxy:
        answer, said = proxy.ask("/docs", X_Forwarded_Proto="http")
        assert answer.status == 200 and "Strict-Transport-Security" not in answer.headers
        assert said["x-forwarded-proto"] == "https" and said["x-forwarded-for"] == "127.0.0.1"
        assert said["host"] == f"localhost:{proxy.port}"
        with pytest.raises(ssl.SSLCertVerificationError):
            http.client.HTTPSConnection("localhost", proxy.port, timeout=PATIENCE_S).connect()


def test_http_2_is_offered_and_old_tls_refused(tmp_path: Path) -> None:
    with running(tmp_path) as proxy:
        assert proxy.context is not None
        proxy.context.set_alpn_protocols(["h2", "http/1.1"])
        with proxy.handshake() as secured:
            assert secured.selected_alpn_protocol() == "h2"
        old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        old.load_verify_locations(cadata=proxy.authority.root_pem.decode())
        with pytest.warns(DeprecationWarning):
            old.maximum_version = ssl.TLSVersion.TLSv1_1
        with socket.create_connection(("127.0.0.1", proxy.port)) as plain, pytest.raises(OSError):
            old.wrap_socket(plain, server_hostname="localhost")


def test_browsers_are_told_to_come_by_https_only_where_that_was_asked_for(tmp_path: Path) -> None:
    with running(tmp_path, HSTS_S="3600") as proxy:
        assert proxy.ask()[0].headers["Strict-Transport-Security"] == "max-age=3600"


def test_without_a_certificate_it_speaks_http_as_before(tmp_path: Path) -> None:
    with running(tmp_path, https=False) as proxy:
        assert "x-forwarded-proto" not in proxy.ask()[1]


def test_a_renewed_certificate_is_shown_and_whoever_is_connected_stays_so(tmp_path: Path) -> None:
    with running(tmp_path) as proxy:
        before, connection = proxy.shown(), proxy.connect()
        connection.request("GET", "/slow")
        assert proxy.gateway.inside.wait(PATIENCE_S)
        write(proxy.file, proxy.authority.issue(NAMES, datetime.now(UTC)), 0o600)

        def renewed() -> bool:
            try:
                return proxy.shown() != before
            except OSError:  # at the moment of the change
                return False

        until(renewed, "the new certificate is shown")
        proxy.gateway.go_on.set()
        assert connection.getresponse().status == 200
        connection.close()
        assert proxy.process.poll() is None


def test_a_damaged_certificate_leaves_the_one_before_in_use(tmp_path: Path) -> None:
    with running(tmp_path) as proxy:
        before, log = proxy.shown(), tmp_path / "log"
        proxy.file.write_bytes(b"?")
        until(lambda: "server.pem" in log.read_text(), "it is said that the file cannot be used")
        until(proxy.answers, "it still answers")
        assert proxy.shown() == before
        write(proxy.file, proxy.authority.issue(NAMES, datetime.now(UTC)), 0o600)
        until(lambda: proxy.answers() and proxy.shown() != before, "the next one is shown")


def test_clients_that_stall_in_the_handshake_hold_up_nobody(tmp_path: Path) -> None:
    with running(tmp_path) as proxy, ExitStack() as held:
        for number in range(200):
            stalled = held.enter_context(socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S))
            stalled.sendall(BEGUN[number % len(BEGUN)])
        for _ in range(20):
            assert proxy.ask()[0].status == 200


@pytest.mark.parametrize("begun", BEGUN)
def test_whoever_stalls_in_the_handshake_is_hung_up_on(begun: bytes, tmp_path: Path) -> None:
    with running(tmp_path, client_s=0.5) as proxy, ExitStack() as held:
        stalled = held.enter_context(socket.create_connection(("127.0.0.1", proxy.port), timeout=PATIENCE_S))
        stalled.sendall(begun)
        while stalled.recv(1_000):
            pass  # an alert


def test_what_is_under_way_is_answered_when_it_is_told_to_stop(tmp_path: Path) -> None:
    with running(tmp_path) as proxy:
        connection = proxy.connect()
        connection.request("GET", "/slow")
        assert proxy.gateway.inside.wait(PATIENCE_S)
        until(proxy.has_closed_its_door, "nobody new is let in")
        proxy.gateway.go_on.set()
        assert connection.getresponse().status == 200
        connection.close()
        assert proxy.process.wait(PATIENCE_S) is not None
