"""Learning: from a gallery to a head with a calibrated threshold, and whether it may replace the one in service."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.calibration import Rate, Strangers, tail_quantile
from familiar.cohort import Cohort
from familiar.embedding import normalise
from familiar.gallery import Gallery
from familiar.head import Head

Float32 = NDArray[np.float32]

_OFFSET_SHARE = 0.001
_OFFSET_WEIGHT = 0.5
"""Somebody whom strangers resemble more gets a higher threshold: by half of what equal shares for all would ask."""


@dataclass(frozen=True)
class Learned:
    """A head and what is known of it.

    Attributes:
        head: the weights.
        threshold: the median of the people's thresholds, to show; 1.0 where nobody is enrolled.
        metrics: JSON values; people appear by their opaque ids.
    """

    head: Head
    threshold: float
    metrics: dict[str, Any]


def learn(gallery: Gallery, cohort: Cohort, far_target: float) -> Learned:
    """Learn a head that names at most ``far_target`` of the strangers ``cohort`` describes.

    A prototype is the direction of the mean of a person's samples. Raises ValueError if gallery and cohort do not
    belong to one backbone, or ``far_target`` is not a share.
    """
    if not 0 < far_target < 1:
        raise ValueError(f"far_target must be between 0 and 1, got {far_target}")
    if not gallery.person_ids:
        return Learned(Head.empty(cohort.dim), 1.0, _metrics_of_nobody(far_target))
    if gallery.dim != cohort.dim:
        raise ValueError(f"the gallery has embeddings of length {gallery.dim}, the cohort of {cohort.dim}")
    sums = _sums(gallery)
    prototypes = normalise(sums)
    held_out = _held_out_scores(gallery, sums)
    if cohort.fitted:
        thresholds, fpir = _calibrate(prototypes, cohort, far_target)
    else:
        thresholds, fpir = _careful(gallery, prototypes, held_out), None
    head = Head(gallery.person_ids, prototypes, thresholds)
    return Learned(head, float(np.median(thresholds)), _metrics(gallery, head, held_out, far_target, fpir))


def worse_than(live: Head, candidate: Head, gallery: Gallery) -> list[str]:
    """Return, by person, why ``candidate`` must not replace ``live``; empty if it may.

    Whoever both heads and the gallery know is compared on their samples, each scored as if its block of time had been
    held out. More must be lost than chance and a threshold that moves with the number of people explain.
    """
    reasons = []
    live_named, candidate_named = _named(live, gallery), _named(candidate, gallery)
    for position, person_id in enumerate(gallery.person_ids):
        if person_id not in live.person_ids or person_id not in candidate.person_ids:
            continue
        mine = gallery.person == position
        named, lost = int(live_named[mine].sum()), int((live_named & ~candidate_named)[mine].sum())
        if lost > _tolerance(named, int(mine.sum())):
            reasons.append(f"{person_id}: {lost} of the {named} held-out samples that the live head names are lost")
    return reasons


def _tolerance(named: int, count: int) -> float:
    missed = max(1 - named / count, 0.05)
    return max(1.0, 2 * math.sqrt(count * missed * (1 - missed)))


def _sums(gallery: Gallery) -> Float32:
    sums = np.zeros((len(gallery.person_ids), gallery.dim), np.float32)
    np.add.at(sums, gallery.person, gallery.embeddings)
    return sums


def _without_own_block(gallery: Gallery, sums: Float32) -> Float32:
    """Return float32[N, D]: for each sample its person's prototype without the sample's block; zero if none is left."""
    blocks = int(gallery.block.max(initial=0)) + 1
    key = gallery.person.astype(np.int64) * blocks + gallery.block
    present, inverse = np.unique(key, return_inverse=True)
    of_block = np.zeros((len(present), gallery.dim), np.float32)
    np.add.at(of_block, inverse, gallery.embeddings)
    alone = np.bincount(present // blocks, minlength=len(sums))[gallery.person] < 2
    rest: Float32 = normalise(sums[gallery.person] - of_block[inverse])
    rest[alone] = 0.0
    return rest


def _held_out_scores(gallery: Gallery, sums: Float32) -> Float32:
    """Return float32[N]: cosine of each sample to its person learned without its block; NaN if there is no other."""
    rest = _without_own_block(gallery, sums)
    scores: Float32 = np.einsum("nd,nd->n", gallery.embeddings, rest)
    scores[~rest.any(axis=1)] = np.nan
    return scores


def _calibrate(prototypes: Float32, cohort: Cohort, far_target: float) -> tuple[Float32, Rate]:
    strangers = Strangers(cohort, prototypes)
    offsets = _OFFSET_WEIGHT * strangers.offsets(_OFFSET_SHARE)
    level = float(tail_quantile(strangers.highest(offsets), far_target))
    fresh = Strangers(cohort, prototypes, seed=1)
    named = int((fresh.highest(offsets) >= level).sum())
    return (offsets + level).astype(np.float32), Rate.of(named, len(fresh))


def _careful(gallery: Gallery, prototypes: Float32, held_out: Float32) -> Float32:
    """Return thresholds float32[P] where strangers are not known: above everybody else, and half of oneself."""
    thresholds = np.full(len(prototypes), -1.0, np.float32)
    scores = gallery.embeddings @ prototypes.T
    for position in range(len(prototypes)):
        mine = gallery.person == position
        own = held_out[mine][np.isfinite(held_out[mine])]
        thresholds[position] = np.median(own) if len(own) else 0.99
        if not mine.all():
            thresholds[position] = max(thresholds[position], scores[~mine, position].max())
    return thresholds


def _named(head: Head, gallery: Gallery) -> NDArray[np.bool_]:
    """Return bool[N]: whether ``head`` would name each sample's person, had it not learned from the sample's block."""
    named = np.zeros(len(gallery), np.bool_)
    if not len(gallery) or not head.person_ids:
        return named
    sums = _sums(gallery)
    optimism = np.einsum("nd,nd->n", gallery.embeddings, normalise(sums)[gallery.person]) - _held_out_scores(
        gallery, sums
    )
    place = {person_id: i for i, person_id in enumerate(head.person_ids)}
    own = np.array([place.get(person_id, -1) for person_id in gallery.person_ids], np.int32)[gallery.person]
    for start in range(0, len(gallery), 1024):
        part = slice(start, start + 1024)
        scores = gallery.embeddings[part] @ head.prototypes.T
        rows = np.flatnonzero(own[part] >= 0)
        mine = own[part][rows]
        score = scores[rows, mine] - np.nan_to_num(optimism[part][rows])
        scores[rows, mine] = -np.inf
        named[start + rows] = (score >= head.thresholds[mine]) & (score > scores[rows].max(axis=1))
    return named


def _metrics(gallery: Gallery, head: Head, held_out: Float32, far_target: float, fpir: Rate | None) -> dict[str, Any]:
    judged = np.isfinite(held_out)
    named = _named(head, gallery) & judged
    nearest, similarity = _nearest(head.prototypes)
    counts = gallery.samples_per_person()
    judged_of = np.bincount(gallery.person[judged], minlength=len(counts))
    missed_of = judged_of - np.bincount(gallery.person[named], minlength=len(counts))
    people = {
        person_id: {
            "samples": int(counts[i]),
            "held_out": int(judged_of[i]),
            "missed": int(missed_of[i]),
            "threshold": round(float(head.thresholds[i]), 4),
            "nearest": head.person_ids[nearest[i]] if nearest[i] >= 0 else None,
            "similarity": round(float(similarity[i]), 4) if nearest[i] >= 0 else None,
        }
        for i, person_id in enumerate(head.person_ids)
    }
    fnir = Rate.of(int(missed_of.sum()), int(judged.sum()))
    return {
        "far_target": far_target,
        "calibrated": fpir is not None,
        "fpir": _share(fpir) if fpir else None,
        "fnir": _share(fnir) if fnir.count else None,
        "people": people,
    }


def _metrics_of_nobody(far_target: float) -> dict[str, Any]:
    return {"far_target": far_target, "calibrated": True, "fpir": None, "fnir": None, "people": {}}


def _share(rate: Rate) -> dict[str, float | int]:
    return {"value": rate.value, "low": rate.low, "high": rate.high, "count": rate.count}


def _nearest(prototypes: Float32) -> tuple[NDArray[np.intp], Float32]:
    """Return (intp[P], float32[P]): for each person the nearest other one, -1 if there is none, and the cosine."""
    people = len(prototypes)
    nearest, similarity = np.full(people, -1, np.intp), np.full(people, -1.0, np.float32)
    if people < 2:
        return nearest, similarity
    for start in range(0, people, 512):
        cosine = prototypes[start : start + 512] @ prototypes.T
        rows = np.arange(len(cosine))
        cosine[rows, start + rows] = -np.inf
        nearest[start : start + 512] = cosine.argmax(axis=1)
        similarity[start : start + 512] = cosine.max(axis=1)
    return nearest, similarity
