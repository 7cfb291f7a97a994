"""Error rates: closed-set and open-set identification (ISO/IEC 19795-1), verification, and groups."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
from numpy.typing import NDArray

Scores: TypeAlias = NDArray[np.floating[Any]]
"""float[N], greater is more surely known; minus infinity where there is no face."""


@dataclass(frozen=True)
class Spread:
    """A measure over seeds: its mean and standard deviation."""

    mean: float
    sd: float

    @classmethod
    def of(cls, values: list[float]) -> Spread:
        """Summarise one value for each seed."""
        return cls(float(np.mean(values)), float(np.std(values, ddof=1)) if len(values) > 1 else 0.0)


def pairwise(groups: NDArray[np.integer[Any]], people: NDArray[np.integer[Any]]) -> tuple[float, float]:
    """Return (precision, recall) of pairs of pictures, from int[N] each: the group of each, and whom it shows.

    Precision is the share of one person's among the pairs of one group, recall that of one group's among those of one
    person; of no pairs it is 0.
    """
    both = _pairs(np.unique(np.stack([groups, people]), axis=1, return_counts=True)[1])
    together, same = (_pairs(np.unique(each, return_counts=True)[1]) for each in (groups, people))
    return both / max(together, 1), both / max(same, 1)


def _pairs(counts: NDArray[np.integer[Any]]) -> int:
    return int((counts * (counts - 1) // 2).sum())


def rank_1(right: NDArray[np.bool_]) -> float:
    """Return which share of the probes has the right person as best candidate."""
    return float(right.mean())


def macro_rank_1(right: NDArray[np.bool_], person: NDArray[np.integer[Any]]) -> float:
    """Return rank-1 averaged over people, so that somebody with many pictures does not count more."""
    return float(np.mean([right[person == one].mean() for one in np.unique(person)]))


def threshold_at(strangers: Scores, share: float) -> float:
    """Return the score that at most ``share`` of the strangers exceed."""
    ordered = np.sort(strangers)[::-1]
    allowed = int(np.floor(share * len(ordered) + 1e-9))
    return float(ordered[min(allowed, len(ordered) - 1)])


def dir_at_far(known: Scores, right: NDArray[np.bool_], strangers: Scores, share: float) -> float:
    """Return which share of the probes is named rightly while at most ``share`` of the strangers is named.

    The threshold is set on the very strangers: the measure says what a head can do, not what its calibration does.
    """
    return float((right & (known > threshold_at(strangers, share))).mean())


def auroc(known: Scores, strangers: Scores) -> float:
    """Return how often a known probe scores higher than a stranger; ties count half."""
    ordered = np.sort(strangers)
    below = np.searchsorted(ordered, known, "left")
    ties = np.searchsorted(ordered, known, "right") - below
    return float((below + ties / 2).mean() / len(ordered))


def det(known: Scores, right: NDArray[np.bool_], strangers: Scores) -> tuple[Scores, Scores]:
    """Return (FPIR, FNIR) at every threshold that lets another stranger in, FPIR rising."""
    ordered = np.sort(strangers[np.isfinite(strangers)])[::-1]
    passed = np.sort(np.where(right, known, -np.inf))
    fnir = np.searchsorted(passed, ordered, "right") / len(known)
    return np.arange(len(ordered)) / len(strangers), fnir


@dataclass(frozen=True)
class Verification:
    """LFW's protocol: the threshold for each fold is the one that is best on the others."""

    pairs: int
    accuracy: float
    accuracy_sd: float
    auc: float
    tar_at_far_1: float
    tar_at_far_01: float
    missing: int


def verification(cosine: Scores, same: NDArray[np.bool_], fold: NDArray[np.integer[Any]]) -> Verification:
    """Compare pairs by their ``cosine`` [N]; -inf where a picture shows no face, which is called different.

    As the folds may differ in size and in their share of same pairs, accuracy is the mean of both kinds' in a fold.
    """
    accuracies = []
    for one in np.unique(fold):
        mine = fold == one
        threshold = _best_threshold(cosine[~mine], same[~mine])
        called = cosine[mine] >= threshold
        accuracies.append((called[same[mine]].mean() + (~called[~same[mine]]).mean()) / 2)
    genuine, impostor = cosine[same], cosine[~same]
    return Verification(
        pairs=len(cosine),
        accuracy=float(np.mean(accuracies)),
        accuracy_sd=float(np.std(accuracies, ddof=1)),
        auc=auroc(genuine, impostor),
        tar_at_far_1=float((genuine > threshold_at(impostor, 0.01)).mean()),
        tar_at_far_01=float((genuine > threshold_at(impostor, 0.001)).mean()),
        missing=int(np.isneginf(cosine).sum()),
    )


def _best_threshold(cosine: Scores, same: NDArray[np.bool_]) -> float:
    values = np.unique(cosine[np.isfinite(cosine)])
    candidates = (values[1:] + values[:-1]) / 2
    genuine, impostor = np.sort(cosine[same]), np.sort(cosine[~same])
    accepted = 1 - np.searchsorted(genuine, candidates, "left") / len(genuine)
    refused = np.searchsorted(impostor, candidates, "left") / len(impostor)
    return float(candidates[np.argmax(accepted + refused)])
