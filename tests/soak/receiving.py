"""Who receives the pictures in the place of a gateway, and notes of each how old it was when it came."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

import cv2
import numpy as np

# Somebody, or the client would try whether turned pictures have faces.
_ANSWER = {"head_version": 1, "faces": [{"status": "unknown", "person": None, "score": 0.1}], "faces_found": 1}


@dataclass(frozen=True)
class Sent:
    """A picture that was sent: when it came (monotonic, seconds), and how old it was then; None if it is damaged."""

    camera: str
    at: float
    age_s: float | None


@dataclass
class Receiver:
    """Answers as the gateway would for somebody unknown. ``ages`` tells how old a picture of each camera is."""

    ages: dict[str, Callable[[np.ndarray], float]]
    sent: list[Sent] = field(default_factory=list)
    port: int = 0

    def note(self, camera: str, jpeg: bytes) -> None:
        """Note a picture that has come."""
        at = time.monotonic()
        try:
            age_s = self.ages[camera](cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR))
        except ValueError:
            age_s = None
        self.sent.append(Sent(camera, at, age_s))

    def first_after(self, camera: str, moment: float) -> Sent | None:
        """Return the first picture of a camera that came after a moment."""
        return next((each for each in self.sent if each.camera == camera and each.at >= moment), None)


@contextmanager
def receiving(receiver: Receiver) -> Iterator[Receiver]:
    """Serve at a free port until the block ends."""

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"
        disable_nagle_algorithm = True

        def do_POST(self) -> None:
            jpeg = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            receiver.note(parse_qs(urlsplit(self.path).query)["camera"][0], jpeg)
            body = json.dumps(_ANSWER).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    receiver.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield receiver
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
