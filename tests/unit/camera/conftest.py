"""A small server of our own protocol, on a real socket, that can be away, busy or foreign as a test asks for."""

import json
import socket
import ssl
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

Reply = tuple[int, Any]


def refusal(status: int, code: str, message: str = "no", **details: Any) -> Reply:
    """Return an error of the gateway."""
    retryable = status == 503
    return status, {"error": {"code": code, "message": message, "retryable": retryable, "details": details}}


@dataclass
class FakeGateway:
    """Remembers what it was asked, and answers as the gateway would for one person who is easily learned.

    ``script`` holds replies that come first, whatever is asked; ``finish`` those to the ends of captures.
    """

    port: int
    script: deque[Reply] = field(default_factory=deque)
    opening: deque[Reply] = field(default_factory=deque)
    finish: deque[Reply] = field(default_factory=deque)
    stages: deque[str] = field(default_factory=lambda: deque(["queued", "training", "live"]))
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    shown: set[str | None] = field(default_factory=set)
    queries: list[str] = field(default_factory=list)
    digests: list[bytes] = field(default_factory=list)
    error: dict[str, Any] = field(default_factory=lambda: {"code": "x", "message": "the faces differ too much"})
    warning: dict[str, Any] | None = None
    known: str | None = "Ada"
    more_faces: int = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def paths(self) -> list[str]:
        return [f"{method} {path}" for method, path, _ in self.asked]

    def answer(self, method: str, path: str, body: bytes, headers: Any) -> Reply:
        said = json.loads(body) if headers.get("Content-Type") == "application/json" and body else body
        self.asked.append((method, path, said))
        self.shown.add(headers.get("Authorization"))
        if self.script:
            return self.script.popleft()
        match method, path.split("/")[2:]:
            case "POST", ["recognize"]:
                assert cv2.imdecode(np.frombuffer(body, np.uint8), cv2.IMREAD_COLOR) is not None
                faces = [self._face()] if self.known else []
                return 200, {"head_version": 7, "faces": faces, "faces_found": len(faces) + self.more_faces}
            case "POST", ["enrollments"]:
                return self.opening.popleft() if self.opening else (201, self._enrollment("open", said.get("name")))
            case "POST", ["enrollments", _, "frames"]:
                jpegs = body.split(b"Content-Type: image/jpeg\r\n\r\n")[1:]
                self.digests += [jpeg for jpeg in jpegs if jpeg not in self.digests]
                return 200, self._enrollment("capturing")
            case "POST", ["enrollments", _, "finish"]:
                return self.finish.popleft() if self.finish else (202, self._enrollment("queued"))
            case "GET", ["enrollments", _]:
                return 200, self._enrollment(self.stages.popleft() if len(self.stages) > 1 else self.stages[0])
            case "DELETE", _:
                return 204, None
        return refusal(404, "route_not_found")

    def _face(self) -> dict[str, Any]:
        person = None if self.known == "unknown" else {"id": f"id-{self.known}", "name": self.known}
        return {"status": "known" if person else "unknown", "person": person, "score": 0.7 if person else 0.1}

    def _enrollment(self, status: str, name: str | None = "Ada") -> dict[str, Any]:
        frames = len(self.digests)
        return {
            "id": "e1", "status": status, "person": {"id": "p1", "name": name}, "usable": frames, "accepted": frames,
            "hint": "turn left", "poses": {"straight": frames}, "head_version": 7,
            "error": self.error if status == "failed" else None, "warning": self.warning if status == "live" else None,
        }  # fmt: skip


@contextmanager
def serving(gateway: FakeGateway, context: ssl.SSLContext | None = None) -> Iterator[None]:
    """Serve ``gateway`` on its port until the end of the block, by https with a context for it."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True  # or each body waits 40 ms for the head to be acknowledged

        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            gateway.queries.append(self.path.partition("?")[2])
            status, value = gateway.answer(self.command, self.path.partition("?")[0], body, self.headers)
            data = b"" if value is None else value if isinstance(value, bytes) else json.dumps(value).encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = do_DELETE = reply

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", gateway.port), Handler)
    server.daemon_threads = True
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def free_port() -> int:
    """Return a port at which nobody listens."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@pytest.fixture
def away() -> FakeGateway:
    """A gateway at whose port nobody answers yet."""
    return FakeGateway(free_port())


@pytest.fixture
def gateway(away: FakeGateway) -> Iterator[FakeGateway]:
    """A gateway that answers."""
    with serving(away):
        yield away


@pytest.fixture
def picture() -> np.ndarray:
    """Something like a picture: uint8[120, 160, 3]."""
    return cv2.resize(np.random.default_rng(0).integers(0, 255, (12, 16, 3), np.uint8), (160, 120))


@pytest.fixture
def folder(tmp_path: Path, picture: np.ndarray) -> Path:
    """A folder of twelve pictures that differ, and a file that is none."""
    place = tmp_path / "pictures"
    place.mkdir()
    for number in range(1, 13):
        cv2.imwrite(str(place / f"frame {number}.png"), np.roll(picture, number, axis=1))
    (place / "notes.txt").write_text("not a picture")
    return place
