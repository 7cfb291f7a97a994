"""Recognising: frame after frame goes to the server, and what it says is collected."""

import time
from collections.abc import Callable, Generator
from contextlib import closing
from dataclasses import dataclass
from itertools import islice

from familiar_camera.errors import Refused
from familiar_camera.frame import Frame
from familiar_camera.server import Answer, Server
from familiar_camera.sightings import Sightings
from familiar_camera.sources import Source
from familiar_camera.view import Lookout

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
    on_turned: Callable[[int], None] = lambda _degrees: None,
    clock: Callable[[], float] = time.time,
) -> Generator[Seen, None, None]:
    """Yield what is seen in each frame, ``frames`` of them at most, and add it to ``sightings``.

    A picture that the server refuses (too large, say) is passed over: the next one may do. ``on_turned`` is told by how
    many degrees frames have to be turned clockwise, if faces can be made out only then.

    Raises:
        Refused: it is we who are refused, for want of a key that is good for this.
    """
    lookout = Lookout(server.recognize)
    with closing(source.frames()) as given:
        for frame in islice(given, frames):
            seen_at = clock()
            try:
                answer = server.recognize(frame.jpeg())
                degrees = lookout.turn_for(frame, answer)
            except Refused as exc:
                if exc.status in _KEEPS_OUT:
                    raise
                sightings.refused += 1
                on_refused(frame, exc)
                continue
            if degrees is not None:
                on_turned(degrees)
            sightings.add(answer, seen_at)
            yield Seen(frame, seen_at, answer)
