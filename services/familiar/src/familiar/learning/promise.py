"""The promise: how long prototypes are and from which score somebody is named, so that few strangers are."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from familiar.learning.calibration import Rate, quantiles, tail_quantile
from familiar.learning.cohort import Cohort
from familiar.learning.correction import Correction
from familiar.learning.gallery import Gallery
from familiar.learning.prototypes import Material, from_means
from familiar.learning.reach import Reach
from familiar.learning.rivals import highest

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]

_REACH_SHARE = 0.001
_CAUTION = 0.5
"""Whom drawn strangers come less near than most people is in a part of face space that few of the fitted people are in,
and real strangers there come nearer than drawn ones. Such a prototype is shortened, by this power of what it lacks."""
_FEW = 0.02
"""Few comparable faces are known for somebody to whom one stranger in a thousand is no nearer than so many to most:
one person in twenty or so."""

_DOUBT = 1.3
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
_LEAST = 1e-6
"""No threshold is below this: those whom no stranger resembles are judged by what most people are."""

_STRANGERS = 30_000
"""For the reach, however many people there are: others would give everybody another length, and lose samples by it."""
_IN_TAIL = 120_000
"""The threshold lies where one stranger in a thousand is: it takes more of them to know that place well."""
_IN_TAIL_OF_MANY = 40_000
_MANY_PEOPLE = 1_000

_CHUNK = 1024


class LessSure(StrEnum):
    """Why somebody is known less surely than others."""

    FEW_COMPARABLE = "few_comparable"
    """Few comparable faces are known, so little can be said of the strangers who look like this person."""
    MANY_ALIKE = "many_alike"
    """More strangers look like this person than may be taken for any one."""
    TOLD_APART = "told_apart"
    """Somebody has said of faces that the head would name so that they are not this person's."""


@dataclass(frozen=True)
class Promise:
    """What turns the directions of P prototypes into a head that names few strangers.

    Attributes:
        lengths: float32[P], of the prototypes, 1 at most.
        thresholds: float32[P], the score from which each person is named.
        less_sure: P reasons why somebody is named from a closer likeness than others; None for most.
        fpir: the share of strangers to expect by name; None if strangers are not known.
        site: what the site's own strangers changed, as JSON values; None if none were handed in.
        strangers: float32[S], the highest score of each stranger who was drawn to judge by; None if they are not known.
    """

    lengths: Float32
    thresholds: Float32
    less_sure: Sequence[LessSure | None]
    fpir: Rate | None = None
    site: dict[str, Any] | None = None
    strangers: Float32 | None = None

    def restrained(self, factor: Float32) -> Self:
        """Return it with prototypes shortened by ``factor`` float32[P]; strangers are named no more often by that."""
        told = [
            LessSure.TOLD_APART if each < 1 else why for each, why in zip(factor.tolist(), self.less_sure, strict=True)
        ]
        return replace(self, lengths=self.lengths * factor, less_sure=told)


def kept_to(
    cohort: Cohort, material: Material, weights: Float32, far_target: float, correction: Correction | None
) -> Promise:
    """Return what names at most ``far_target`` of the strangers of a fitted ``cohort``, as ``correction`` moves it.

    There is one threshold for all whose prototypes have the directions ``weights`` [P, D], made from ``material``. Who
    is in a part of face space that the cohort hardly knows, or would be taken for more strangers than ``_MOST_BY_ONE``
    allows, is restrained by a shorter prototype instead, and the threshold falls by that. Nobody is named from less
    than most people would be if they were enrolled alone.
    """
    people, aim = len(weights), far_target / _DOUBT
    in_tail = _IN_TAIL if people <= _MANY_PEOPLE else _IN_TAIL_OF_MANY
    # Each step has strangers of its own: judged by those it was fitted to, it would look better than it is.
    for_reach = cohort.strangers(_STRANGERS, seed=0)
    for_threshold, for_report = (cohort.strangers(in_tail, seed) for seed in (1, 2))
    reach, least = quantiles(for_reach, weights, (_REACH_SHARE, min(1.0, aim * max(2 / people, _MOST_BY_ONE))))
    usual = _usual(cohort, material.means, material.counts)
    length = _cautious(reach, usual)
    least = (length * least).astype(np.float32)
    first, threshold = _thresholds(for_threshold, weights * length[:, None], least, aim)
    many, few = least > first, reach < usual(_FEW)
    length *= np.minimum(1, threshold / np.maximum(least, length * usual(aim))).astype(np.float32)
    scores = highest(for_report, weights * length[:, None])
    fpir, site = Rate.of(int((scores >= threshold).sum()), len(scores)).widened(cohort.misfit), None
    if correction is not None:
        share = share_of_pairs(far_target, people)
        # Those of the site score so much more, as far as was measured: they are named where drawn ones were before.
        threshold, scores = threshold + correction.move(share), scores + np.float32(correction.move(share))
        site = correction.report(share)
    return Promise(length, np.full(people, threshold, np.float32), _reasons(few, many), fpir, site, scores)


def _reasons(few: NDArray[np.bool_], many: NDArray[np.bool_]) -> list[LessSure | None]:
    return [
        LessSure.MANY_ALIKE if alike else LessSure.FEW_COMPARABLE if alone else None
        for alone, alike in zip(few.tolist(), many.tolist(), strict=True)
    ]


def threshold_at(cohort: Cohort, prototypes: Float32, far_target: float, correction: Correction | None = None) -> float:
    """Return the score that names at most ``far_target`` of the strangers of a fitted ``cohort``, for a head as it is.

    The lengths of its ``prototypes`` float32[P, D], one at least, stay: a head that is learned for that target has
    others for people whom many resemble.
    """
    people = len(prototypes)
    in_tail = _IN_TAIL if people <= _MANY_PEOPLE else _IN_TAIL_OF_MANY
    threshold = float(tail_quantile(highest(cohort.strangers(in_tail, seed=1), prototypes), far_target / _DOUBT))
    return threshold + (0.0 if correction is None else correction.move(share_of_pairs(far_target, people)))


def share_of_pairs(far_target: float, people: int) -> float:
    """Return the share of all pairs, of a stranger and one of ``people`` enrolled, that a threshold may let through."""
    return far_target / _DOUBT / people


def usual_reach(sums: Float32, counts: NDArray[np.integer[Any]], cohort: Cohort) -> Reach:
    """Return how near strangers of ``cohort`` come to most of P people: sums float32[P, D] of int[P] pictures each."""
    return Reach.of(cohort.strangers(_STRANGERS, seed=0), from_means(sums, cohort), sums, counts)


def kept_by_each(sums: Float32, cohort: Cohort, share: float) -> tuple[Float32, Float32]:
    """Return (float32[P, D], float32[P]): prototypes of length 1, and the score that ``share`` of strangers exceed.

    Each keeps this promise alone, whoever else there is.

    Args:
        sums: float32[P, D], of the pictures that each prototype is made from.
        cohort: a fitted one.
        share: of strangers.
    """
    weights = from_means(sums, cohort)
    return weights, quantiles(cohort.strangers(_STRANGERS, seed=0), weights, share).astype(np.float32)


def lengths(weights: Float32, sums: Float32, counts: NDArray[np.integer[Any]], cohort: Cohort) -> Float32:
    """Return float32[P]: the lengths that ``kept_to`` begins with.

    Args:
        weights: float32[P, D], the directions of the prototypes.
        sums: float32[P, D], of the pictures that each is made from.
        counts: int[P], how many these are.
        cohort: a fitted one.
    """
    reach = quantiles(cohort.strangers(_STRANGERS, seed=0), weights, _REACH_SHARE)
    return _cautious(reach, _usual(cohort, sums, counts))


def _usual(cohort: Cohort, sums: Float32, counts: NDArray[np.integer[Any]]) -> Callable[[float], Float64]:
    """Return what tells the score float64[P] that a share of strangers would exceed if each were like most people."""
    if cohort.reach is None:
        return lambda share: np.full(len(sums), 1e-6)  # which everybody's strangers come nearer than
    usual, faded = cohort.reach, cohort.reach.faded(sums, counts)
    return lambda share: usual.at(share) * faded


def _cautious(reach: Float64, usual: Callable[[float], Float64]) -> Float32:
    # Whoever is still farther away is like nobody the cohort knows; more caution would name nobody there at all.
    lacking = np.maximum(reach, usual(1.0)) / usual(_REACH_SHARE)
    shortened: Float32 = np.minimum(1, lacking**_CAUTION).astype(np.float32)
    return shortened


def _thresholds(strangers: Float32, weights: Float32, least: Float32, aim: float) -> tuple[float, float]:
    """Return the scores that ``aim`` of the strangers reach, with the prototypes as they are, and with shortened ones.

    A prototype is shortened to where the person's ``least`` score, of float32[P], meets the threshold, where that is
    lower. The threshold falls by it, and soon settles.
    """
    scores = highest(strangers, weights)
    first = threshold = max(_LEAST, float(tail_quantile(scores, aim)))
    # Whoever is far below the threshold stays there, since scores only fall.
    near = max(1, int(len(strangers) * min(1, max(_NEAR, 8 * aim))))
    strangers, share = strangers[np.argpartition(scores, -near)[-near:]], aim * len(strangers) / near
    dearest = np.argsort(-least, kind="stable")[:_DEAREST]
    others, scores = highest(strangers, np.delete(weights, dearest, axis=0)), strangers @ weights[dearest].T
    for _ in range(_ROUNDS):
        restraint = (threshold / np.maximum(least[dearest], threshold)).astype(np.float32)
        threshold = max(_LEAST, float(tail_quantile(np.maximum(others, (scores * restraint).max(axis=1)), share)))
    return first, threshold


def to_nobody(gallery: Gallery, weights: Float32, held_out: Float32) -> Promise:
    """Return what can be done where strangers are not known: thresholds above everybody else, and half of oneself.

    Args:
        gallery: N samples of P people.
        weights: float32[P, D], their prototypes.
        held_out: float32[N], the score of each sample for its person without its own block of time, NaN if unknown.
    """
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
    thresholds = np.maximum(thresholds, foreign + np.float32(1e-6))
    return Promise(np.ones(len(weights), np.float32), thresholds, [None] * len(weights))
