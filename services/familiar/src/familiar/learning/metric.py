"""The metric: how embeddings are stretched, so that what differs between pictures of one person counts less."""

import hashlib
import io
import json
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib import resources
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import normalise

Float32 = NDArray[np.float32]

_SHRINKAGE = 0.5
"""Share of the covariance within people that is replaced by a sphere of the same size; 0.4 to 0.7 do much the same."""


@dataclass(frozen=True)
class Metric:
    """A linear map of embeddings; afterwards they are brought back to length 1 and compared by the cosine as ever.

    Attributes:
        matrix: float32[D, D], symmetric; an embedding is a row that it is multiplied to.
        origin: what it was fitted to.
    """

    matrix: Float32
    origin: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if self.matrix.ndim != 2 or self.matrix.shape[0] != self.matrix.shape[1]:
            raise ValueError(f"a metric must be [D, D], got {self.matrix.shape}")

    @property
    def dim(self) -> int:
        """D, the length of an embedding."""
        return len(self.matrix)

    @property
    def digest(self) -> str:
        """SHA-256 of the matrix, in hexadecimal: embeddings in metrics of different digests have nothing in common."""
        return hashlib.sha256(np.ascontiguousarray(self.matrix, "<f4").tobytes()).hexdigest()

    @classmethod
    def fit(cls, rows: Float32, person: NDArray[np.integer[Any]], origin: Mapping[str, Any] | None = None) -> Self:
        """Learn from several pictures each of many people: within-class covariance normalisation.

        Directions are weighed by the inverse of how much the pictures of one person scatter along them (A. Hatch,
        S. Kajarekar, A. Stolcke, Interspeech 2006). The mean stays where it is: taking it off ruins the cosine here.

        Args:
            rows: float32[N, D], L2-normalised.
            person: int[N], who, from 0. Whoever has one row only teaches nothing. Rows that differ for another reason
                than the person, as those of a grey and of a coloured copy, should go by different numbers.
            origin: what to keep of where they come from.

        Raises:
            ValueError: nobody has two rows.
        """
        rows = np.asarray(rows, np.float64)
        counts = np.bincount(person)
        sums = np.zeros((len(counts), rows.shape[1]))
        np.add.at(sums, person, rows)
        several = counts[person] > 1
        offsets = rows[several] - sums[person[several]] / counts[person[several], None]
        freedom = len(offsets) - int((counts > 1).sum())
        if freedom < 1:
            raise ValueError("a metric is learned from people with several pictures each, and nobody has two")
        within = offsets.T @ offsets / freedom
        dim = len(within)
        within = (1 - _SHRINKAGE) * within + _SHRINKAGE * np.trace(within) / dim * np.eye(dim)
        variances, axes = np.linalg.eigh(within)
        matrix = (axes * variances**-0.5) @ axes.T / np.sqrt((1 / variances).mean())
        return cls(matrix.astype(np.float32), origin or {})

    def apply(self, rows: Float32) -> Float32:
        """Return ``rows`` float32[N, D] in this metric, L2-normalised; what is no embedding becomes zeros."""
        return normalise(rows @ self.matrix)

    def to_bytes(self) -> bytes:
        """Return the metric as an ``.npz`` without pickles."""
        buffer = io.BytesIO()
        origin = np.array(json.dumps(dict(self.origin), sort_keys=True))
        np.savez_compressed(buffer, matrix=self.matrix.astype("<f4"), origin=origin)
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what ``to_bytes`` wrote.

        Raises:
            ValueError: the bytes are no metric.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                return cls(stored["matrix"].astype(np.float32), json.loads(str(stored["origin"])))
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as exc:
            raise ValueError(f"not a metric: {exc}") from exc


@cache
def load(backbone_name: str) -> Metric | None:
    """Return the metric that ships for a backbone, or None if none does."""
    if not backbone_name.isidentifier():  # a user's own model is named by its path
        return None
    shipped = resources.files("familiar.learning") / "metrics" / f"{backbone_name}.npz"
    return Metric.from_bytes(shipped.read_bytes()) if shipped.is_file() else None
