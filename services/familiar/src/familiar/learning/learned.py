"""Learning: from a gallery to a head with a calibrated threshold, and what is known of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head
from familiar.learning import prototypes, report
from familiar.learning.calibration import Rate, quantiles, tail_quantile
from familiar.learning.cohort import Cohort
from familiar.learning.gallery import Gallery
from familiar.learning.prototypes import Material
from familiar.learning.rivals import highest, own_scores
from familiar.learning.trial import HeldOut, Trial

Float32 = NDArray[np.float32]

_REACH_SHARE = 0.001
_REACH_WEIGHT = 0.5
"""Prototypes that strangers come near are shortened, by half of what would give everybody equal false accepts."""
_LEAST_REACH = 0.1
_LONGEST = 0.9
"""Of the median reach: whom strangers come near less than that gets a prototype of length 1, so no score is above 1."""

_STRANGERS = 30_000
"""For the reach, however many people there are: others would give everybody another length, and lose samples by it."""
_IN_TAIL = 120_000
"""The threshold lies where one stranger in a thousand is: it takes more of them to know that place well."""
_IN_TAIL_OF_MANY = 40_000
_MANY_PEOPLE = 1_000

_CHUNK = 1024


@dataclass(frozen=True)
class Learned:
    """A head and what is known of it.

    Attributes:
        head: the weights.
        threshold: the score from which somebody is named; 1.0 where nobody is enrolled.
        metrics: what to expect of it in all, see ``familiar.learning.report``.
        people: what to expect of it for each person, by id.
        owed: float32[N], how much the score of each sample for its person owes to that person having been learned from
            the sample's own block of time; 0 where nothing would be left without it.
    """

    head: Head
    threshold: float
    metrics: dict[str, Any]
    people: dict[str, dict[str, Any]]
    owed: Float32


def learn(gallery: Gallery, cohort: Cohort, far_target: float) -> Learned:
    """Learn a head that names at most ``far_target`` of the strangers ``cohort`` describes.

    Raises:
        ValueError: gallery and cohort do not belong to one backbone, or ``far_target`` is not a share.
    """
    if not 0 < far_target < 1:
        raise ValueError(f"far_target must be between 0 and 1, got {far_target}")
    if not gallery.person_ids:
        return Learned(Head.empty(cohort.dim), 1.0, report.of_nobody(far_target), {}, np.zeros(0, np.float32))
    if gallery.dim != cohort.dim:
        raise ValueError(f"the gallery has embeddings of length {gallery.dim}, the cohort of {cohort.dim}")
    material = Material.of(gallery, cohort)
    weights = prototypes.from_means(material.means, cohort)
    rest, inverse = material.without_own_block()
    judged = rest.any(axis=1)[inverse]
    scores = own_scores(gallery.embeddings, prototypes.from_means(rest, cohort), inverse)
    owed = np.where(judged, own_scores(gallery.embeddings, weights, gallery.person) - scores, np.float32(0))
    if cohort.fitted:
        lengths, threshold, fpir = _calibrate(weights, cohort, far_target)
        scores *= lengths[gallery.person]
        head = Head(gallery.person_ids, weights * lengths[:, None], np.full(len(weights), threshold, np.float32))
    else:
        fpir = None
        head = Head(gallery.person_ids, weights, _careful(gallery, weights, np.where(judged, scores, np.nan)))
    named = np.zeros(len(gallery), np.bool_)
    named[judged] = HeldOut(head, gallery, gallery.person, scores).named(np.flatnonzero(judged))
    trial = Trial(judged, named, scores - head.thresholds[gallery.person])
    return Learned(
        head,
        float(np.median(head.thresholds)),
        report.summary(material, trial, far_target, fpir),
        report.by_person(head, material, trial),
        owed,
    )


def _calibrate(weights: Float32, cohort: Cohort, far_target: float) -> tuple[Float32, float, Rate]:
    """Return (lengths float32[P] of the prototypes, one threshold for all, the share of strangers to expect)."""
    in_tail = _IN_TAIL if len(weights) <= _MANY_PEOPLE else _IN_TAIL_OF_MANY
    # Each step has strangers of its own: judged by those it was fitted to, it would look better than it is.
    for_reach = cohort.strangers(_STRANGERS, seed=0)
    for_threshold, for_report = (cohort.strangers(in_tail, seed) for seed in (1, 2))
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
