"""Linkage: which faces are one person's, by how alike they are, and which names their groups keep."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage

Float32 = NDArray[np.float32]

MOST_AT_ONCE = 2_500
"""So many are compared with each other; the memory grows with the square of it, to 50 MB."""
_BLOCK = 500


def grouped(rows: Float32, alike: float) -> NDArray[np.intp]:
    """Return int[N]: the group, from 0, of each of ``rows`` float32[N, D], L2-normalised.

    Two groups become one as long as their members are as alike as ``alike``, a cosine, on average: average linkage (R.
    R. Sokal and C. D. Michener, 1958). Of more than ``MOST_AT_ONCE`` rows parts are grouped, and then the groups: the
    mean cosine of two groups is the product of their means.
    """
    if len(rows) <= MOST_AT_ONCE:
        return _linked(rows, alike)
    groups = np.zeros(len(rows), np.intp)
    begun = 0
    for start in range(0, len(rows), MOST_AT_ONCE):
        part = _linked(rows[start : start + MOST_AT_ONCE], alike)
        groups[start : start + MOST_AT_ONCE] = part + begun
        begun += int(part.max()) + 1
    size = np.bincount(groups)
    means = np.zeros((begun, rows.shape[1]), np.float32)
    np.add.at(means, groups, rows)
    means /= size[:, None]
    largest = np.argsort(-size, kind="stable")[:MOST_AT_ONCE]
    whose = np.arange(begun) + begun
    whose[largest] = _linked(means[largest], alike)
    for group in np.setdiff1d(np.arange(begun), largest):
        likeness = means[largest] @ means[group]
        if likeness.max() >= alike:
            whose[group] = whose[largest[likeness.argmax()]]
    return np.unique(whose[groups], return_inverse=True)[1]


def _linked(rows: Float32, alike: float) -> NDArray[np.intp]:
    count = len(rows)
    if count < 2:
        return np.zeros(count, np.intp)
    apart = np.empty(count * (count - 1) // 2)
    at = 0
    for start in range(0, count, _BLOCK):
        block = 1 - rows[start : start + _BLOCK] @ rows[start:].T
        for place, row in enumerate(block):
            later = row[place + 1 :]
            apart[at : at + len(later)] = later
            at += len(later)
    tree = linkage(np.clip(apart, 0, 2, out=apart), "average")
    return np.asarray(fcluster(tree, 1 - alike, "distance") - 1, np.intp)


@dataclass(frozen=True)
class Renaming:
    """Who is who after a grouping.

    Attributes:
        kept: the name that each group keeps, by group; the others are new.
        merged: those whose name no group keeps, each with the group that has most of theirs.
        split: rows that left a name which another group keeps: their group, that name, and how many there are.
    """

    kept: Mapping[int, str]
    merged: Mapping[str, int]
    split: Sequence[tuple[int, str, int]]


def rename(groups: Sequence[int], names: Sequence[str | None]) -> Renaming:
    """Return who is who, from the group and the name before of each row; the names of new rows are None.

    A name stays where most of its rows are. Of two who want one group the one with more rows there has it, of two with
    as many the first by name.
    """
    shares: dict[tuple[str, int], int] = {}
    for group, name in zip(groups, names, strict=True):
        if name is not None:
            shares[name, group] = shares.get((name, group), 0) + 1
    by_share = sorted(shares, key=lambda pair: (-shares[pair], pair))
    kept: dict[int, str] = {}
    given: set[str] = set()
    for name, group in by_share:
        if group not in kept and name not in given:
            kept[group] = name
            given.add(name)
    mostly = dict(reversed(by_share))
    merged = {name: group for name, group in mostly.items() if name not in given}
    left = [(group, name, shares[name, group]) for name, group in by_share if name not in (*merged, kept.get(group))]
    return Renaming(kept, merged, left)
