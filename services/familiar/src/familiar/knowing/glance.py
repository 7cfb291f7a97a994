"""Glances: when a head's answer may be trusted although a face was looked at in haste."""

import numpy as np
from numpy.typing import NDArray


def is_sure(
    index: NDArray[np.int32], score: NDArray[np.float32], known: NDArray[np.bool_], threshold: float, margin: float
) -> NDArray[np.bool_]:
    """Return bool[N]: whether a closer look would say the same of each of N faces.

    It would where no score needs to move by ``margin`` for another decision: the best one is this far from the
    threshold, on either side, and of somebody who is named, this far before the next person's. Where the head decided
    otherwise than by ``threshold``, or a number is none, nothing is sure. A head without people is always sure.

    Args:
        index: int32[N, K], the head's candidates, best first, -1 where padded.
        score: float32[N, K], scores beside ``index``.
        known: bool[N], whether the head names the best candidate.
        threshold: the one score at which the head names anybody.
        margin: how far a glance may mislead, as a difference of scores, more than 0.
    """
    best = score[:, 0]
    far = np.abs(best - threshold) >= margin
    alone = (index[:, 1] < 0) | (best - score[:, 1] >= margin)
    sure: NDArray[np.bool_] = far & (known == (best >= threshold)) & (alone | ~known)
    return sure | ((index[:, 0] < 0) & ~known)
