"""Trial: how a head does on the samples that it, or another head, was made from."""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head
from familiar.learning.gallery import Gallery, Int32
from familiar.learning.rivals import Rivals, own_scores

Float32 = NDArray[np.float32]

LEAST_TOLERANCE = 1


def tolerance(named: int, count: int) -> float:
    """Return how many of ``named`` held-out samples of ``count`` somebody may lose by chance, and one at least.

    That is two deviations of the number missed, with at least 5 % taken as missed.
    """
    missed = max(1 - named / count, 0.05) if count else 1.0
    return max(LEAST_TOLERANCE, 2 * math.sqrt(count * missed * (1 - missed)))


@dataclass(frozen=True)
class Trial:
    """How a head does on the samples it was made from, each held out of its own person's prototype.

    Attributes:
        judged: bool[N], the samples that could be held out.
        named: bool[N], those of them that were named rightly.
        margin: float32[N], the score for the own person over that person's threshold; of no meaning where not judged.
    """

    judged: NDArray[np.bool_]
    named: NDArray[np.bool_]
    margin: Float32


@dataclass(frozen=True)
class HeldOut:
    """How a head scores the samples of a gallery for their own person, each as if its block had been held out.

    Attributes:
        head: which may know others than the gallery holds.
        gallery: N samples.
        own: int32[N], where the person of each sample stands in the head; -1 for somebody it does not know.
        score: float32[N], for that person; of no meaning where there is none.
    """

    head: Head
    gallery: Gallery
    own: Int32
    score: Float32

    @classmethod
    def of(cls, head: Head, gallery: Gallery, owed: Float32) -> Self:
        """Ask a head that learned the samples, and take off what each score owes to that: ``owed`` float32[N]."""
        place = {person_id: i for i, person_id in enumerate(head.person_ids)}
        own = np.array([place.get(person_id, -1) for person_id in gallery.person_ids], np.int32)[gallery.person]
        return cls(head, gallery, own, own_scores(gallery.embeddings, head.prototypes, own) - owed)

    def reached(self) -> NDArray[np.bool_]:
        """Return bool[N]: which samples score what their person is named from, whoever else may score more."""
        reached = self.own >= 0
        reached[reached] = self.score[reached] >= self.head.thresholds[self.own[reached]]
        return reached

    def named(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return bool[M]: which of the samples at ``rows`` int[M] are named rightly."""
        named = self.reached()[rows]
        named[named] = self.first(rows[named])
        return named

    def first(self, rows: NDArray[np.intp]) -> NDArray[np.bool_]:
        """Return bool[M]: for which of the samples at ``rows`` int[M] nobody else scores as much as their person."""
        return ~Rivals(self.head.prototypes).outscore(self.gallery.embeddings, self.score, self.own, rows)
