"""The reach: how near strangers come to somebody, beside how near they come to most people."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.learning.calibration import quantiles

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
Counts = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Reach:
    """How near strangers come to most people, each of whom is known by so many pictures that their mean is themselves.

    Attributes:
        level: the score that one stranger in a thousand exceeds.
        step: how much more one in ten thousand does; so it goes on, as the upper end of scores is exponential.
        scatter: variance of one picture about its person, in squared lengths of the person's mean.
    """

    level: float
    step: float
    scatter: float

    @classmethod
    def of(cls, strangers: Float32, prototypes: Float32, sums: Float32, counts: Counts) -> "Reach":
        """Measure how near ``strangers`` [S, D] come to people, where each one's pictures are of several days.

        Args:
            strangers: L2-normalised.
            prototypes: float32[P, D], of length 1.
            sums: float32[P, D], the sum of each person's pictures.
            counts: int[P], how many these are, 2 or more.
        """
        scatter = float(np.median(_scatter(sums, counts)))
        levels = quantiles(strangers, prototypes, (0.001, 0.0001)) / _faded(sums, counts, scatter)
        level, beyond = np.median(levels, axis=1)
        return cls(float(level), float(beyond - level), scatter)

    def at(self, share: float) -> float:
        """Return the score with most people that ``share`` of the strangers exceeds."""
        return self.level + self.step * math.log10(0.001 / share)

    def faded(self, sums: Float32, counts: Counts) -> Float64:
        """Return float64[P]: the factor by which everybody's scores are lower with the mean of few or like pictures.

        Such a mean is off the person by what differs between their pictures, hence less like anybody, and is not to be
        taken for somebody whom nobody resembles. What pictures of one hour do not show of it is there nevertheless.

        Args:
            sums: float32[P, D], the sum of each person's pictures, which are L2-normalised.
            counts: int[P], how many these are.
        """
        return _faded(sums, counts, self.scatter)


def _faded(sums: Float32, counts: Counts, scatter: float) -> Float64:
    shown = np.minimum(_scatter(sums, counts), scatter)
    faded: Float64 = (1 + scatter - shown + shown / np.maximum(counts, 1)) ** -0.5
    return faded


def _scatter(sums: Float32, counts: Counts) -> Float64:
    """Return float64[P]: the variance of a picture about its person, from how alike they are; 0 for a single one."""
    squares = (sums.astype(np.float64) ** 2).sum(axis=1)
    pairs = np.maximum(counts * (counts - 1.0), 1.0)
    likeness = np.clip((squares - counts) / pairs, 1e-3, 1.0)
    return np.where(counts > 1, 1 / likeness - 1, 0.0)
