"""Learning: from a gallery to a head with a calibrated threshold, and whether it may replace the one in service."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar import prototypes, report
from familiar.calibration import Rate, highest, quantiles, tail_quantile
from familiar.cohort import Cohort
from familiar.gallery import Gallery
from familiar.head import Head
from familiar.prototypes import Material
from familiar.report import Trial

Float32 = NDArray[np.float32]

_REACH_SHARE = 0.001
_REACH_WEIGHT = 0.5
"""Prototypes that strangers come near are shortened, by half of what would give everybody equal false accepts."""
_LEAST_REACH = 0.1
_LONGEST = 0.9
"""Of the median reach: whom strangers come near less than that gets a prototype of length 1, so no score is above 1."""

_STRANGERS = 30_000
_STRANGERS_OF_MANY = 10_000
_MANY_PEOPLE = 1_000
_TIMES_IN_TAIL = 4
"""The threshold lies where one stranger in a thousand is: it takes more of them to know that place well."""

_CHUNK = 1024


@dataclass(frozen=True)
class Learned:
    """A head and what is known of it.

    Attributes:
        head: the weights.
        threshold: the score from which somebody is named; 1.0 where nobody is enrolled.
        metrics: what to expect of it in all, see ``familiar.report``.
        people: what to expect of it for each person, by id.
    """

    head: Head
    threshold: float
    metrics: dict[str, Any]
    people: dict[str, dict[str, Any]]


def learn(gallery: Gallery, cohort: Cohort, far_target: float) -> Learned:
    """Learn a head that names at most ``far_target`` of the strangers ``cohort`` describes.

    Raises:
        ValueError: gallery and cohort do not belong to one backbone, or ``far_target`` is not a share.
    """
    if not 0 < far_target < 1:
        raise ValueError(f"far_target must be between 0 and 1, got {far_target}")
    if not gallery.person_ids:
        return Learned(Head.empty(cohort.dim), 1.0, report.of_nobody(far_target), {})
    if gallery.dim != cohort.dim:
        raise ValueError(f"the gallery has embeddings of length {gallery.dim}, the cohort of {cohort.dim}")
    material = Material.of(gallery, cohort)
    weights = prototypes.from_means(material.means, cohort)
    rest, inverse = material.without_own_block()
    judged = rest.any(axis=1)[inverse]
    scores: Float32 = np.einsum("nd,nd->n", gallery.embeddings, prototypes.from_means(rest, cohort)[inverse])
    if cohort.fitted:
        lengths, threshold, fpir = _calibrate(weights, cohort, far_target)
        scores *= lengths[gallery.person]
        head = Head(gallery.person_ids, weights * lengths[:, None], np.full(len(weights), threshold, np.float32))
    else:
        fpir = None
        head = Head(gallery.person_ids, weights, _careful(gallery, weights, np.where(judged, scores, np.nan)))
    named = _named(head, gallery, scores) & judged
    trial = Trial(judged, named, scores - head.thresholds[gallery.person])
    return Learned(
        head,
        float(np.median(head.thresholds)),
        report.summary(material, trial, far_target, fpir),
        report.by_person(head, material, trial),
    )


def worse_than(live: Head, candidate: Head, gallery: Gallery, cohort: Cohort) -> list[str]:
    """Return, by person, why ``candidate`` must not replace ``live``; empty if it may.

    Whoever both heads and the gallery know is compared on their samples, each scored as if its block of time had been
    held out. More must be lost than chance and a threshold that moves with the number of people explain.
    """
    shared = set(live.person_ids) & set(candidate.person_ids)
    if not shared or not len(gallery):
        return []
    optimism = _optimism(Material.of(gallery, cohort), cohort)
    before, after = (_named(head, gallery, _own_scores(head, gallery) - optimism) for head in (live, candidate))
    people = len(gallery.person_ids)
    samples = gallery.samples_per_person()
    named = np.bincount(gallery.person[before], minlength=people)
    lost = np.bincount(gallery.person[before & ~after], minlength=people)
    return [
        f"{person_id}: {lost[i]} of the {named[i]} held-out samples that the live head names are lost"
        for i, person_id in enumerate(gallery.person_ids)
        if person_id in shared and lost[i] > _tolerance(int(named[i]), int(samples[i]))
    ]


def _tolerance(named: int, count: int) -> float:
    """Two deviations of the number missed, with at least 5 % taken as missed, and never less than one sample."""
    missed = max(1 - named / count, 0.05)
    return max(1.0, 2 * math.sqrt(count * missed * (1 - missed)))


def _calibrate(weights: Float32, cohort: Cohort, far_target: float) -> tuple[Float32, float, Rate]:
    """Return (lengths float32[P] of the prototypes, one threshold for all, the share of strangers to expect)."""
    count = _STRANGERS if len(weights) <= _MANY_PEOPLE else _STRANGERS_OF_MANY
    # Each step has strangers of its own: judged by those it was fitted to, it would look better than it is.
    for_reach = cohort.strangers(count, seed=0)
    for_threshold, for_report = (cohort.strangers(_TIMES_IN_TAIL * count, seed) for seed in (1, 2))
    reach = np.maximum(quantiles(for_reach, weights, _REACH_SHARE), _LEAST_REACH)
    lengths: Float32 = np.minimum(1, (_LONGEST * np.median(reach) / reach) ** _REACH_WEIGHT).astype(np.float32)
    weights = weights * lengths[:, None]
    threshold = float(tail_quantile(highest(for_threshold, weights), far_target))
    named = int((highest(for_report, weights) >= threshold).sum())
    return lengths, threshold, Rate.of(named, len(for_report)).widened(cohort.misfit)


def _careful(gallery: Gallery, weights: Float32, held_out: Float32) -> Float32:
    """Return thresholds float32[P] where strangers are not known: above everybody else, and half of oneself."""
    thresholds = np.full(len(weights), 0.99, np.float32)
    foreign = np.full(len(weights), -1.0, np.float32)
    for start in range(0, len(gallery), _CHUNK):
        part = slice(start, start + _CHUNK)
        scores = gallery.embeddings[part] @ weights.T
        scores[np.arange(len(scores)), gallery.person[part]] = -1.0
        np.maximum(foreign, scores.max(axis=0), out=foreign)
    starts = np.flatnonzero(np.r_[True, np.diff(gallery.person) > 0])
    for position, own in enumerate(np.split(held_out, starts[1:])):
        if np.isfinite(own).any():
            thresholds[position] = np.nanmedian(own)
    return np.maximum(thresholds, foreign + np.float32(1e-6))


def _own_scores(head: Head, gallery: Gallery) -> Float32:
    """Return float32[N]: the score of each sample for its own person; -1 if ``head`` does not know that one."""
    place = {person_id: i for i, person_id in enumerate(head.person_ids)}
    own = np.array([place.get(person_id, -1) for person_id in gallery.person_ids], np.int32)[gallery.person]
    scores: Float32 = np.einsum("nd,nd->n", gallery.embeddings, head.prototypes[own])
    scores[own < 0] = -1.0
    return scores


def _optimism(material: Material, cohort: Cohort) -> Float32:
    """Return float32[N]: how much each sample's score owes to its person having been learned from its own block."""
    rest, inverse = material.without_own_block()
    full, held_out = prototypes.from_means(material.means, cohort), prototypes.from_means(rest, cohort)
    gallery = material.gallery
    owed: Float32 = np.einsum("nd,nd->n", gallery.embeddings, full[gallery.person] - held_out[inverse])
    owed[~rest.any(axis=1)[inverse]] = 0.0
    return owed


def _named(head: Head, gallery: Gallery, own_scores: Float32) -> NDArray[np.bool_]:
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
