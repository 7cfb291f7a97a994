"""Hostile: one client that sends what costs the most to refuse or to look at, of every kind that is known."""

import io
import itertools
import socket
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from functools import partial

import films
from fuzz import costly, parts
from fuzz.asking import FORM, form
from stalling import CHUNKED, ENROL, POST, connect, repeated

_LARGEST_PX = 6320
"""Side of the largest square that is still taken as a picture."""
_FRAMES = 6
_FILM_PX = (3840, 2160)
_MOST_PASSES = 19
_MEGABYTE = b"%x\r\n%s\r\n" % (1_000_000, bytes(1_000_000))

Pieces = Sequence[bytes]


class Hostile:
    """One client, which goes on with the next of all that it knows whenever it is let loose."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._all_else = itertools.cycle(_all_else())
        self._uploads = [itertools.cycle([upload]) for upload in _uploads()]

    @contextmanager
    def doing_its_worst(self) -> Iterator[None]:
        """Send each upload again and again, and beside them one after the other of all else, until the block ends.

        What has been sent by then is waited for, so that it is no burden on what comes next.
        """
        with ExitStack() as held:
            for requests in (self._all_else, *self._uploads):
                held.enter_context(repeated(partial(self._send, requests)))
            yield

    def _send(self, requests: Iterator[Pieces]) -> None:
        with suppress(OSError), connect(self._url) as connection:
            for piece in next(requests):
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass


def _uploads() -> tuple[Pieces, ...]:
    """Return uploads that are looked at for long, as requests in pieces."""
    picture = parts.png(_LARGEST_PX, _LARGEST_PX)
    archive = io.BytesIO()
    with zipfile.ZipFile(archive, "w") as made:
        for number in range(_FRAMES):
            made.writestr(f"{number}.png", picture)
    larger = [parts.jpeg(250, 250), *[parts.jpeg(16_000, 16_000)] * 2]
    films_and_archives = (
        archive.getvalue(),
        films.avi(larger, (250, 250)),
        films.avi([parts.jpeg(*_FILM_PX)] * 5 * _FRAMES, _FILM_PX),
    )
    return tuple(_enrolling(data) for data in films_and_archives)


def _all_else() -> tuple[Pieces, ...]:
    """Return framing, bodies and pictures, as requests in pieces."""
    pictures = [make() for make in (*costly.REFUSED.values(), *costly.READ.values())]
    pictures += [
        parts.png(_LARGEST_PX, _LARGEST_PX),
        costly.with_scans(_MOST_PASSES, _LARGEST_PX),
    ]
    return (
        [ENROL + CHUNKED, *[_MEGABYTE] * 101],
        [POST + b"Content-Length: 19000000\r\n\r\n", *[bytes(1_000_000)] * 19],
        [POST + CHUNKED + b"1\r\na\r\n" * 50_000],
        [POST + CHUNKED + b"5;" + b"a" * 100_000],
        [b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a:b\r\n" * 3_000 + b"\r\n"],
        [b"GET /" + b"a" * 100_000],
        [b"GET /v1/people?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200],
        *([POST + b"Content-Length: %d\r\n\r\n" % len(picture), picture] for picture in pictures),
    )


def _enrolling(data: bytes) -> Pieces:
    body = form((b"name", None, b"Nobody"), (b"if_known", None, b"new"), (b"frames", b"a", data))
    head = f"POST /v1/enroll HTTP/1.1\r\nHost: localhost\r\nContent-Type: {FORM['Content-Type']}\r\n"
    return [head.encode() + b"Content-Length: %d\r\n\r\n" % len(body), body]
