"""Calibration: which threshold keeps a stated share of strangers out, and what rates to expect of it."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.cohort import Cohort

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Real = NDArray[np.floating[Any]]

STRANGERS = 40_000
STRANGERS_OF_MANY = 10_000
_MANY_PEOPLE = 1_000
_CHUNK = 512
"""People compared at a time, so that ten thousand of them need no memory of their own."""

_TAIL = 200
"""How many of the highest scores the tail is fitted to."""


@dataclass(frozen=True)
class Rate:
    """A share with its 95 % interval; ``count`` is how many cases it rests on."""

    value: float
    low: float
    high: float
    count: int

    @classmethod
    def of(cls, hits: int, count: int) -> "Rate":
        """Return the share with Wilson's interval (E. B. Wilson, JASA 22, 1927)."""
        if count == 0:
            return cls(0.0, 0.0, 1.0, 0)
        z = NormalDist().inv_cdf(0.975)
        share, spread = hits / count, z * z / count
        centre = (share + spread / 2) / (1 + spread)
        half = z / (1 + spread) * math.sqrt(share * (1 - share) / count + spread / (4 * count))
        low = max(0.0, centre - half) if hits else 0.0
        return cls(share, low, min(1.0, centre + half), count)


def tail_quantile(scores: Real, share: float) -> Float64:
    """Return what ``share`` of ``scores`` [S] or [S, P] exceed (by column), also where S * share is below 1.

    The highest scores over a level are taken as exponential, the extreme-value limit of light tails (Pickands, Annals
    of Statistics 3, 1975), which is what a cosine near its upper end has at most: the estimate errs to the safe side.
    """
    scores = np.asarray(scores)
    kept = min(_TAIL, len(scores) // 4)
    if kept == 0:
        return np.asarray(scores.max(axis=0), np.float64)
    top = np.sort(np.partition(scores, len(scores) - kept - 1, axis=0)[-kept - 1 :], axis=0).astype(np.float64)
    level, rate = top[0], kept / len(scores)
    if share >= rate:
        return np.asarray(np.quantile(scores.astype(np.float64), 1 - share, axis=0))
    return np.asarray(level + (top[1:] - level).mean(axis=0) * math.log(rate / share))


class Strangers:
    """Strangers drawn from a cohort, compared with the prototypes of one gallery."""

    def __init__(self, cohort: Cohort, prototypes: Float32, seed: int = 0) -> None:
        """Draw as many as the number of people ``prototypes`` float32[P, D] allows at a reasonable cost."""
        count = STRANGERS if len(prototypes) <= _MANY_PEOPLE else STRANGERS_OF_MANY
        self._embeddings = cohort.strangers(count, seed)
        self._prototypes = prototypes

    def __len__(self) -> int:
        return len(self._embeddings)

    def offsets(self, share: float) -> Float64:
        """Return float64[P]: the cosine to each person that ``share`` of the strangers exceed."""
        return np.concatenate([tail_quantile(scores, share) for _, scores in self._scores()] or [np.zeros(0)])

    def highest(self, offsets: Real) -> Float32:
        """Return float32[S]: each stranger's greatest score after ``offsets`` [P] are taken away."""
        best = np.full(len(self), -np.inf, np.float32)
        for people, scores in self._scores():
            np.maximum(best, (scores - offsets[people].astype(np.float32)).max(axis=1), out=best)
        return best

    def _scores(self) -> Iterator[tuple[slice, Float32]]:
        for start in range(0, len(self._prototypes), _CHUNK):
            people = slice(start, start + _CHUNK)
            yield people, self._embeddings @ self._prototypes[people].T
