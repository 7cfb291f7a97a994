"""What a way of recognition makes of a picture, and the columns of many of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from familiar.learning import Metric
from familiar.seeing import Quality, QualityLimits

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Sight:
    """One picture as a pipeline saw it.

    Attributes:
        faces: how many faces were found.
        quality: of the face that was taken; None if there is none or the pipeline does not measure it.
        embedding: float32[D], or None if no face was found.
    """

    faces: int
    quality: Quality | None
    embedding: Float32 | None


class Pipeline(Protocol):
    """A way from a picture's bytes to an embedding."""

    @property
    def name(self) -> str:
        """What the tables call it."""

    @property
    def identity(self) -> str:
        """All that the answers depend on, as a digest: a cached answer of another identity is never used."""

    @property
    def dim(self) -> int:
        """D, the length of an embedding."""

    def see(self, pictures: Sequence[bytes]) -> list[Sight]:
        """Return a sight for each picture."""


@dataclass(frozen=True)
class Sights:
    """N pictures as one pipeline saw them.

    Attributes:
        pipeline: its name.
        embeddings: float32[N, D], zeros where no face was found: such a face is never named.
        faces: int32[N], how many faces were found; -1 where nobody looked.
        quality: of the face that was taken.
    """

    pipeline: str
    embeddings: Float32
    faces: NDArray[np.int32]
    quality: tuple[Quality | None, ...] = field(repr=False)

    @classmethod
    def of(cls, pipeline: Pipeline, count: int, sights: Mapping[int, Sight]) -> Sights:
        """Put ``sights`` of some of ``count`` pictures at their places."""
        embeddings = np.zeros((count, pipeline.dim), np.float32)
        faces = np.full(count, -1, np.int32)
        quality: list[Quality | None] = [None] * count
        for place, sight in sights.items():
            faces[place], quality[place] = sight.faces, sight.quality
            if sight.embedding is not None:
                embeddings[place] = sight.embedding
        return cls(pipeline.name, embeddings, faces, tuple(quality))

    def within(self, metric: Metric | None) -> Sights:
        """Return the same in a metric, for embeddings that were made without one."""
        if metric is None:
            return self
        return Sights(self.pipeline, metric.apply(self.embeddings), self.faces, self.quality)

    def gated(self, limits: QualityLimits) -> Sights:
        """Return the same, but refused faces become zeros: the system does not ask about them."""
        embeddings = self.embeddings.copy()
        embeddings[[bool(quality and quality.reasons(limits)) for quality in self.quality]] = 0.0
        return Sights(self.pipeline, embeddings, self.faces, self.quality)
