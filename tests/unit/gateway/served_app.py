"""A WSGI application of a test, served over sockets by the gateway's server in this process."""

import json
import socket
import ssl
import struct
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from uvicorn import Server

from familiar_gateway.server import Certificate, Intake, Lane, Limits, Room
from familiar_gateway.server.running import configuration

PATIENCE_S = 30.0
HEAD = b"POST /pictures HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /alive HTTP/1.1\r\nHost: localhost\r\n\r\n"
MOST_BYTES = 2_000_000


def wait_until(true: Callable[[], object], what: str) -> None:
    """Poll until something holds; fail if it does not in time."""
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.005)


@dataclass
class App:
    """Keeps what it was asked; ``/pictures`` waits until it is let go on, ``/large`` and ``/stream`` say more."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    bodies: list[bytes] = field(default_factory=list)
    go_on: threading.Event = field(default_factory=threading.Event)
    inside: int = 0
    streams_ended: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        with self.lock:
            self.asked.append(environ)
            self.bodies.append(environ["wsgi.input"].read())
            self.inside += 1
        try:
            if environ["PATH_INFO"] == "/pictures":
                assert self.go_on.wait(PATIENCE_S)
            if environ["PATH_INFO"] == "/fails":
                raise RuntimeError("a defect")
            if environ["PATH_INFO"] == "/stream":
                start_response("200 OK", [("Content-Type", "text/event-stream")])
                return self._parts()
            body = b"a" * 20_000_000 if environ["PATH_INFO"] == "/large" else b'{"answered": true}'
            start_response("200 OK", [("Content-Type", "application/json"), ("Content-Length", str(len(body)))])
            return [body]
        finally:
            with self.lock:
                self.inside -= 1

    def _parts(self) -> Iterator[bytes]:
        try:
            yield b"first"
            while not self.go_on.wait(0.01):
                yield b"."
            yield b"last"
        finally:
            self.streams_ended += 1


@dataclass
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes

    @property
    def error(self) -> dict[str, Any]:
        """The one error body, checked for its form."""
        error = json.loads(self.body)["error"]
        assert set(error) == {"code", "message", "retryable", "request_id", "details"}
        assert len(error["message"]) > 10 and error["request_id"] == self.headers["x-request-id"]
        return dict(error)


class Client:
    """A client that sends bytes, whatever they are."""

    def __init__(self, port: int, context: ssl.SSLContext | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE_S)
        if context is not None:
            self.socket = context.wrap_socket(self.socket, server_hostname="localhost")
        self._rest = b""

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self.socket.close()

    def send(self, *pieces: bytes) -> "Client":
        """Send; that nobody listens any more is no failure."""
        try:
            for piece in pieces:
                self.socket.sendall(piece)
        except OSError:
            return self
        return self

    def answer(self) -> Answer:
        """Wait for the next answer of this connection."""
        while b"\r\n\r\n" not in self._rest:
            self._receive()
        head, _, self._rest = self._rest.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        length = int(headers.get("content-length", "0"))
        while len(self._rest) < length:
            self._receive()
        body, self._rest = self._rest[:length], self._rest[length:]
        return Answer(int(lines[0].split()[1]), headers, body)

    def has_ended(self) -> bool:
        """Whether the server has hung up; nothing else may have come."""
        self.socket.setblocking(False)
        try:
            return self.socket.recv(1) == b""
        except BlockingIOError:
            return False
        except OSError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)

    def is_silent(self) -> bool:
        """Whether nothing has come, not even an end."""
        self.socket.setblocking(False)
        try:
            self.socket.recv(1)
        except BlockingIOError:
            return True
        finally:
            self.socket.settimeout(PATIENCE_S)
        return False

    def reset(self) -> None:
        """Hang up as a client does that is killed."""
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.socket.close()

    def _receive(self) -> None:
        data = self.socket.recv(65_536)
        assert data, f"no whole answer came: {self._rest[:200]!r}"
        self._rest += data


@dataclass
class Served:
    """A server that runs, and what it did."""

    port: int
    app: App
    stopping: threading.Event
    refused: list[tuple[str, int]]
    server: Server

    @property
    def connections(self) -> int:
        """How many there are, as far as the server knows."""
        return len(self.server.server_state.connections)

    def ask(self, *pieces: bytes) -> Answer:
        """Ask by a connection of its own."""
        with Client(self.port) as client:
            return client.send(*pieces).answer()

    def client(self) -> Client:
        """Return a new connection."""
        return Client(self.port)


@contextmanager
def serving(
    *,
    threads: int = 2,
    waiting: int = 3,
    wait_s: float = PATIENCE_S,
    room: int = 8_000_000,
    certificate: Certificate | None = None,
    **limits: Any,
) -> Iterator[Served]:
    """Serve an application; ``/pictures`` has a lane of so many threads, ``/alive`` the loop, all else another lane."""
    app, stopping, refused = App(), threading.Event(), []  # type: ignore[var-annotated]
    pictures, alive = Lane(threads=threads, waiting=waiting, wait_s=wait_s), Lane(threads=0, waiting=0)
    lanes = {"/pictures": pictures, "/alive": alive}
    others = Lane(threads=1, waiting=10)
    intake = Intake(
        app,
        lane_of=lambda _method, path: (lanes.get(path, others), MOST_BYTES),
        room=Room(room),
        limits=Limits(**{"head_s": PATIENCE_S, "body_s": PATIENCE_S, "rest_s": 0.0, "linger_s": 1.0, **limits}),
        note=lambda method, status, _seconds: refused.append((method, status)),
        stopping=stopping,
        certificate=certificate,
    )
    with served(intake) as (port, server):
        try:
            yield Served(port, app, stopping, refused, server)
        finally:
            app.go_on.set()


@contextmanager
def served(intake: Intake) -> Iterator[tuple[int, Server]]:
    """Serve what takes requests in; return its port and its server."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        server = Server(configuration(intake, intake.limits, secure=intake.certificate is not None))
        thread = threading.Thread(target=server.run, args=([listener],))
        thread.start()
        try:
            wait_until(lambda: server.started, "the server listens")
            yield listener.getsockname()[1], server
        finally:
            server.should_exit = True
            thread.join(PATIENCE_S)
            assert not thread.is_alive()
