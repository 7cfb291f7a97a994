"""Cameras for the tests: real servers by http on real sockets, whose pictures tell their number."""

import base64
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import cv2
import numpy as np

_BITS, _BLOCK_PX = 24, 16


def numbered(number: int) -> np.ndarray:
    """Return a picture, always as bright, that tells its number by blocks that outlive JPEG: uint8[128, 96, 3]."""
    bits = np.array([(number >> place) & 1 for place in range(_BITS)], np.uint8).reshape(4, 6)
    grid = 255 * np.vstack([bits, 1 - bits])
    return np.repeat(np.kron(grid, np.ones((_BLOCK_PX, _BLOCK_PX), np.uint8))[..., None], 3, axis=2)


def number_of(picture: np.ndarray) -> int:
    """Return the number that a picture tells.

    Raises:
        ValueError: it is not such a picture, or damaged.
    """
    middles = picture[_BLOCK_PX // 2 :: _BLOCK_PX, _BLOCK_PX // 2 :: _BLOCK_PX, 0] > 127
    bits, inverse = middles.ravel()[:_BITS], middles.ravel()[_BITS:]
    if len(inverse) != _BITS or (bits == inverse).any():
        raise ValueError(f"no number in a picture of shape {picture.shape}")
    return sum(int(bit) << place for place, bit in enumerate(bits))


def jpeg_of(picture: np.ndarray) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, 95])[1].tobytes()


@dataclass
class HttpCamera:
    """A camera by http. Frame ``n`` belongs to the moment ``n / fps`` after its start; none is left out, late or not.

    Attributes:
        login: user and password to ask for, in the way ``scheme`` says.
        style: how the stream is written: with lengths, without them, or with boundaries as careless cameras write them.
        before_answer: called when a single picture was taken, and not sent yet.
        hangs_after: frames after which the stream falls silent, its connection open; None: never.
    """

    port: int = 0
    fps: float = 25.0
    login: tuple[str, str] | None = None
    scheme: str = "basic"
    style: str = "lengths"
    before_answer: Callable[[], object] = lambda: None
    hangs_after: int | None = None
    began: float = field(default_factory=time.monotonic)
    asked: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def age_s(self, picture: np.ndarray) -> float:
        """Return how old a frame of the stream is."""
        return time.monotonic() - self.began - number_of(picture) / self.fps

    def serve(self, request: BaseHTTPRequestHandler) -> None:
        self.asked.append(request.path)
        if self.login and not self._lets_in(request.headers.get("Authorization")):
            request.send_response(401)
            way = 'Basic realm="camera"' if self.scheme == "basic" else 'Digest realm="camera", nonce="abc", qop="auth"'
            request.send_header("WWW-Authenticate", way)
            request.send_header("Content-Length", "0")
            request.end_headers()
            return
        match request.path.partition("?")[0]:
            case "/video.mjpg":
                self._stream(request)
            case "/snapshot.jpg":
                picture = jpeg_of(numbered(self.now()))
                self.before_answer()
                self._answer(request, "image/jpeg", picture)
            case "/page":
                self._answer(request, "text/html; charset=utf-8", b"<html>sign in</html>")
            case "/busy":
                request.send_error(503)
            case _:
                request.send_error(404)

    def now(self) -> int:
        """Return the number of the frame of this moment."""
        return int((time.monotonic() - self.began) * self.fps)

    def _lets_in(self, shown: str | None) -> bool:
        assert self.login is not None
        if shown is None:
            return False
        if self.scheme == "basic":
            return shown == "Basic " + base64.b64encode(":".join(self.login).encode()).decode()
        return shown.startswith("Digest ") and f'username="{self.login[0]}"' in shown and 'response="' in shown

    def _answer(self, request: BaseHTTPRequestHandler, kind: str, body: bytes) -> None:
        request.send_response(200)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)

    def _stream(self, request: BaseHTTPRequestHandler) -> None:
        declared = {"lengths": "frame", "no lengths": '"frame"', "careless": "--frame", "bare": "frame"}[self.style]
        request.send_response(200)
        request.send_header("Content-Type", f"multipart/x-mixed-replace; boundary={declared}")
        request.end_headers()
        first = self.now()
        number = first
        while not self.stopped.is_set():
            if self.hangs_after is not None and number - first >= self.hangs_after:
                self.stopped.wait()
                return
            self.stopped.wait(max(0.0, self.began + number / self.fps - time.monotonic()))
            data = jpeg_of(numbered(number))
            length = "" if self.style in ("no lengths", "bare") else f"Content-Length: {len(data)}\r\n"
            end = "\n" if self.style == "bare" else "\r\n"
            head = f"--frame{end}Content-Type: image/jpeg{end}{length}{end}"
            request.wfile.write(head.encode() + data + end.encode())
            number += 1


@contextlib.contextmanager
def http_camera(camera: HttpCamera, context: ssl.SSLContext | None = None) -> Iterator[HttpCamera]:
    """Serve a camera on its port, a free one for 0; by https with a context for that."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            with contextlib.suppress(OSError):
                camera.serve(self)

        def log_message(self, *_: Any) -> None:
            pass

    class Server(ThreadingHTTPServer):
        daemon_threads = True

        def process_request(self, request: socket.socket, client_address: Any) -> None:
            connections.append(request)
            super().process_request(request, client_address)

        def handle_error(self, *_: Any) -> None:
            pass

    connections: list[socket.socket] = []
    server = Server(("127.0.0.1", camera.port), Handler)
    camera.port = server.server_address[1]
    if context is not None:
        server.socket = context.wrap_socket(server.socket, server_side=True, do_handshake_on_connect=False)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    try:
        yield camera
    finally:
        camera.stopped.set()
        server.shutdown()
        thread.join()
        server.server_close()
        for each in connections:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
