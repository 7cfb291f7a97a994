"""Lateness: by how much longer than it must something takes, which is what the way adds."""

import math


class Lateness:
    """Compares what each picture took with the least that one took before.

    The least may rise by a thousandth of the time that goes by, for clocks do not go alike.
    """

    def __init__(self) -> None:
        self._least_s = math.inf
        self._noted_at: float | None = None

    def of(self, took_s: float, now: float) -> float:
        """Note that a picture took so many seconds, and return how many of them were more than the least."""
        if self._noted_at is not None:
            self._least_s += (now - self._noted_at) / 1000.0
        self._noted_at = now
        self._least_s = min(self._least_s, took_s)
        return took_s - self._least_s
