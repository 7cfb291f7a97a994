"""Stillness: for how long something has not changed, by a clock that nobody sets."""

import threading
import time
from collections.abc import Callable, Mapping
from typing import TypeVar

Sign = TypeVar("Sign")


class Stillness:
    """Remembers what it was shown and since when; threads may share it.

    Times in the database are by clocks that are set, and that differ between machines. That something has stayed as it
    was while this process looked on is certain.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._since: dict[str, tuple[object, float]] = {}

    def of(self, signs: Mapping[str, Sign], for_s: float) -> dict[str, Sign]:
        """Return those of ``signs`` that were the same at each call for so long; what is not shown is forgotten."""
        with self._lock:
            now = self._clock()
            for name, sign in signs.items():
                if name not in self._since or self._since[name][0] != sign:
                    self._since[name] = (sign, now)
            for name in self._since.keys() - signs.keys():
                del self._since[name]
            return {name: sign for name, sign in signs.items() if now - self._since[name][1] >= for_s}
