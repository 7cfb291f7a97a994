"""Back-off: for how long a destination is left alone after it has not taken an event."""

import random
from dataclasses import dataclass

_FIRST_S = 1.0
_LONGEST_S = 300.0
LONGEST_ASKED_S = 3600.0
"""Who asks to be left alone for longer is asked again after this."""


@dataclass
class Backoff:
    """Waits that double from a second to five minutes, each shortened by chance."""

    failures: int = 0

    def next_s(self, at_least_s: float, chance: random.Random) -> float:
        """Return how long to wait after one more failure, where the other side asked for ``at_least_s`` seconds."""
        longest = min(_FIRST_S * 2.0 ** min(self.failures, 30), _LONGEST_S)
        self.failures += 1
        return max(longest * chance.uniform(0.5, 1.0), min(at_least_s, LONGEST_ASKED_S))
