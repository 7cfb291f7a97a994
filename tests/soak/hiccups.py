"""Hiccups: when the machine kept us from working, for which neither camera nor client is to blame."""

import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

from stalling import repeated

_EVERY_S, _LEAST_S = 0.05, 0.25


class Hiccups:
    """A thread that wants to work every 50 ms, and notes when it could not."""

    def __init__(self, spans: Sequence[tuple[float, float]] = ()) -> None:
        self._spans = list(spans)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note them until the block ends."""
        last = time.monotonic()

        def beat() -> None:
            nonlocal last
            time.sleep(_EVERY_S)
            before, last = last, time.monotonic()
            if last - before > _LEAST_S:
                self._spans.append((before, last))

        with repeated(beat):
            yield

    def between(self, begin: float, end: float) -> float:
        """Return how many seconds between two moments (monotonic) were lost."""
        return sum(max(0.0, min(end, last) - max(begin, first)) for first, last in self._spans)
