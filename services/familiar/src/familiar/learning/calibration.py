"""Calibration: which threshold keeps a stated share of strangers out, and what rates to expect of it."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import NormalDist
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Real = NDArray[np.floating[Any]]

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

    def widened(self, factor: float) -> "Rate":
        """Return the rate with an interval that also allows for a model that is off by ``factor``."""
        return Rate(self.value, self.low / factor, min(1.0, self.high * factor), self.count)


def tail_quantile(scores: Real, share: float | Sequence[float]) -> Float64:
    """Return what ``share`` of ``scores`` [S] or [P, S] exceed (by row), also where S * share is below 1.

    Of several shares the answer is as many rows: sorting the scores takes all the time, and it is done once.

    The highest scores over a level are taken as exponential, the extreme-value limit of light tails (Pickands, Annals
    of Statistics 3, 1975), which is what a cosine near its upper end has at most: the estimate errs to the safe side.
    """
    scores, shares = np.asarray(scores), np.asarray(share, np.float64)
    count = scores.shape[-1]
    kept = min(_TAIL, count // 4)
    if kept == 0:
        return np.broadcast_to(scores.max(axis=-1), shares.shape + scores.shape[:-1]).astype(np.float64)
    top = np.partition(scores, count - kept - 1, axis=-1)[..., -kept - 1 :].astype(np.float64)
    level = top.min(axis=-1)
    excess = (top.sum(axis=-1) - level) / kept - level
    found: Float64 = np.asarray(level + np.multiply.outer(np.log(kept / count / shares), excess))
    frequent = shares >= kept / count
    if frequent.any():
        found[frequent] = np.quantile(scores, 1 - shares[frequent], axis=-1)
    return found


def share_above(scores: Real, score: float) -> float:
    """Return which share of ``scores`` [S] exceed ``score``; beyond the highest by the tail of ``tail_quantile``."""
    count = len(scores)
    kept = min(_TAIL, count // 4)
    top = np.sort(np.asarray(scores, np.float64))[count - kept - 1 :]
    level, excess = float(top[0]), float(top.mean() - top[0]) * len(top) / max(kept, 1)
    if score <= level or excess <= 0:
        return float((np.asarray(scores) > score).mean())
    return kept / count * math.exp((level - score) / excess)


def quantiles(strangers: Float32, prototypes: Float32, share: float | Sequence[float]) -> Float64:
    """Return float64[P]: the score for each of ``prototypes`` [P, D] that ``share`` of ``strangers`` [S, D] exceed.

    Of several shares the answer is as many rows.
    """
    parts = [
        tail_quantile(prototypes[start : start + _CHUNK] @ strangers.T, share)
        for start in range(0, len(prototypes), _CHUNK)
    ]
    return np.concatenate(parts or [np.zeros((*np.shape(share), 0))], axis=-1)
