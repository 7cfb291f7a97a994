"""Back-off: how long to wait before asking a server again that was away or busy."""

import random
from dataclasses import dataclass


@dataclass(frozen=True)
class Backoff:
    """Waits that double, each shortened by chance so that many clients do not come back at the same moment.

    Attributes:
        patience_s: how long after the first failure we give up; 0: at once, infinity: never.
        first_s: the first wait; ``longest_s`` the longest one.
    """

    patience_s: float = 30.0
    first_s: float = 0.2
    longest_s: float = 5.0

    def wait_s(self, attempt: int, waited_s: float, at_least_s: float, chance: random.Random) -> float | None:
        """Return how long to wait after failure number ``attempt`` (from 0), None to give up.

        ``waited_s`` is the time since the first failure, ``at_least_s`` what the server asked for (Retry-After).
        """
        left_s = self.patience_s - waited_s
        if left_s <= 0:
            return None
        longest = min(self.first_s * 2.0 ** min(attempt, 30), self.longest_s)
        return min(max(longest * chance.uniform(0.5, 1.0), at_least_s), left_s)
