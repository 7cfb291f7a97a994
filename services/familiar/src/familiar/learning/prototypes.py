"""Prototypes: which samples of a person to trust, and the one vector that stands for them."""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import normalise
from familiar.learning.calibration import quantiles
from familiar.learning.cohort import Cohort
from familiar.learning.gallery import Gallery

Float32 = NDArray[np.float32]

_BEND = 0.1
"""How far a class mean is turned away from strangers, in lengths of itself."""
_BLUR = 0.1
_SHRINKAGE = 0.3

_OUTLIER_SHARE = 0.02
"""A sample is dropped if this share of strangers is more like the person's other samples than it is."""
_OUTLIER_STRANGERS = 4_000
_MOST_OUTLIERS = 0.3
"""Of one person's samples: when there are more, they are not outliers but another side of the person."""

_CHUNK = 2048
"""Samples compared with the rest of their person at a time."""


def from_means(means: Float32, cohort: Cohort) -> Float32:
    """Return prototypes float32[P, D], of length 1, for class means [P, D].

    The likelihood ratio of "this person" to "some stranger" is linear near the class mean, with the mean itself minus
    the gradient of the strangers' log density as its weights; so the mean is turned to where strangers get fewer. This
    is Fisher's discriminant against the strangers who are like the person. A cohort that is not fitted leaves the mean.
    """
    if cohort.mixture is None or not len(means):
        return normalise(means)
    unit = normalise(means)
    return normalise(unit + _BEND * cohort.mixture.descent(unit, _BLUR, _SHRINKAGE))


@dataclass(frozen=True)
class Material:
    """What prototypes are made from.

    Attributes:
        gallery: all samples.
        used: bool[N], False for outliers.
        means: float32[P, D], the sum of each person's used samples.
    """

    gallery: Gallery
    used: NDArray[np.bool_]
    means: Float32

    @classmethod
    def of(cls, gallery: Gallery, cohort: Cohort) -> Self:
        """Sum up a gallery, leaving out samples that are more like strangers than like their person."""
        used = np.ones(len(gallery), np.bool_)
        if cohort.fitted and len(gallery):
            used = ~_outliers(gallery, cohort)
        return cls(gallery, used, _sums(gallery.embeddings, gallery.person, used))

    @property
    def counts(self) -> NDArray[np.intp]:
        """int[P]: how many samples each mean is made from."""
        return np.bincount(self.gallery.person[self.used], minlength=len(self.means))

    def without_own_block(self) -> tuple[Float32, NDArray[np.intp]]:
        """Return (float32[B, D], intp[N]): means with a block held out, and which of them belongs to each sample.

        The mean is zero where nothing is left.
        """
        blocks = int(self.gallery.block.max(initial=0)) + 1
        key = self.gallery.person.astype(np.int64) * blocks + self.gallery.block
        present, inverse = np.unique(key, return_inverse=True)
        held_out = _sums(self.gallery.embeddings, inverse, self.used)
        counts = np.bincount(inverse[self.used], minlength=len(present))
        owner = present // blocks
        left = self.counts[owner] - counts
        rest = self.means[owner] - held_out
        rest[left == 0] = 0.0
        return rest, inverse


def _sums(rows: Float32, group: NDArray[np.integer[Any]], used: NDArray[np.bool_]) -> Float32:
    """Return float32[G, D]: the sums of those of ``rows`` [N, D], ordered by group (0 to G - 1), that are used.

    Rows that are not used are summed as zeros, since adding up stretches is many times as fast as picking rows.
    """
    if not len(rows):
        return np.zeros((0, rows.shape[1]), np.float32)
    starts = np.flatnonzero(np.r_[True, group[1:] != group[:-1]])
    kept = rows if used.all() else rows * used[:, None]
    sums: Float32 = np.add.reduceat(kept, starts, axis=0)
    return sums


def _outliers(gallery: Gallery, cohort: Cohort) -> NDArray[np.bool_]:
    sums = _sums(gallery.embeddings, gallery.person, np.ones(len(gallery), np.bool_))
    likeness = np.empty(len(gallery), np.float32)
    for start in range(0, len(gallery), _CHUNK):
        rows = slice(start, start + _CHUNK)
        samples = gallery.embeddings[rows]
        np.einsum("nd,nd->n", samples, normalise(sums[gallery.person[rows]] - samples), out=likeness[rows])
    limit = quantiles(cohort.strangers(_OUTLIER_STRANGERS), normalise(sums), _OUTLIER_SHARE)
    strange = likeness < limit[gallery.person]
    counts = gallery.samples_per_person()
    allowed = np.floor(_MOST_OUTLIERS * counts)
    too_many = np.bincount(gallery.person[strange], minlength=len(counts)) > allowed
    found: NDArray[np.bool_] = strange & ~too_many[gallery.person]
    return found
