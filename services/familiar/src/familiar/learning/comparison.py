"""Comparison: whether a new head may replace the one in service."""

import math

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head
from familiar.learning.gallery import Gallery
from familiar.learning.learned import Learned
from familiar.learning.rivals import Rivals
from familiar.learning.trial import HeldOut

Float32 = NDArray[np.float32]

_STILL = 1e-4
"""A prototype that moved no farther has not changed: one more person moves what the lengths of all are measured by."""

_LEAST_TOLERANCE = 1


def worse_than(live: Head, candidate: Learned, gallery: Gallery) -> list[str]:
    """Return, by person, why ``candidate``, learned from ``gallery``, must not replace ``live``; empty if it may.

    Whoever both heads and the gallery know is compared on their samples, each scored as if its block of time had been
    held out. More must be lost than chance and a threshold that moves with the number of people explain.
    """
    before, after = (HeldOut.of(head, gallery, candidate.owed) for head in (live, candidate.head))
    people, samples = len(gallery.person_ids), gallery.samples_per_person()
    at_risk = np.bincount(gallery.person[_at_risk(before, after)], minlength=people)
    rows = np.flatnonzero((at_risk > _LEAST_TOLERANCE)[gallery.person])
    was, still = before.named(rows), after.named(rows)
    named = np.bincount(gallery.person[rows[was]], minlength=people)
    lost = np.bincount(gallery.person[rows[was & ~still]], minlength=people)
    return [
        f"{person_id}: {lost[i]} of the {named[i]} held-out samples that the live head names are lost"
        for i, person_id in enumerate(gallery.person_ids)
        if lost[i] > _tolerance(int(named[i]), int(samples[i]))
    ]


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


def _tolerance(named: int, count: int) -> float:
    """Two deviations of the number missed, with at least 5 % taken as missed, and never less than one sample."""
    missed = max(1 - named / count, 0.05)
    return max(_LEAST_TOLERANCE, 2 * math.sqrt(count * missed * (1 - missed)))
