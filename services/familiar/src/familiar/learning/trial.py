"""Trial: how a head does on the samples that it, or another head, was made from."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head
from familiar.learning.gallery import Gallery

Float32 = NDArray[np.float32]

_CHUNK = 1024
"""Samples compared at a time, so that ten thousand people need no memory of their own."""


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


def own_scores(head: Head, gallery: Gallery) -> Float32:
    """Return float32[N]: the score of each sample for its own person; -1 if ``head`` does not know that one."""
    place = {person_id: i for i, person_id in enumerate(head.person_ids)}
    own = np.array([place.get(person_id, -1) for person_id in gallery.person_ids], np.int32)[gallery.person]
    scores: Float32 = np.einsum("nd,nd->n", gallery.embeddings, head.prototypes[own])
    scores[own < 0] = -1.0
    return scores


def named_rightly(head: Head, gallery: Gallery, own_scores: Float32) -> NDArray[np.bool_]:
    """Return bool[N]: whether each sample's person is named, given ``own_scores`` float32[N] for that person."""
    place = {person_id: i for i, person_id in enumerate(head.person_ids)}
    own = np.array([place.get(person_id, -1) for person_id in gallery.person_ids], np.int32)[gallery.person]
    named = np.zeros(len(gallery), np.bool_)
    for start in range(0, len(gallery), _CHUNK):
        rows = start + np.flatnonzero(own[start : start + _CHUNK] >= 0)
        others = gallery.embeddings[rows] @ head.prototypes.T
        others[np.arange(len(rows)), own[rows]] = -np.inf
        score = own_scores[rows]
        named[rows] = (score >= head.thresholds[own[rows]]) & (score > others.max(axis=1))
    return named
