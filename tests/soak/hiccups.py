"""Hiccups: when the machine kept us from working, for which neither camera nor client is to blame."""

import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager

_EVERY_S, _LEAST_S = 0.05, 0.25


class Hiccups:
    """A thread that wants to work every 50 ms, and notes when it could not."""

    def __init__(self, spans: Sequence[tuple[float, float]] = ()) -> None:
        self._spans = list(spans)

    @contextmanager
    def noted(self) -> Iterator[None]:
        """Note them until the block ends."""
        over = threading.Event()

        def beat() -> None:
            last = time.monotonic()
            while not over.wait(_EVERY_S):
                now = time.monotonic()
                if now - last > _LEAST_S:
                    self._spans.append((last, now))
                last = now

        thread = threading.Thread(target=beat, daemon=True)
        thread.start()
        try:
            yield
        finally:
            over.set()
            thread.join()

    def between(self, begin: float, end: float) -> float:
        """Return how many seconds between two moments (monotonic) were lost."""
        return sum(max(0.0, min(end, last) - max(begin, first)) for first, last in self._spans)
