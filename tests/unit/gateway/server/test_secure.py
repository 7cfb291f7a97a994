"""Over TLS all holds that holds without; and whoever stalls in the handshake holds up nobody."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from served_app import GET, HEAD, Answer, Client, Served, serving, wait_until

from familiar.errors import MisconfiguredError
from familiar_gateway.server import Certificate
from familiar_gateway.trust.authority import Authority, write
from familiar_gateway.trust.names import Names

NAMES = Names.of(["localhost", "127.0.0.1"])


def _hello() -> bytes:
    """Return how a client begins that speaks TLS."""
    out = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), out, server_hostname="localhost").do_handshake()
    return out.read()


HELLO = _hello()
STALLED = {
    "nothing": b"",
    "half of a record's head": HELLO[:3],
    "half of a hello": HELLO[: len(HELLO) // 2],
    "a hello, and no answer to ours": HELLO,
}
NO_TLS = {"http": GET, "rubbish": bytes(range(200)), "an alert": b"\x15\x03\x01\x00\x02\x02\x28", "zeros": bytes(5_000)}


@dataclass
class Secured:
    """A server that speaks TLS, and the file of its certificate."""

    served: Served
    authority: Authority
    file: Path
    context: ssl.SSLContext

    def client(self) -> Client:
        """Return a new connection, its handshake made."""
        return Client(self.served.port, self.context)

    def ask(self, *pieces: bytes) -> Answer:
        """Ask by a connection of its own."""
        with self.client() as client:
            return client.send(*pieces).answer()


@contextmanager
def secured(tmp_path: Path, **limits: Any) -> Iterator[Secured]:
    now = datetime.now(UTC)
    authority = Authority.of(tmp_path / "authority", NAMES, now)
    file = tmp_path / "server.pem"
    write(file, authority.issue(NAMES, now), 0o600)
    context = ssl.create_default_context(cadata=authority.root_pem.decode())
    with serving(certificate=Certificate(file), **limits) as served:
        served.app.go_on.set()
        yield Secured(served, authority, file, context)


def test_requests_are_answered_one_after_the_other(tmp_path: Path) -> None:
    with secured(tmp_path) as its, its.client() as client:
        for _ in range(3):
            assert client.send(GET).answer().status == 200
        body = b"a" * 1_000_000
        assert client.send(HEAD + b"Content-Length: 1000000\r\n\r\n", body).answer().status == 200
        assert its.served.app.bodies[-1] == body
        assert {said["wsgi.url_scheme"] for said in its.served.app.asked} == {"https"}
        assert len(client.send(b"GET /large HTTP/1.1\r\nHost: localhost\r\n\r\n").answer().body) == 20_000_000


def test_what_comes_with_the_end_of_the_handshake_is_heard(tmp_path: Path) -> None:
    with secured(tmp_path) as its, socket.create_connection(("127.0.0.1", its.served.port), timeout=30) as plain:
        heard, said = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = its.context.wrap_bio(heard, said, server_hostname="localhost")
        while True:
            try:
                client.do_handshake()
                break
            except ssl.SSLWantReadError:
                plain.sendall(said.read())
                heard.write(plain.recv(65_536))
        client.write(GET)
        plain.sendall(said.read())  # the last words of the handshake are in it
        answer = b""
        while b"true" not in answer:
            try:
                answer += client.read(1_000)
            except ssl.SSLWantReadError:
                heard.write(plain.recv(65_536))
        assert answer.startswith(b"HTTP/1.1 200")


def test_two_hundred_clients_that_stall_in_the_handshake_hold_up_nobody(tmp_path: Path) -> None:
    with secured(tmp_path, threads=1, waiting=1) as its:
        kinds = list(STALLED.values())
        clients = [its.served.client().send(kinds[number % len(kinds)]) for number in range(200)]
        for _ in range(10):
            assert its.ask(GET).status == 200
        wait_until(lambda: its.served.connections >= 200, "all of them are counted")
        for client in clients:
            client.socket.close()
        wait_until(lambda: its.served.connections == 0, "none of them is counted any more")


@pytest.mark.parametrize("kind", STALLED)
def test_whoever_stalls_in_the_handshake_is_hung_up_on(kind: str, tmp_path: Path) -> None:
    with secured(tmp_path, head_s=0.3) as its, its.served.client() as client:
        client.send(STALLED[kind])
        while client.socket.recv(65_536):
            pass  # our hello
        wait_until(lambda: its.served.connections == 0, "the connection is gone")
        assert its.ask(GET).status == 200


def test_a_byte_of_a_handshake_now_and_then_is_not_enough(tmp_path: Path) -> None:
    with secured(tmp_path, head_s=0.3) as its, its.served.client() as client:
        bytes_left = iter(HELLO)

        def drips() -> bool:
            client.send(bytes([next(bytes_left)]))
            return not client.is_silent()

        wait_until(drips, "the client is hung up on")


def test_a_handshake_and_the_head_after_it_have_the_time_of_one_head(tmp_path: Path) -> None:
    with secured(tmp_path, head_s=1.0) as its, its.client() as client:
        assert client.send(GET[:10]).answer().status == 408


def test_beyond_the_most_connections_whoever_stalls_in_the_handshake_goes_first(tmp_path: Path) -> None:
    with secured(tmp_path, connections=4) as its:
        stalled = [its.served.client().send(HELLO) for _ in range(3)]
        wait_until(lambda: its.served.connections == 3, "they are counted")
        with its.client() as one, its.client() as other:
            assert one.send(GET).answer().status == other.send(GET).answer().status == 200
            while stalled[0].socket.recv(65_536):
                pass  # our hello
            assert its.served.connections <= 4
        for client in stalled:
            client.socket.close()


@pytest.mark.parametrize("kind", NO_TLS)
def test_what_is_no_tls_is_hung_up_on_at_once(kind: str, tmp_path: Path) -> None:
    with secured(tmp_path) as its, its.served.client() as client:
        client.send(NO_TLS[kind])
        with suppress(ConnectionResetError):
            while client.socket.recv(65_536):
                pass  # an alert
        wait_until(lambda: its.served.connections == 0, "the connection is gone")
        assert its.served.app.asked == [] and its.ask(GET).status == 200


def test_what_is_no_http_is_told_so_and_hung_up_on(tmp_path: Path) -> None:
    with secured(tmp_path) as its, its.client() as client:
        assert client.send(b"WHAT\r\n\r\n").answer().status == 400
        assert client.socket.recv(1) == b""


def test_a_client_that_ends_its_side_is_gone(tmp_path: Path) -> None:
    with secured(tmp_path) as its, its.client() as client:
        client.send(GET[:10])
        with suppress(ssl.SSLError):  # it is told that half a request is none, which this client did not expect
            client.socket.unwrap()
        wait_until(lambda: its.served.connections == 0, "the connection is gone")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")
def test_old_tls_is_refused(tmp_path: Path) -> None:
    with secured(tmp_path) as its:
        its.context.minimum_version = ssl.TLSVersion.TLSv1
        its.context.maximum_version = ssl.TLSVersion.TLSv1_1
        with pytest.raises(ssl.SSLError):
            its.client()


def test_a_renewed_certificate_is_shown_at_once_and_a_damaged_one_is_not(tmp_path: Path) -> None:
    with secured(tmp_path) as its, its.client() as old:
        before = old.socket.getpeercert(binary_form=True)
        write(its.file, its.authority.issue(NAMES, datetime.now(UTC)), 0o600)
        with its.client() as new:
            after = new.socket.getpeercert(binary_form=True)
        assert after != before
        assert old.send(GET).answer().status == 200  # whoever is connected stays so
        for damage in (lambda: its.file.write_bytes(b"?"), its.file.unlink):
            damage()
            with its.client() as client:
                assert client.socket.getpeercert(binary_form=True) == after


def test_without_a_certificate_nobody_begins_to_serve(tmp_path: Path) -> None:
    with pytest.raises(MisconfiguredError, match="CERTIFICATES_DIR"):
        Certificate(tmp_path / "server.pem")
    (tmp_path / "server.pem").write_text("?")
    with pytest.raises(MisconfiguredError, match="CERTIFICATES_DIR"):
        Certificate(tmp_path / "server.pem")
