"""Learning: from a gallery to a head with a calibrated threshold, and what is known of it."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head
from familiar.learning import prototypes, report
from familiar.learning.calibration import Rate, quantiles, tail_quantile
from familiar.learning.cohort import Cohort
from familiar.learning.correction import Correction
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

_DOUBT = 1.5
"""The threshold is set for the promised share divided by this: of strangers whom the cohort has hardly seen more are
named than of drawn ones."""
_MOST_BY_ONE = 0.1
"""Of those strangers no more than this share may be taken for one person, or two equal shares where people are few. Who
would take more is named from a closer likeness only, and nobody else pays; see
docs/adr/0013-a-metric-and-a-promise-each.md."""
_DEAREST = 32
"""So many people, of those whom strangers come nearest to, may lower the threshold by what they are not taken for."""
_ROUNDS = 4
_NEAR = 0.05
"""Share of the strangers who are looked at in these rounds, at least."""

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


def learn(gallery: Gallery, cohort: Cohort, far_target: float, correction: Correction | None = None) -> Learned:
    """Learn a head that names at most ``far_target`` of the strangers ``cohort`` describes.

    With a ``correction`` of that cohort, these are the strangers of the site where it was measured.

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
    fpir, site = None, None
    if cohort.fitted:
        length, promised, less_sure, fpir = _calibrate(weights, cohort, far_target)
        scores *= length[gallery.person]
        share = far_target / _DOUBT / len(weights)
        threshold = promised if correction is None else promised + correction.move(share)
        site = None if correction is None else correction.report(share)
        head = Head(gallery.person_ids, weights * length[:, None], np.full(len(weights), threshold, np.float32))
    else:
        less_sure = np.zeros(len(weights), np.bool_)
        head = Head(gallery.person_ids, weights, _careful(gallery, weights, np.where(judged, scores, np.nan)))
    named = np.zeros(len(gallery), np.bool_)
    named[judged] = HeldOut(head, gallery, gallery.person, scores).named(np.flatnonzero(judged))
    trial = Trial(judged, named, scores - head.thresholds[gallery.person])
    return Learned(
        head,
        float(np.median(head.thresholds)),
        {**report.summary(material, trial, far_target, fpir), "site": site},
        report.by_person(head, material, trial, less_sure),
        owed,
    )


def lengths(weights: Float32, cohort: Cohort) -> Float32:
    """Return float32[P]: the lengths, 1 at most, of prototypes whose directions ``weights`` [P, D] are."""
    return _lengths(quantiles(cohort.strangers(_STRANGERS, seed=0), weights, _REACH_SHARE))


def _lengths(reach: Float32) -> Float32:
    reach = np.maximum(reach, _LEAST_REACH)
    shortened: Float32 = np.minimum(1, (_LONGEST * np.median(reach) / reach) ** _REACH_WEIGHT).astype(np.float32)
    return shortened


def _calibrate(weights: Float32, cohort: Cohort, far_target: float) -> tuple[Float32, float, NDArray[np.bool_], Rate]:
    """Return (lengths float32[P] of the prototypes, one threshold for all, bool[P] who is less sure, what to expect).

    Whoever would be taken for more strangers than ``_MOST_BY_ONE`` allows is restrained by a shorter prototype, so that
    one threshold still serves all. It falls by that; less sure is whoever had to be restrained before it fell.
    """
    people, aim = len(weights), far_target / _DOUBT
    in_tail = _IN_TAIL if people <= _MANY_PEOPLE else _IN_TAIL_OF_MANY
    # Each step has strangers of its own: judged by those it was fitted to, it would look better than it is.
    for_reach = cohort.strangers(_STRANGERS, seed=0)
    for_threshold, for_report = (cohort.strangers(in_tail, seed) for seed in (1, 2))
    reach, least = quantiles(for_reach, weights, (_REACH_SHARE, min(1.0, aim * max(2 / people, _MOST_BY_ONE))))
    length = _lengths(reach)
    least = (length * least).astype(np.float32)
    first, threshold = _thresholds(for_threshold, weights * length[:, None], least, aim)
    length *= np.minimum(1, threshold / least)
    named = int((highest(for_report, weights * length[:, None]) >= threshold).sum())
    return length, threshold, least > first, Rate.of(named, len(for_report)).widened(cohort.misfit)


def _thresholds(strangers: Float32, weights: Float32, least: Float32, aim: float) -> tuple[float, float]:
    """Return the scores that ``aim`` of the strangers reach, with the prototypes as they are, and with shortened ones.

    A prototype is shortened to where the person's ``least`` score, of float32[P], meets the threshold, where that is
    lower. The threshold falls by it, and soon settles.
    """
    dearest = np.argsort(-least, kind="stable")[:_DEAREST]
    others = highest(strangers, np.delete(weights, dearest, axis=0))
    scores = strangers @ weights[dearest].T
    highest_scores = np.maximum(others, scores.max(axis=1))
    first = threshold = float(tail_quantile(highest_scores, aim))
    # Whoever is far below the threshold stays there, since scores only fall.
    near = max(1, int(len(strangers) * min(1, max(_NEAR, 8 * aim))))
    rows = np.argpartition(highest_scores, -near)[-near:]
    others, scores, share = others[rows], scores[rows], aim * len(strangers) / near
    for _ in range(_ROUNDS):
        restraint = np.minimum(1, threshold / least[dearest]).astype(np.float32)
        threshold = float(tail_quantile(np.maximum(others, (scores * restraint).max(axis=1)), share))
    return first, threshold


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
