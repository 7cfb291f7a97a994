"""Somebody who is told of events: an HTTP server that verifies what it gets; away, slow or unwilling on demand."""

import base64
import hashlib
import hmac
import json
import socket
import threading
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

SECRET = b"0123456789abcdef0123456789abcdef"
WRITTEN = "whsec_" + base64.b64encode(SECRET).decode()


@dataclass
class Receiver:
    """Keeps the events that it took, in the order of coming, doubles included.

    ``answer`` says by the event, and how often that has come, with which status to answer, a number of seconds to
    wait first, or None: hang until the end.
    """

    port: int = 0
    answer: Callable[[dict[str, Any], int], int | float | None] = lambda _event, _times: 200
    taken: list[dict[str, Any]] = field(default_factory=list)
    tries: dict[str, int] = field(default_factory=dict)
    unsigned: int = 0
    paths: set[str] = field(default_factory=set)
    lock: threading.Lock = field(default_factory=threading.Lock)
    over: threading.Event = field(default_factory=threading.Event)
    server: ThreadingHTTPServer | None = None

    def start(self) -> "Receiver":
        """Listen, on the port of before if there was one."""
        its = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_POST(self) -> None:
                its.take(self)

            def handle(self) -> None:
                with suppress(ConnectionError):  # whoever asked was killed
                    super().handle()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            block_on_close = False
            request_queue_size = 64

        self.over.clear()
        self.server = Server(("127.0.0.1", self.port), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, args=(0.02,), daemon=True).start()
        return self

    def said(self, **more: object) -> dict[str, object]:
        """Return what the file of whom to tell says of it."""
        return {"webhook": f"http://127.0.0.1:{self.port}/told", "secret": WRITTEN, **more}

    def stop(self) -> None:
        """Be away: nobody listens on the port any more."""
        if self.server is not None:
            self.over.set()
            self.server.shutdown()
            self.server.server_close()
            self.server = None

    def take(self, request: BaseHTTPRequestHandler) -> None:
        """Answer one request."""
        body = request.rfile.read(int(request.headers["Content-Length"]))
        cut_short = len(body) < int(request.headers["Content-Length"])  # whoever asked was killed
        if cut_short or self.over.is_set():  # or it is a connection of before
            request.connection.shutdown(socket.SHUT_RDWR)
            return
        if not signed(request.headers, body):
            self.unsigned += 1
        event = json.loads(body)
        with self.lock:
            self.paths.add(request.path)
            times = self.tries[event["id"]] = self.tries.get(event["id"], 0) + 1
        status = self.answer(event, times)
        if status is None or isinstance(status, float):
            self.over.wait(status)
            status = 200
        if 200 <= status < 300:
            with self.lock:
                self.taken.append(event)
        text = f"HTTP/1.1 {status} As told\r\nContent-Length: 2\r\nLocation: /elsewhere\r\n\r\nok"
        try:
            request.wfile.write(text.encode())
        except OSError:
            request.close_connection = True

    def in_order(self, camera: str | None) -> list[int]:
        """Return the numbers of a camera's events in the order of coming, each once."""
        seen: dict[int, None] = {}
        with self.lock:
            for event in self.taken:
                if event["camera"] == camera:
                    seen.setdefault(event["number"])
        return list(seen)


def signed(headers: Any, body: bytes, secret: bytes = SECRET, tolerance_s: float = 300.0) -> bool:
    """Verify a request as docs/events.md shows it."""
    told, at = headers["webhook-id"], headers["webhook-timestamp"]
    expected = hmac.digest(secret, f"{told}.{at}.".encode() + body, hashlib.sha256)
    fresh = abs(time.time() - int(at)) < tolerance_s
    given = [each.partition(",")[2] for each in headers["webhook-signature"].split() if each.startswith("v1,")]
    return fresh and any(hmac.compare_digest(base64.b64encode(expected).decode(), each) for each in given)
