"""Simulated people for tests: centres drawn from the strangers' distribution of the default backbone."""

import numpy as np
from numpy.typing import NDArray

from familiar.knowing.embedding import normalise
from familiar.learning import cohort, metric
from familiar.learning.gallery import Gallery

Float32 = NDArray[np.float32]

DIM = 128
SPREAD = 0.012
"""Deviation of one person's samples in each dimension: gives cosines of about 0.98, as real pictures of one person."""

BACKBONE = "face_resnet"
METRIC = metric.load(BACKBONE).digest
STRANGERS = cohort.load(BACKBONE, DIM, METRIC)


_MIDDLE = STRANGERS.strangers(4_000, 77).mean(axis=0)
_APART = 0.2
"""How far people are from the middle of all: the mean of several pictures is nearer to it than one picture is. People
are as like each other, and strangers come as near to them, as real ones."""


def centres(count: int, seed: int) -> Float32:
    """Draw the true embedding float32[count, DIM] of that many people."""
    return normalise(_MIDDLE + _APART * normalise(STRANGERS.strangers(count, 1000 + seed) - _MIDDLE))


def faces(centre: Float32, count: int, seed: int, spread: float = SPREAD) -> Float32:
    """Draw samples float32[count, DIM] of one person."""
    noise = np.random.default_rng(seed).standard_normal((count, DIM)).astype(np.float32)
    return normalise(centre + spread * noise)


def gallery(people: Float32, samples: int, seed: int = 0, spread: float = SPREAD) -> Gallery:
    """Return the gallery of ``people`` float32[P, DIM], called p0000, p0001 and so on, with one capture each."""
    return Gallery.from_rows(
        (f"p{i:04d}", "capture", float(at), row)
        for i, centre in enumerate(people)
        for at, row in enumerate(faces(centre, samples, seed * 100_003 + i, spread))
    )
