"""The correction: how a threshold set for the cohort's strangers has to move for those of the site."""

import hashlib
import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any, Self

_ENOUGH_TO_LOWER = 300
"""People below which a threshold is never lowered: too few to see the strangers who matter."""
_SURE = 1.96
"""Standard errors to either side of a 95 % interval."""


@dataclass(frozen=True)
class Times:
    """How many times as many of the site's strangers as of the cohort's reach a score, with its 95 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Correction:
    """Where the upper end of the site's scores lies beside that of the cohort's; six numbers, and nobody's face.

    A pair is a stranger and somebody enrolled. Both ends are taken as exponential: from the score on that a ``share``
    of all pairs exceeds, the share falls by e with every ``spread``. Where that score lies depends on from how many
    pictures people are learned; how far apart the two ends are, and how long, does not.

    Attributes:
        people: how many different people it rests on.
        share: of all pairs, above which the end begins.
        spread: the mean excess of the cohort's end, as a score, more than 0.
        shift: how much higher the site's begins, as a score.
        shift_error: standard error of that.
        stretch: the site's mean excess over the cohort's.
        stretch_error: standard error of that.
        cohort: digest of the cohort that it corrects, see ``familiar.learning.site``; it says nothing of another one.
    """

    people: int
    share: float
    spread: float
    shift: float
    shift_error: float
    stretch: float
    stretch_error: float
    cohort: str

    def __post_init__(self) -> None:
        numbers = (self.share, self.spread, self.shift, self.shift_error, self.stretch, self.stretch_error)
        if not all(map(math.isfinite, numbers)) or min(self.share, self.spread, self.stretch) <= 0:
            raise ValueError(f"these numbers correct nothing: {numbers}")

    def move(self, share: float) -> float:
        """Return what to add to a threshold that ``share`` of the cohort's pairs reach.

        So that the promise holds on average over all that the correction may in truth be, a little more than what was
        measured is added: rates fall exponentially, and what is too low costs more than what is too high gains. A
        threshold falls only if enough people say so, and only as far as is certain.
        """
        measured, error = self._measured(share)
        raised = max(measured + error**2 / (2 * self.spread * self.stretch), 0.0)
        sure = min(measured + _SURE * error, 0.0) if self.people >= _ENOUGH_TO_LOWER else 0.0
        return raised + sure

    def times(self, share: float) -> Times:
        """Return how many times as many of the site's pairs reach the score that ``share`` of the cohort's do."""
        measured, error = self._measured(share)
        spread = self.spread * self.stretch
        return Times(*(math.exp((measured + by * error) / spread) for by in (0.0, -_SURE, _SURE)))

    def _measured(self, share: float) -> tuple[float, float]:
        """Return how much higher the site's pairs score than the cohort's, and the standard error of that."""
        beyond = self.spread * max(math.log(self.share / share), 0.0)
        return self.shift + (self.stretch - 1) * beyond, math.hypot(self.shift_error, self.stretch_error * beyond)

    def report(self, share: float) -> dict[str, Any]:
        """Return, as JSON values, what this says of a threshold that ``share`` of the cohort's pairs reach.

        ``times``: how many times the share that was stated they would be named by it; ``raised_by``: what is added.
        """
        times = self.times(share)
        return {
            "people": self.people,
            "times": {"value": round(times.value, 2), "low": round(times.low, 2), "high": round(times.high, 2)},
            "raised_by": round(self.move(share), 4),
        }

    def digest(self) -> str:
        """Return a short hexadecimal digest: heads learned with corrections of one digest were corrected alike."""
        return hashlib.sha256(json.dumps(self.to_dict(), sort_keys=True).encode()).hexdigest()[:16]

    def to_dict(self) -> dict[str, Any]:
        """Return it as JSON values."""
        return asdict(self)

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> Self:
        """Read what ``to_dict`` returned.

        Raises:
            ValueError: something is missing, unknown or no correction.
        """
        try:
            return cls(**values)
        except TypeError as exc:
            raise ValueError(f"not a correction: {exc}") from exc
