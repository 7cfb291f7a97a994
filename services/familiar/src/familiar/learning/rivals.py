"""Rivals: who scores highest for a face among many people, and whether somebody outscores the face's own person.

A table of everybody's samples with everybody is never held: it is made in tiles that stay in the processor's cache.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Positions = NDArray[np.integer[Any]]

_FACES, _PEOPLE = 2048, 1024
"""The size of a tile."""

_FEW = 512
"""So many people are compared faster than it takes to find out who need not be."""
_AXES = 48
_ROUNDING = 1e-5
"""More than a score can be off by the rounding of 32-bit numbers."""


def highest(faces: Float32, prototypes: Float32, but: Positions | None = None) -> Float32:
    """Return float32[N]: the greatest score of each of ``faces`` [N, D] with ``prototypes`` [P, D]; -inf with none.

    ``but`` int[N] are positions in ``prototypes``, one for each face, that do not count; negative, all of them do.
    """
    best = np.full(len(faces), -np.inf, np.float32)
    for rows, _, scores in _tiles(faces, prototypes, but):
        np.maximum(best[rows], scores.max(axis=1), out=best[rows])
    return best


def strongest(faces: Float32, prototypes: Float32, but: Positions) -> tuple[NDArray[np.intp], Float32]:
    """Return (intp[N], float32[N]): who has the greatest score, as a position in ``prototypes``, and the score.

    See ``highest``, which is quicker where only the score is wanted.
    """
    who, best = np.zeros(len(faces), np.intp), np.full(len(faces), -np.inf, np.float32)
    for rows, first, scores in _tiles(faces, prototypes, but):
        place = scores.argmax(axis=1)
        score = scores[np.arange(len(scores)), place]
        better = score > best[rows]
        who[rows][better], best[rows][better] = first + place[better], score[better]
    return who, best


def _tiles(faces: Float32, prototypes: Float32, but: Positions | None) -> Iterator[tuple[slice, int, Float32]]:
    """Yield (rows of ``faces``, the first of the prototypes, their scores); -inf for those that do not count."""
    for start in range(0, len(faces), _FACES):
        rows = slice(start, start + _FACES)
        for first in range(0, len(prototypes), _PEOPLE):
            scores = faces[rows] @ prototypes[first : first + _PEOPLE].T
            if but is not None:
                own = but[rows] - first
                inside = np.flatnonzero((own >= 0) & (own < scores.shape[1]))
                scores[inside, own[inside]] = -np.inf
            yield rows, first, scores


def own_scores(faces: Float32, prototypes: Float32, own: Positions) -> Float32:
    """Return float32[N]: the score of each of ``faces`` [N, D] for one of ``prototypes`` [P, D], at ``own`` int[N].

    Where a position is negative, or there is nobody, the score means nothing.
    """
    if not len(prototypes):
        return np.full(len(faces), -1.0, np.float32)
    scores = np.empty(len(faces), np.float32)
    for start in range(0, len(faces), _FACES):
        rows = slice(start, start + _FACES)
        np.einsum("nd,nd->n", faces[rows], prototypes[own[rows]], out=scores[rows])
    return scores


class Rivals:
    """People, ready to be asked whether one of them outscores the person whom a face belongs to.

    Few faces have a rival, and most that have none are settled without the full scores. On the axes along which the
    prototypes differ most a score is computed as it is; what is left of face and prototype adds at most the product of
    their lengths (Cauchy and Schwarz). So a score in ``_AXES`` + 1 dimensions is an upper bound of the one in D, and
    only for faces that somebody could outscore by it are the full scores computed. The answer is the same as without.
    """

    def __init__(self, prototypes: Float32) -> None:
        """Prepare for ``prototypes`` float32[P, D]."""
        self._prototypes = prototypes
        self._axes: Float32 | None = None
        if len(prototypes) > _FEW and prototypes.shape[1] > _AXES:
            spread = np.linalg.eigh((prototypes.T @ prototypes).astype(np.float64))[1]
            self._axes = np.ascontiguousarray(spread[:, ::-1].astype(np.float32))
            self._short = _shortened(prototypes, self._axes)

    def outscore(self, faces: Float32, scores: Float32, own: Positions, rows: Positions) -> NDArray[np.bool_]:
        """Return bool[M]: for which of ``rows`` int[M] somebody else has at least the score of the own person.

        Args:
            faces: float32[N, D], L2-normalised.
            scores: float32[N], of each face for its own person.
            own: int[N], positions of those persons in the prototypes, negative for somebody who has none there.
            rows: positions in these, the faces that are asked about.
        """
        found = np.zeros(len(rows), np.bool_)
        for start in range(0, len(rows), _FACES):
            asked = rows[start : start + _FACES]
            doubtful = np.arange(len(asked))
            if self._axes is not None:
                bound = highest(_shortened(faces[asked], self._axes), self._short, own[asked])
                doubtful = np.flatnonzero(bound + _ROUNDING >= scores[asked])
            left = asked[doubtful]
            found[start + doubtful] = highest(faces[left], self._prototypes, own[left]) >= scores[left]
        return found


def _shortened(rows: Float32, axes: Float32) -> Float32:
    """Return ``rows`` [N, D] as float32[N, ``_AXES`` + 1]: along the first ``axes``, and the length of what is left."""
    turned = rows @ axes
    rest = np.linalg.norm(turned[:, _AXES:], axis=1, keepdims=True)
    return np.concatenate([turned[:, :_AXES], rest], axis=1)
