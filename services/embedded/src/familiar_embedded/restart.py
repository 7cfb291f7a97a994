"""When to start a service again that has ended by itself, and when to give up."""

from dataclasses import dataclass


@dataclass(frozen=True)
class RestartPolicy:
    """After a run of at least ``healthy_s`` a crash is an accident; shorter runs in a row are a defect.

    Attributes:
        first_s: wait before the first restart; doubled each time, up to ``longest_s``.
        attempts: short runs in a row after which we give up.
    """

    first_s: float = 0.5
    longest_s: float = 8.0
    healthy_s: float = 10.0
    attempts: int = 5


class Restarts:
    """The crashes of one service."""

    def __init__(self, policy: RestartPolicy) -> None:
        self._policy = policy
        self.short_runs = 0

    def after(self, run_s: float) -> float | None:
        """Return how long to wait after a run of ``run_s`` seconds, None to give up."""
        self.short_runs = 1 if run_s >= self._policy.healthy_s else self.short_runs + 1
        if self.short_runs > self._policy.attempts:
            return None
        return min(self._policy.first_s * 2.0 ** (self.short_runs - 1), self._policy.longest_s)
