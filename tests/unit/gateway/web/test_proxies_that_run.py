"""The lines that docs/operations.md gives for proxies, in proxies that run, before a gateway that is served."""

import http.client
import json
import re
import shutil
import socket
import subprocess
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urljoin

import pytest
from doorkeeping import bearer, give_key
from gateway_world import MakeWorld, World
from served_app import served, wait_until

from architecture.rooms import ROOT
from familiar_gateway import front
from portraits import jpeg

PATIENCE_S = 30.0
CLIENT = "127.0.0.2"
"""Where the client is: another address than that of the proxy, on the same machine."""
PATHS = ("/familiar/", "/")


def _nginx(lines: str, port: int, folder: Path) -> list[str]:
    temporary = "".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; error_log {folder}/errors; events {{}}\n"
        f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port};\n{lines}\n}} }}"
    )
    return ["nginx", "-p", str(folder), "-c", str(folder / "nginx.conf"), "-e", str(folder / "errors")]


def _caddy(lines: str, port: int, folder: Path) -> list[str]:
    options = f"{{\n admin off\n auto_https off\n storage file_system {folder}\n}}\n"
    (folder / "Caddyfile").write_text(f"{options}:{port} {{\n bind 127.0.0.1\n{lines}\n}}\n")
    return ["caddy", "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


def _haproxy(lines: str, port: int, folder: Path) -> list[str]:
    lines = re.sub(r"bind :443 .*", f"bind 127.0.0.1:{port}", lines)
    defaults = "defaults\n mode http\n timeout client 60s\n timeout server 60s\n timeout connect 5s\n"
    (folder / "haproxy.cfg").write_text(f"{defaults}{lines}\n")
    return ["haproxy", "-db", "-f", str(folder / "haproxy.cfg")]


PROXIES: dict[str, tuple[str, Callable[[str, int, Path], list[str]]]] = {
    "nginx": ("nginx", _nginx),
    "caddy": ("caddyfile", _caddy),
    "haproxy": ("haproxy", _haproxy),
}


@dataclass
class Way:
    """A way to a gateway through a proxy."""

    world: World
    port: int
    path: str
    proxy: str

    def connect(self) -> http.client.HTTPConnection:
        return http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_S, source_address=(CLIENT, 0))

    def ask(self, method: str, path: str, body: bytes | None = None, **headers: str):
        """Ask for a path below the proxy's, and return the answer, read, with its body."""
        connection = self.connect()
        try:
            given = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, urljoin(self.path, path), body, given)
            answer = connection.getresponse()
            return answer, answer.read()
        finally:
            connection.close()

    def answers(self) -> bool:
        try:
            return self.ask("GET", "healthz")[0].status == 200
        except OSError:
            return False


def lines_for(language: str, path: str) -> str:
    """Return what the page says to write for a proxy, under a path or, as it says too, without one."""
    text = (ROOT / "docs" / "operations.md").read_text()
    (lines,) = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    if path == "/":
        begun = lines.replace("location /familiar/ {", "location / {").replace("handle_path /familiar/* {", "handle {")
        lines = "".join(line for line in begun.splitlines(keepends=True) if "/familiar" not in line)
    return lines


@contextmanager
def way_through(proxy: str, path: str, world: World, folder: Path) -> Iterator[Way]:
    language, command_for = PROXIES[proxy]
    with served(front.before(world.client.application, world.services)) as (gateway, _):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        lines = lines_for(language, path)
        assert lines.count("10.0.0.9:8080") == 1
        command = command_for(lines.replace("10.0.0.9:8080", f"127.0.0.1:{gateway}"), port, folder)
        with (folder / "log").open("wb") as log:
            process = subprocess.Popen(
                command, stdout=log, stderr=log, env={"PATH": "/usr/sbin:/usr/bin", "HOME": str(folder)}
            )
        way = Way(world, port, path, proxy)
        try:
            wait_until(lambda: way.answers() or process.poll() is not None, f"{proxy} answers")
            assert process.poll() is None, (folder / "log").read_text()
            yield way
        finally:
            process.terminate()
            process.wait(PATIENCE_S)


@pytest.fixture(params=[(proxy, path) for proxy in PROXIES for path in PATHS], ids=lambda param: " ".join(param))
def way(request: pytest.FixtureRequest, make_world: MakeWorld, tmp_path: Path) -> Iterator[Way]:
    """A way through each proxy that is installed, under a path and without one."""
    proxy, path = request.param
    if not shutil.which(proxy, path="/usr/sbin:/usr/bin"):
        pytest.skip(f"there is no {proxy} here")
    with way_through(proxy, path, make_world(access="keys", trusted_proxies="127.0.0.1"), tmp_path) as found:
        yield found


def test_a_proxy_as_the_page_says_leads_to_all_of_it(way: Way):
    world, path = way.world, way.path
    if path != "/":
        bare, _ = way.ask("GET", path.rstrip("/"))
        assert bare.status in (301, 302, 308) and urljoin("http://x/familiar", bare.headers["Location"]).endswith(path)
        connection = way.connect()
        connection.request("GET", "/healthz")
        assert connection.getresponse().status in (200, 404)  # the rest of the name is somebody else's
        connection.close()
    # The page, and all that it loads, by addresses that are relative to it.
    home, _ = way.ask("GET", "")
    page = urljoin(path, home.headers["Location"])
    shown, text = way.ask("GET", page)
    assert shown.status == 200 and page == f"{path}docs"
    parts = re.findall(r'(?:src|href)="([^"#:]+)"', text.decode())
    assert len(parts) > 3
    for part in parts:
        assert way.ask("GET", urljoin(page, part))[0].status == 200, part
    # Signing in: the cookie is for this path, and a change needs what belongs to it.
    secret = give_key(world, name="operator")[1]
    body = json.dumps({"key": secret}).encode()
    answer, said = way.ask("POST", "v1/session", body, Content_Type="application/json")
    cookie = answer.headers["Set-Cookie"]
    assert answer.status == 201 and f"Path={path};" in f"{cookie};" and "HttpOnly" in cookie
    assert ("Secure" in cookie) is (way.proxy == "haproxy")  # where the lines say that it came by https
    origin = f"{'https' if way.proxy == 'haproxy' else 'http'}://127.0.0.1:{way.port}"
    signed_in = {"Cookie": cookie.partition(";")[0], "Origin": origin, "X-CSRF-Token": json.loads(said)["csrf"]}
    # The client's own address is told, whatever it says itself.
    lies = {"X-Forwarded-For": "192.0.2.66", "X-Real-IP": "192.0.2.66", "Forwarded": "for=192.0.2.66"}
    made = json.dumps({"name": "door", "scopes": ["recognize"]}).encode()
    answer, _ = way.ask("POST", "v1/keys", made, Content_Type="application/json", **signed_in, **lies)
    assert answer.status == 201
    _, told = way.ask("GET", "v1/audit", **bearer(secret))
    assert json.loads(told)["entries"][0]["address"] == CLIENT
    # Some megabytes of pictures.
    picture = jpeg("Eileen Collins") + bytes(6_000_000)
    answer, said = way.ask("POST", "v1/recognize", picture, Content_Type="image/jpeg", **bearer(secret))
    assert answer.status == 200, said
    assert len(json.loads(said)["faces"]) == 1


def test_a_proxy_as_the_page_says_passes_events_on_at_once(way: Way):
    shown = bearer(give_key(way.world)[1])
    opened, said = way.ask("POST", "v1/enrollments", b'{"name": "Eileen"}', Content_Type="application/json", **shown)
    enrollment = json.loads(said)["id"]
    assert opened.headers["Location"] == f"{way.path}v1/enrollments/{enrollment}"
    connection = way.connect()
    connection.request("GET", f"{way.path}v1/enrollments/{enrollment}/events", headers=shown)
    stream = connection.getresponse()
    assert stream.headers["Content-Type"].startswith("text/event-stream")

    def next_name() -> str:
        while not (line := stream.readline()).startswith(b"data: "):
            assert line, "the stream has ended"
        return json.loads(line.removeprefix(b"data: "))["person"]["name"]

    # Each is read before the next one is there, and while the stream goes on.
    for name in ("Eileen", "Eileen C.", "E. Collins"):
        if name != "Eileen":
            renamed = json.dumps({"name": name}).encode()
            way.ask("PATCH", f"v1/enrollments/{enrollment}", renamed, Content_Type="application/json", **shown)
        assert next_name() == name
    connection.close()
