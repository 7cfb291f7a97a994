"""Evidence: one answer from several frames of one face."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar.servable import CANDIDATES


@dataclass(frozen=True)
class Evidence:
    """What all frames together say: the same as one row of a head's answer.

    Attributes:
        index: int32[K], positions of people, best first, -1 where padded.
        score: float32[K], weighted mean of the frames' scores, -1.0 where padded.
        known: whether the frames together name the best candidate.
    """

    index: NDArray[np.int32]
    score: NDArray[np.float32]
    known: bool


NOTHING = Evidence(np.full(CANDIDATES, -1, np.int32), np.full(CANDIDATES, -1.0, np.float32), False)


def combine(
    index: NDArray[np.int32],
    score: NDArray[np.float32],
    weight: NDArray[np.float32],
    thresholds: NDArray[np.float32],
) -> Evidence:
    """Return what F frames of one face say together.

    Scores are averaged, not embeddings: the mean of embeddings, brought back to length 1, comes nearer to everybody,
    strangers included, and the calibrated threshold would no longer keep its promise. A mean of scores reaches a
    threshold only if one of them does. Somebody is named if the mean reaches their threshold, most of the weight has
    them as best candidate, and at least one frame alone names them: so no burst of F frames names a stranger whom
    none of its frames would name.

    Args:
        index: int32[F, K], the head's candidates for each frame, best first, -1 where padded.
        score: float32[F, K], scores beside ``index``: cosine times length, 1 at most, of the prototype.
        weight: float32[F], how much each frame counts, more than 0.
        thresholds: float32[P], of the very head that answered, in the order of its labels; where one is not known,
            something that is certainly no lower, infinity at most.

    Raises:
        ValueError: the shapes do not fit together.
    """
    if index.ndim != 2 or score.shape != index.shape or weight.shape != (len(index),):
        raise ValueError(f"index {index.shape}, score {score.shape} and weight {weight.shape} do not fit together")
    # A frame without candidates had an unusable embedding: it says nothing, rather than "nobody".
    usable = (index[:, :1] >= 0).all(axis=1) & (weight > 0)
    index, score, weight = index[usable], score[usable], weight[usable] / max(float(weight[usable].sum()), 1e-9)
    if not len(index):
        return NOTHING
    people = np.unique(index[index >= 0])
    means = weight @ _by_person(index, score, people)
    order = np.argsort(-means, kind="stable")[:CANDIDATES]
    best = people[order[0]]
    agreeing = index[:, 0] == best
    alone = agreeing & (score[:, 0] >= thresholds[best])
    known = bool(means[order[0]] >= thresholds[best]) and float(weight[agreeing].sum()) > 0.5 and bool(alone.any())
    padding = CANDIDATES - len(order)
    return Evidence(
        np.pad(people[order], (0, padding), constant_values=-1).astype(np.int32),
        np.pad(means[order], (0, padding), constant_values=-1.0).astype(np.float32),
        known,
    )


def _by_person(index: NDArray[np.int32], score: NDArray[np.float32], people: NDArray[np.int32]) -> NDArray[np.float32]:
    """Return float32[F, C]: each frame's score of each of ``people`` [C].

    Somebody who is not among a frame's candidates scores at most as much as the last of them, and counts as this much.
    """
    last = np.where(index >= 0, score, np.inf).min(axis=1, initial=np.inf)
    table = np.repeat(last[:, None], len(people), axis=1).astype(np.float32)
    frame, rank = np.nonzero(index >= 0)
    table[frame, np.searchsorted(people, index[frame, rank])] = score[frame, rank]
    return table
