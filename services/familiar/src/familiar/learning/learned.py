"""Learning: from a gallery to a head with a calibrated threshold, and what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head
from familiar.learning import negatives as locked
from familiar.learning import promise, prototypes, report, tradeoff
from familiar.learning.cohort import Cohort
from familiar.learning.correction import Correction
from familiar.learning.gallery import Gallery
from familiar.learning.negatives import Conflict, Negative
from familiar.learning.prototypes import Material
from familiar.learning.rivals import own_scores
from familiar.learning.trial import HeldOut, Trial

Float32 = NDArray[np.float32]


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
        conflicts: the negatives that the head does not keep to, since they contradict samples.
    """

    head: Head
    threshold: float
    metrics: dict[str, Any]
    people: dict[str, dict[str, Any]]
    owed: Float32
    conflicts: tuple[Conflict, ...] = ()


def learn(
    gallery: Gallery, cohort: Cohort, far_target: float, correction: Correction | None = None,
    negatives: Sequence[Negative] = (),
) -> Learned:  # fmt: skip
    """Learn a head that names at most ``far_target`` of the strangers ``cohort`` describes.

    With a ``correction`` of that cohort, these are the strangers of the site where it was measured. Faces that were
    said not to be somebody's are ``negatives``: the head does not name them so, unless they contradict samples.

    Raises:
        ValueError: gallery and cohort do not belong to one backbone, or ``far_target`` is not a share.
    """
    if not 0 < far_target < 1:
        raise ValueError(f"far_target must be between 0 and 1, got {far_target}")
    if not gallery.person_ids:
        nothing = report.of_nobody(far_target)
        return Learned(Head.empty(cohort.dim), 1.0, nothing, {}, np.zeros(0, np.float32))
    if gallery.dim != cohort.dim:
        raise ValueError(f"the gallery has embeddings of length {gallery.dim}, the cohort of {cohort.dim}")
    material = Material.of(gallery, cohort)
    weights = prototypes.from_means(material.means, cohort)
    rest, inverse = material.without_own_block()
    judged = rest.any(axis=1)[inverse]
    scores = own_scores(gallery.embeddings, prototypes.from_means(rest, cohort), inverse)
    owed = np.where(judged, own_scores(gallery.embeddings, weights, gallery.person) - scores, np.float32(0))
    if cohort.fitted:
        kept = promise.kept_to(cohort, material, weights, far_target, correction)
    else:
        kept = promise.to_nobody(gallery, weights, np.where(judged, scores, np.nan))
    scores *= kept.lengths[gallery.person]
    head = Head(gallery.person_ids, weights * kept.lengths[:, None], kept.thresholds)
    held_out = HeldOut(head, gallery, gallery.person, scores)
    restraint = locked.restrain(held_out, judged, negatives)
    if (restraint.factor < 1).any():
        kept = kept.restrained(restraint.factor)
        scores *= restraint.factor[gallery.person]
        head = replace(head, prototypes=weights * kept.lengths[:, None])
        held_out = HeldOut(head, gallery, gallery.person, scores)
    named = np.zeros(len(gallery), np.bool_)
    first = held_out.first(np.flatnonzero(judged))
    named[judged] = held_out.reached()[judged] & first
    trial = Trial(judged, named, scores - head.thresholds[gallery.person])
    threshold = float(np.median(head.thresholds))
    det = None if kept.strangers is None else tradeoff.curve(kept.strangers, scores[judged], first, threshold)
    return Learned(
        head,
        threshold,
        report.summary(material, trial, far_target, kept, det),
        report.by_person(head, material, trial, kept),
        owed,
        restraint.conflicts,
    )
