"""Comparison: whether a new head may replace the one in service, and who would lose by it to whom."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head, normalise
from familiar.learning.gallery import Gallery
from familiar.learning.learned import Learned
from familiar.learning.rivals import Rivals, strongest
from familiar.learning.trial import LEAST_TOLERANCE, HeldOut, tolerance

Float32 = NDArray[np.float32]

_STILL = 1e-4
"""A prototype that moved no farther has not changed: one more person moves what the lengths of all are measured by."""

_MIXED_UP = 0.25
"""Of somebody new: of two who cannot be told apart each loses half to the other, so this much is no chance."""


@dataclass(frozen=True)
class Loss:
    """What somebody would lose by a head.

    Attributes:
        person_id: whose samples they are.
        named: held-out samples that are theirs so far: named as them by the live head, or of somebody new, all.
        lost: those of them that are no longer, or of somebody new, that are named as somebody else.
        to: who is named instead of them, or is so like them that nobody can be; None if that is nobody in particular.
    """

    person_id: str
    named: int
    lost: int
    to: str | None = None

    def __str__(self) -> str:
        taken = f", to {self.to}" if self.to else ""
        return f"{self.person_id}: {self.lost} of {self.named} held-out samples are lost{taken}"


def worse_than(live: Head, candidate: Learned, gallery: Gallery) -> list[Loss]:
    """Return by person why ``candidate``, learned from ``gallery``, must not replace ``live``; empty if it may.

    Whoever both heads and the gallery know is compared on their samples, each scored as if its block of time had been
    held out. More must be lost than chance and a threshold that moves with the number of people explain. Whom the live
    head does not know must not be taken for one who is enrolled: that would be a name, and a wrong one.
    """
    before, after = (HeldOut.of(head, gallery, candidate.owed) for head in (live, candidate.head))
    return [*_losses_of_old(before, after), *_losses_of_new(before, after)]


def _losses_of_old(before: HeldOut, after: HeldOut) -> Iterator[Loss]:
    gallery = after.gallery
    people, samples = len(gallery.person_ids), gallery.samples_per_person()
    at_risk = np.bincount(gallery.person[_at_risk(before, after)], minlength=people)
    rows = np.flatnonzero((at_risk > LEAST_TOLERANCE)[gallery.person])
    was, still = before.named(rows), after.named(rows)
    named = np.bincount(gallery.person[rows[was]], minlength=people)
    gone = rows[was & ~still]
    lost = np.bincount(gallery.person[gone], minlength=people)
    for i, person_id in enumerate(gallery.person_ids):
        if lost[i] > tolerance(int(named[i]), int(samples[i])):
            own = gone[gallery.person[gone] == i]
            taker = _taker(after, own, at_least=len(own) // 2 + 1) or _double(after.head, int(after.own[own[0]]))
            yield Loss(person_id, int(named[i]), int(lost[i]), taker)


def _losses_of_new(before: HeldOut, after: HeldOut) -> Iterator[Loss]:
    gallery, head = after.gallery, after.head
    rows = np.flatnonzero((before.own < 0) & (after.own >= 0))
    if not len(rows):
        return
    people = len(gallery.person_ids)
    samples = np.bincount(gallery.person[rows], minlength=people)
    outscored = rows[Rivals(head.prototypes).outscore(gallery.embeddings, after.score, after.own, rows)]
    best, score = strongest(gallery.embeddings[outscored], head.prototypes, after.own[outscored])
    taken = outscored[score >= head.thresholds[best]]
    lost = np.bincount(gallery.person[taken], minlength=people)
    for i in np.flatnonzero((lost > LEAST_TOLERANCE) & (lost > _MIXED_UP * samples)).tolist():
        taker = _taker(after, taken[gallery.person[taken] == i], at_least=1)
        yield Loss(gallery.person_ids[i], int(samples[i]), int(lost[i]), taker)


def _taker(after: HeldOut, rows: NDArray[np.intp], at_least: int) -> str | None:
    """Return who outscores the own person in most of ``rows``, if in ``at_least`` so many."""
    best, score = strongest(after.gallery.embeddings[rows], after.head.prototypes, after.own[rows])
    takers = np.bincount(best[score >= after.score[rows]], minlength=1)
    return after.head.person_ids[takers.argmax()] if takers.max() >= at_least else None


def _double(head: Head, place: int) -> str | None:
    """Return the person whose very prototype would be named as the one at ``place``, if there is one."""
    like = normalise(head.prototypes) @ head.prototypes[place]
    like[place] = -np.inf
    return head.person_ids[like.argmax()] if like.max() >= head.thresholds[place] else None


def _at_risk(before: HeldOut, after: HeldOut) -> NDArray[np.intp]:
    """Return int[M]: the samples that may be lost, and all that are; found without asking who else is like them.

    One that was named is lost if it falls below a threshold, which is looked at everywhere, or if somebody outscores
    its person. That takes a change: somebody is new or has another prototype than before, or the person has. Where
    nobody concerned has moved by more than ``_STILL``, scores have moved by less than twice that against each other.
    """
    gallery, head = after.gallery, after.head
    held = before.reached() & (after.own >= 0)
    kept = held & after.reached()
    moved = _moved(before.head, head)
    turned = moved[after.own]
    apart = np.full(len(gallery), -1, np.int32)  # whoever stayed is not among those who moved
    by_anybody, by_others = np.flatnonzero(kept & turned), np.flatnonzero(kept & ~turned)
    outscored = [
        by_anybody[Rivals(head.prototypes).outscore(gallery.embeddings, after.score, after.own, by_anybody)],
        by_others[Rivals(head.prototypes[moved]).outscore(gallery.embeddings, after.score, apart, by_others)],
    ]
    return np.concatenate([np.flatnonzero(held & ~kept), *outscored])


def _moved(live: Head, candidate: Head) -> NDArray[np.bool_]:
    """Return bool[P]: who of ``candidate`` is new or has another prototype than in ``live``."""
    place = {person_id: i for i, person_id in enumerate(live.person_ids)}
    was = np.array([place.get(person_id, -1) for person_id in candidate.person_ids], np.intp)
    moved = was < 0
    moved[~moved] = np.linalg.norm(candidate.prototypes[~moved] - live.prototypes[was[~moved]], axis=1) > _STILL
    return moved
