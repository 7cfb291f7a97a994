"""Comparison: whether a new head may replace the one in service."""

import math

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import Head
from familiar.learning import prototypes
from familiar.learning.cohort import Cohort
from familiar.learning.gallery import Gallery
from familiar.learning.prototypes import Material
from familiar.learning.trial import named_rightly, own_scores

Float32 = NDArray[np.float32]


def worse_than(live: Head, candidate: Head, gallery: Gallery, cohort: Cohort) -> list[str]:
    """Return, by person, why ``candidate`` must not replace ``live``; empty if it may.

    Whoever both heads and the gallery know is compared on their samples, each scored as if its block of time had been
    held out. More must be lost than chance and a threshold that moves with the number of people explain.
    """
    shared = set(live.person_ids) & set(candidate.person_ids)
    if not shared or not len(gallery):
        return []
    optimism = _optimism(Material.of(gallery, cohort), cohort)
    before, after = (named_rightly(head, gallery, own_scores(head, gallery) - optimism) for head in (live, candidate))
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


def _optimism(material: Material, cohort: Cohort) -> Float32:
    """Return float32[N]: how much each sample's score owes to its person having been learned from its own block."""
    rest, inverse = material.without_own_block()
    full, held_out = prototypes.from_means(material.means, cohort), prototypes.from_means(rest, cohort)
    gallery = material.gallery
    owed: Float32 = np.einsum("nd,nd->n", gallery.embeddings, full[gallery.person] - held_out[inverse])
    owed[~rest.any(axis=1)[inverse]] = 0.0
    return owed
