"""Reunion: groups of one person's faces that were found apart are brought together by a second, closer look.

The first look joins only what is very much alike. The second has a prototype of each group, as the product has one of
each person enrolled: it is turned away from strangers, and knows how near those come to it.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.learning import Cohort, promise
from familiar_trainer.linkage import grouped

Float32 = NDArray[np.float32]
Groups = NDArray[np.integer[Any]]

FIRST_LOOK = 0.001
"""In the first look two groups are one if they are as alike as this share of pairs of strangers."""
TAKEN = 0.1
"""In the second no more than this share of strangers would be taken for somebody, all groups together; what that gives
is in docs/evaluation.md. Who looks at photos sees what does not belong together; where nobody looks, take less."""

_PROTOTYPES, _ROWS = 64, 512
"""So many are compared with all strangers, and with all groups, at a time."""


def people_among(rows: Float32, cohort: Cohort, taken: float = TAKEN) -> NDArray[np.intp]:
    """Return int[N]: whose, counted from 0, each of ``rows`` float32[N, D] is; L2-normalised, of nobody known.

    ``cohort`` says what strangers are like before the backbone that the rows are of.
    """
    return reunited(rows, grouped(rows, cohort.alike(FIRST_LOOK)), cohort, taken)


def reunited(rows: Float32, groups: Groups, cohort: Cohort, taken: float = TAKEN, among: int = 0) -> NDArray[np.intp]:
    """Return int[N]: the group, from 0, of each of ``rows`` float32[N, D], after a second look at ``groups`` int[N].

    A group joins the one whose prototype its faces are most like in the mean, if they are more like it than the share
    of strangers is that falls to each prototype when ``taken`` of them may be taken for anybody. It is looked at anew
    whom the others are like then, until nobody joins. No group is ever taken apart. Strangers who are not known cannot
    be kept out: all stays as it is if ``cohort`` is not fitted.

    Args:
        rows: L2-normalised, by the backbone that ``cohort`` belongs to.
        groups: who was found to be one person before; a group may be a single face.
        cohort: what strangers are like.
        taken: the share of them, over all groups together.
        among: how many groups there are in all, where ``rows`` are of a part of them.
    """
    groups = np.unique(groups, return_inverse=True)[1]
    size = np.bincount(groups)
    if not cohort.fitted or len(size) < 2:
        return groups
    share = taken / max(len(size), among)
    sums = np.zeros((len(size), rows.shape[1]), np.float32)
    np.add.at(sums, groups, rows)
    prototypes, limits = _prototypes(sums, cohort, share)
    while True:
        into = _joining(*_nearest(sums / size[:, None], prototypes, limits), size)
        left = into == np.arange(len(into))
        if left.all():
            return groups
        place = np.cumsum(left) - 1
        grown = np.unique(place[into[~left]])
        groups = place[into][groups]
        size, sums = np.bincount(groups), np.zeros((int(left.sum()), rows.shape[1]), np.float32)
        np.add.at(sums, groups, rows)
        prototypes, limits = prototypes[left], limits[left]
        prototypes[grown], limits[grown] = _prototypes(sums[grown], cohort, share)


def drawn(cohort: Cohort) -> Cohort:
    """Return ``cohort`` when the strangers are drawn whom a second look compares with, which takes a while once."""
    if cohort.fitted:
        promise.kept_by_each(np.eye(1, cohort.dim, dtype=np.float32), cohort, TAKEN)
    return cohort


def _prototypes(sums: Float32, cohort: Cohort, share: float) -> tuple[Float32, Float32]:
    """Return (float32[G, D], float32[G]: the score with each that a ``share`` of strangers exceeds)."""
    starts = range(0, len(sums), _PROTOTYPES)
    parts = [promise.kept_by_each(sums[start : start + _PROTOTYPES], cohort, share) for start in starts]
    return np.concatenate([each for each, _ in parts]), np.concatenate([limit for _, limit in parts])


def _nearest(means: Float32, prototypes: Float32, limits: Float32) -> tuple[NDArray[np.intp], Float32]:
    """Return for each of G groups (int[G]: the one it is most like, float32[G]: by how much it exceeds the limit)."""
    nearest, excess = np.empty(len(means), np.intp), np.empty(len(means), np.float32)
    for start in range(0, len(means), _ROWS):
        scores = means[start : start + _ROWS] @ prototypes.T - limits
        block = np.arange(len(scores))
        scores[block, start + block] = -np.inf
        nearest[start + block] = scores.argmax(axis=1)
        excess[start + block] = scores.max(axis=1)
    return nearest, excess


def _joining(nearest: NDArray[np.intp], excess: Float32, size: NDArray[np.intp]) -> NDArray[np.intp]:
    """Return int[G]: the group that each group joins, itself for most; of two the smaller joins, the surest first.

    Nobody joins a group that joins another, since who that is is to be seen first.
    """
    into, joined = np.arange(len(nearest)), np.zeros(len(nearest), np.bool_)
    order = np.argsort(-excess, kind="stable")
    for group in order[excess[order] >= 0].tolist():
        less, more = group, int(nearest[group])
        if size[less] > size[more]:
            less, more = more, less
        if into[less] == less and into[more] == more and not joined[less]:
            into[less] = more
            joined[more] = True
    return into
