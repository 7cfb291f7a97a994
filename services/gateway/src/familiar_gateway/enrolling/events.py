"""Server-sent events: an enrolment's state whenever it changes, until it has ended.

A stream occupies a thread of a lane of its own, so there are never more than so many, and each ends by itself; a
browser connects again.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from enum import StrEnum

from flask import Response, stream_with_context

from familiar.errors import Busy, FamiliarError, NotFound
from familiar.records import EnrollmentStatus
from familiar_gateway.web import Json, Unauthorized


class Event(StrEnum):
    """What a stream tells of; the words are part of the API."""

    STATE = "state"
    """The enrolment as it is now."""
    DELETED = "deleted"
    """The enrolment is no more."""


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

    def respond(self, first: Json, show: Callable[[], Json]) -> Response:
        """Return the stream that begins with ``first`` and goes on with what ``show`` returns, while that may be told.

        Raises:
            Busy: there are as many streams as are allowed; ask for the state itself meanwhile.
        """
        if not self._places.acquire(blocking=False):
            raise Busy(f"there are {self.most} event streams already; poll the enrolment instead, or try again")
        body = _Once(stream_with_context(self._events(first, show)), self._places.release)
        response = Response(body, mimetype="text/event-stream")
        response.headers["X-Accel-Buffering"] = "no"  # a proxy in between must pass events on at once
        return response

    def _events(self, first: Json, show: Callable[[], Json]) -> Iterator[str]:
        deadline = time.monotonic() + self.lifetime_s
        spoken = time.monotonic()
        yield f"retry: {self.reconnect_ms}\n\n"
        shown: Json | None = None
        state: Json | None = first
        while True:
            if state is not None and state != shown:
                shown, spoken = state, time.monotonic()
                yield _written(Event.STATE, state)
                if EnrollmentStatus(state["status"]).ended:
                    return
            if time.monotonic() - spoken >= self.heartbeat_s:
                spoken = time.monotonic()
                yield ": still there\n\n"
            if time.monotonic() >= deadline or self.stopping.wait(self.poll_s):
                return
            try:
                state = show()
            except NotFound:
                yield _written(Event.DELETED, {})
                return
            except Unauthorized:
                return  # whoever connects again is told why
            except FamiliarError:
                state = None  # the database is away for now; the stream outlives that


def _written(event: Event, data: Json) -> str:
    return f"event: {event.value}\ndata: {json.dumps(data)}\n\n"


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
