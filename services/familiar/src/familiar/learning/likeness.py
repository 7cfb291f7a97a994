"""Likeness: whether pictures show one person, two or many, and how many show somebody who is not learned yet.

All compare with strangers, as a training does, and never with a cosine of our choosing.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import normalise
from familiar.learning import prototypes
from familiar.learning.calibration import quantiles, share_above, tail_quantile
from familiar.learning.cohort import Cohort

Float32 = NDArray[np.float32]

_STRANGE = 0.05
"""A picture does not fit others if this share of strangers is more like them than it is. A training leaves out at two
in a hundred, without a question; what is asked about here is stranger still."""
_STRANGERS = 4_000
"""So many are drawn to tell."""
_STRANGERS_OF_TWO = 20_000
"""Of two pictures nothing is averaged: the share in question is read off where there are strangers, or near there."""
_NOTHING = 1e-6


def strays(embeddings: Float32, own: Float32, cohort: Cohort) -> NDArray[np.intp]:
    """Return which pictures do not show the person whom the others show; the rule is that of decision 19.

    Pictures become groups, and two groups become one, the surest first, as long as the n pictures of the smaller one
    are on average more like the larger one than one stranger in 20 n is. What is then in another group than the
    person's own pictures is a stray; of a person without any, in another group than the largest, or of several as
    large, than the first of them. So several pictures of one stranger do not hide each other, however many they are.

    Args:
        embeddings: float32[N, D], the pictures in question, L2-normalised.
        own: float32[M, D], those that are the person's already; there may be none.
        cohort: of the backbone that made them; one that is not fitted cannot tell, and nothing is a stray.

    Returns:
        int[S], positions in ``embeddings``, ascending.
    """
    if not cohort.fitted or not len(embeddings):
        return np.zeros(0, np.intp)
    rows, sizes = embeddings, np.ones(len(embeddings))
    if len(own):
        rows = np.concatenate([own.sum(axis=0, keepdims=True), embeddings])
        sizes = np.r_[float(len(own)), sizes]
    group = _grouped(rows, sizes, cohort)
    if len(own):
        return np.flatnonzero(group[1:] != group[0])
    main = group[np.bincount(group)[group].argmax()]
    return np.flatnonzero(group != main)


def share_named(embeddings: Float32, own: Float32, cohort: Cohort, far_target: float) -> float:
    """Return the share of pictures that a head would name as somebody, if it had learned nobody else.

    Args:
        embeddings: float32[N, D], the pictures in question, L2-normalised.
        own: float32[M, D], those that the person would be learned from.
        cohort: of the backbone that made them; with one that is not fitted nobody is named.
        far_target: share of strangers that may be named.
    """
    if not cohort.fitted or not len(embeddings) or not len(own):
        return 0.0
    weights = prototypes.from_means(own.sum(axis=0, keepdims=True), cohort)
    threshold = quantiles(cohort.strangers(_STRANGERS), weights, far_target)[0]
    return float((embeddings @ weights[0] >= threshold).mean())


@dataclass(frozen=True)
class Likeness:
    """How like two pictures are, against what strangers are.

    Attributes:
        score: the cosine of their embeddings, -1 to 1.
        threshold: from this score on they count as one person's.
        expected: the share of strangers that are at least as like one of the two as they are each other.
    """

    score: float
    threshold: float
    expected: float

    @property
    def same(self) -> bool:
        """Whether they count as one person's."""
        return self.score >= self.threshold


def compare(first: Float32, second: Float32, cohort: Cohort, far_target: float) -> Likeness:
    """Compare two pictures by their embeddings float32[D], L2-normalised.

    Each has a threshold of its own, since strangers come nearer to some faces than to others: of them the share
    ``far_target`` at most is taken for the person of the first, and of the second.

    Raises:
        ValueError: the cohort is not fitted.
    """
    score = float(first @ second)
    nearness = _nearness(np.stack([first, second]) @ cohort.strangers(_STRANGERS_OF_TWO).T)
    threshold = 1.0 - float(np.exp(-tail_quantile(nearness, far_target).max()))
    expected = max(share_above(row, float(_nearness(np.array(score)))) for row in nearness)
    return Likeness(score, threshold, expected)


def _nearness(cosines: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return how near something is that has these cosines, 0 to 14: its tail is exponential up to a cosine of 1."""
    return np.asarray(-np.log(np.maximum(1.0 - np.asarray(cosines, np.float64), _NOTHING)))


def _grouped(rows: Float32, sizes: NDArray[np.floating[Any]], cohort: Cohort) -> NDArray[np.intp]:
    """Return int[N]: the group of each of ``rows`` [N, D], which are sums of ``sizes`` [N] pictures each."""
    sums, sizes, group = rows.astype(np.float32), sizes.copy(), np.arange(len(rows))
    reach = _Reach(cohort, sums)
    # By how much each group is more like one that is no smaller than strangers are.
    excess = sums / sizes[:, None] @ normalise(sums).T - reach.limits(sizes[:, None], slice(None))
    excess[sizes[:, None] > sizes] = -np.inf
    np.fill_diagonal(excess, -np.inf)
    while excess.flat[best := int(excess.argmax())] >= 0:
        smaller, larger = divmod(best, len(rows))
        group[group == smaller] = larger
        sums[larger] += sums[smaller]
        sizes[larger] += sizes[smaller]
        sums[smaller], sizes[smaller] = 0, np.inf
        reach.renew(larger, sums[larger])
        others = np.isfinite(sizes)
        others[larger] = False
        to_it = sums @ normalise(sums[larger]) / sizes - reach.limits(sizes, larger)
        from_it = normalise(sums) @ sums[larger] / sizes[larger] - reach.limits(sizes[larger], slice(None))
        excess[:, larger] = np.where(others & (sizes <= sizes[larger]), to_it, -np.inf)
        excess[larger] = np.where(others & (sizes >= sizes[larger]), from_it, -np.inf)
        excess[smaller] = excess[:, smaller] = -np.inf
    return group


class _Reach:
    """How near strangers come to each of G groups of pictures; the end of their scores is exponential."""

    def __init__(self, cohort: Cohort, sums: Float32) -> None:
        self._strangers = cohort.strangers(_STRANGERS)
        self._level, self._step = self._of(sums)

    def renew(self, at: int, total: Float32) -> None:
        """Take note of another sum float32[D] of the group ``at``."""
        self._level[at : at + 1], self._step[at : at + 1] = self._of(total[None])

    def limits(self, sizes: Any, at: int | slice) -> Any:
        """Return how like the groups ``at`` others of so many pictures must be on average; more pictures tell more."""
        return self._level[at] + self._step[at] * np.log10(sizes)

    def _of(self, sums: Float32) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        level, tenth = quantiles(self._strangers, normalise(sums), (_STRANGE, _STRANGE / 10))
        return level, tenth - level
