"""Streams: server-sent events, asked for again and again until there is nothing more to tell, or nobody who may listen.

A stream occupies a thread of a lane of its own, so there are never more than so many, and each ends by itself; a
browser connects again.
"""

import json
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

from flask import Response, stream_with_context

from familiar.errors import Busy, FamiliarError
from familiar_gateway.web.errors import Unauthorized
from familiar_gateway.web.representations import Json


@dataclass(frozen=True)
class Told:
    """One event of a stream; who comes again goes on at its ``place``, and nothing follows one that ``is_last``."""

    event: str
    data: Json
    place: str | None = None
    is_last: bool = False

    def __str__(self) -> str:
        place = "" if self.place is None else f"id: {self.place}\n"
        return f"{place}event: {self.event}\ndata: {json.dumps(self.data)}\n\n"


@dataclass(frozen=True)
class Streams:
    """How many streams there may be at once in this process, and how each behaves."""

    most: int
    poll_s: float = 0.25
    heartbeat_s: float = 10.0
    lifetime_s: float = 120.0
    reconnect_ms: int = 1000
    stopping: threading.Event = field(default_factory=threading.Event)
    _places: threading.BoundedSemaphore = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_places", threading.BoundedSemaphore(self.most))

    def respond(self, news: Callable[[], Iterable[Told]], instead: str) -> Response:
        """Return the stream of what ``news`` returns each time, while that may be told.

        Raises:
            Busy: there are as many streams as are allowed; ``instead`` says what to do meanwhile.
        """
        if not self._places.acquire(blocking=False):
            raise Busy(f"there are {self.most} event streams already; {instead}, or try again")
        body = _Once(stream_with_context(self._events(news)), self._places.release)
        response = Response(body, mimetype="text/event-stream")
        response.headers["X-Accel-Buffering"] = "no"  # a proxy in between must pass events on at once
        return response

    def _events(self, news: Callable[[], Iterable[Told]]) -> Iterator[str]:
        deadline = time.monotonic() + self.lifetime_s
        spoken = time.monotonic()
        yield f"retry: {self.reconnect_ms}\n\n"
        while True:
            try:
                for told in news():
                    spoken = time.monotonic()
                    yield str(told)
                    if told.is_last:
                        return
            except Unauthorized:
                return  # whoever connects again is told why
            except FamiliarError:
                pass  # the database is away for now; the stream outlives that
            if time.monotonic() - spoken >= self.heartbeat_s:
                spoken = time.monotonic()
                yield ": still there\n\n"
            if time.monotonic() >= deadline or self.stopping.wait(self.poll_s):
                return


class _Once:
    """An iterable that frees its place exactly once, also when nobody ever begins to read it."""

    def __init__(self, events: Iterator[str], free: Callable[[], None]) -> None:
        self._events = events
        self._free = free
        self._lock = threading.Lock()
        self._open = True

    def __iter__(self) -> Iterator[str]:
        return self._events

    def close(self) -> None:
        """End the stream; the server calls this whatever happened."""
        with self._lock:
            if not self._open:
                return
            self._open = False
        close = getattr(self._events, "close", None)
        if close is not None:
            close()
        self._free()
