"""Recognising: frame after frame goes to the server, and what it says is collected."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from familiar_camera.errors import Refused
from familiar_camera.frame import Frame
from familiar_camera.server import Answer, Server
from familiar_camera.sightings import Sightings
from familiar_camera.sources import Source

_KEEPS_OUT = frozenset({401, 403})


@dataclass(frozen=True)
class Seen:
    """One frame and what the server said of it."""

    frame: Frame
    seen_at: float
    answer: Answer


def recognize(
    server: Server,
    source: Source,
    sightings: Sightings,
    *,
    frames: int | None = None,
    on_refused: Callable[[Frame, Refused], None] = lambda _frame, _error: None,
    clock: Callable[[], float] = time.time,
) -> Iterator[Seen]:
    """Yield what is seen in each frame, ``frames`` of them at most, and add it to ``sightings``.

    A picture that the server refuses (too large, say) is passed over: the next one may do.

    Raises:
        Refused: it is we who are refused, for want of a key that is good for this.
    """
    for frame in islice(source.frames(), frames):
        seen_at = clock()
        try:
            answer = server.recognize(frame.jpeg())
        except Refused as exc:
            if exc.status in _KEEPS_OUT:
                raise
            sightings.refused += 1
            on_refused(frame, exc)
            continue
        sightings.add(answer, seen_at)
        yield Seen(frame, seen_at, answer)
