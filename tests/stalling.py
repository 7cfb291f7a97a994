"""Clients that begin a request and do not end it, and come again when they are sent away."""

import itertools
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from urllib.parse import urlsplit

_TIMEOUT_S = 60.0
_LOOK_EVERY_S = 0.1

POST = b"POST /v1/recognize HTTP/1.1\r\nHost: localhost\r\nContent-Type: image/jpeg\r\n"
ENROL = b"POST /v1/enroll HTTP/1.1\r\nHost: localhost\r\nContent-Type: multipart/form-data; boundary=b\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n"
BEGINNINGS = (
    b"",
    b"GET /healthz HTTP/1.1\r\nHost: x\r\nX: ",
    POST + b"Content-Length: 50000\r\n\r\nabc",
    POST + CHUNKED + b"1388\r\nabc",
    ENROL + b"Content-Length: 90000000\r\n\r\n--b\r\n",
)
"""How a request may begin that nobody ends."""


@contextmanager
def stalled_connections(url: str, count: int) -> Iterator[None]:
    """Keep so many connections with all kinds of beginnings, and open those again that the server ends."""
    kinds = itertools.cycle(BEGINNINGS)
    held: list[socket.socket] = []

    def keep() -> None:
        held[:] = [each for each in held if not _has_ended(each)]
        while len(held) < count:
            held.append(_begun(url, next(kinds)))
        time.sleep(_LOOK_EVERY_S)

    try:
        keep()
        with repeated(keep):
            yield
    finally:
        for each in held:
            each.close()


@contextmanager
def repeated(work: Callable[[], None]) -> Iterator[None]:
    """Do the same again and again, in a thread of its own, while the block runs; what goes wrong in it is raised."""
    done = threading.Event()
    wrong: list[BaseException] = []

    def repeat() -> None:
        try:
            while not done.is_set():
                work()
        except BaseException as exc:
            wrong.append(exc)

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        done.set()
        thread.join()
    if wrong:
        raise wrong[0]


def connect(url: str) -> socket.socket:
    """Return a connection to the server at a URL."""
    parts = urlsplit(url)
    return socket.create_connection((parts.hostname or "", parts.port or 80), timeout=_TIMEOUT_S)


def _begun(url: str, data: bytes) -> socket.socket:
    connection = connect(url)
    with suppress(ConnectionError):  # it is opened again when it is looked at
        connection.sendall(data)
    connection.setblocking(False)
    return connection


def _has_ended(connection: socket.socket) -> bool:
    """Whether the server has answered what was not ended, or hung up."""
    try:
        connection.recv(65_536)
    except BlockingIOError:
        return False
    except OSError:
        pass
    connection.close()
    return True
