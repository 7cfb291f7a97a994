"""A mixture of bell curves in D dimensions: fitted to strangers, it stands for all of them and holds none."""

import math
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import normalise

Float64 = NDArray[np.float64]
Float32 = NDArray[np.float32]

_ROUNDS = 60
_NOTHING = 1e-12
_STILL = 0.01
"""Fitting ends when no row belongs to a component more or less than before by more."""
_KMEANS_ROUNDS = 20
_FLOOR = 1e-6
"""Added to each variance: embeddings may not fill their space."""

_CHUNK = 1024
"""Rows whose descent is computed at a time: they stay in the processor's cache, and many rows need no more memory."""


@dataclass(frozen=True)
class Mixture:
    """K Gaussians, or Student's t where ``freedom`` is finite.

    Attributes:
        weights: float64[K], positive, sum 1.
        means: float64[K, D].
        factors: float64[K, D, D], lower Cholesky factors of the covariances.
        freedom: degrees of freedom of what ``sample`` draws; the fewer, the heavier the tails. Faces far from everybody
            are more frequent than Gaussians say.
    """

    weights: Float64
    means: Float64
    factors: Float64
    freedom: float = math.inf
    # Inverting the covariances takes longer than all the rest of a small head, and every head asks for the same ones.
    _inverted: dict[float, "_Precisions"] = field(default_factory=dict, init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        count, dim = self.means.shape
        if self.weights.shape != (count,) or self.factors.shape != (count, dim, dim):
            raise ValueError(f"weights {self.weights.shape}, means {self.means.shape}, factors {self.factors.shape}")

    @property
    def dim(self) -> int:
        """D, the number of dimensions."""
        return int(self.means.shape[1])

    @classmethod
    def fit(cls, rows: NDArray[np.floating[Any]], components: int, shrinkage: float, seed: int = 0) -> Self:
        """Fit by expectation maximisation, started from k-means.

        Args:
            rows: [N, D], one row per identity, so that nobody counts more than others.
            components: K; N / K should be a hundred or so, else a component describes individuals.
            shrinkage: how many rows' worth of the pooled covariance each component's own one is mixed with.
            seed: of the k-means start.

        Raises:
            ValueError: there are fewer than 20 rows for each component.
        """
        rows = np.asarray(rows, np.float64)
        count, dim = rows.shape
        if count < 20 * components:
            raise ValueError(f"{components} components need at least {20 * components} rows, got {count}")
        share = np.eye(components)[_kmeans(rows, components, np.random.default_rng(seed))]
        for _ in range(_ROUNDS):
            weight = share.sum(axis=0) + 1e-9
            means = (share.T @ rows) / weight[:, None]
            scatter = np.stack([_scatter(rows - mean, share[:, k]) for k, mean in enumerate(means)])
            pooled = scatter.sum(axis=0) / count
            covariance = (scatter + shrinkage * pooled) / (weight + shrinkage)[:, None, None]
            mixture = cls(weight / weight.sum(), means, np.linalg.cholesky(covariance + _FLOOR * np.eye(dim)))
            log = mixture._log_joint(rows)
            before, share = share, np.exp(log - log.max(axis=1, keepdims=True))
            share /= share.sum(axis=1, keepdims=True)
            if np.abs(share - before).max() < _STILL:
                break
        return mixture

    def sample(self, count: int, seed: int = 0) -> Float32:
        """Draw ``count`` points float32[count, D]; the same seed gives the same points."""
        rng = np.random.default_rng(seed)
        component = np.sort(rng.choice(len(self.weights), count, p=self.weights))
        points = rng.standard_normal((count, self.dim), dtype=np.float32)
        if math.isfinite(self.freedom):
            points *= np.sqrt(self.freedom / rng.chisquare(self.freedom, (count, 1))).astype(np.float32)
        edges = np.searchsorted(component, np.arange(len(self.weights) + 1))
        for k, (start, end) in enumerate(pairwise(edges)):
            points[start:end] = points[start:end] @ self.factors[k].T.astype(np.float32) + self.means[k]
        return points

    def descent(self, rows: Float32, blur: float, shrinkage: float) -> Float32:
        """Return unit vectors float32[N, D]: whither the density falls fastest from each of ``rows`` [N, D].

        Args:
            rows: where to ask.
            blur: the density is taken to this power where it says which component a row belongs to; the smaller, the
                more components have a say.
            shrinkage: share of the covariances that is replaced by a sphere of the same size.
        """
        precisions = self._precisions(shrinkage)
        parts = [self._pull(rows[at : at + _CHUNK], blur, *precisions) for at in range(0, len(rows), _CHUNK)]
        return normalise(np.concatenate(parts or [np.zeros_like(rows)]))

    def _precisions(self, shrinkage: float) -> "_Precisions":
        """Return (inverses float32[K, D, D], constants float64[K] of the log densities) of the shrunk covariances."""
        if shrinkage not in self._inverted:
            inverses, constants = [], []
            for weight, factor in zip(self.weights, self.factors, strict=True):
                covariance = factor @ factor.T
                sphere = np.trace(covariance) / self.dim * np.eye(self.dim)
                covariance = (1 - shrinkage) * covariance + shrinkage * sphere
                inverses.append(np.linalg.inv(covariance).astype(np.float32))
                constants.append(np.log(weight) - 0.5 * np.linalg.slogdet(covariance)[1])
            self._inverted[shrinkage] = np.stack(inverses), np.array(constants)
        return self._inverted[shrinkage]

    def _pull(self, rows: Float32, blur: float, inverses: Float32, constants: Float64) -> Float32:
        pulls, log = [], []
        for mean, inverse, constant in zip(self.means, inverses, constants, strict=True):
            offset = rows - mean.astype(np.float32)
            pull = offset @ inverse
            log.append(constant - 0.5 * np.einsum("nd,nd->n", pull, offset))
            pulls.append(pull)
        joint = blur * np.stack(log, axis=1)
        share = np.exp(joint - joint.max(axis=1, keepdims=True))
        share /= share.sum(axis=1, keepdims=True)
        total = np.zeros_like(rows)
        for k, pull in enumerate(pulls):
            total += share[:, k : k + 1].astype(np.float32) * pull
        return total

    def _log_joint(self, rows: Float64) -> Float64:
        columns = []
        for weight, mean, factor in zip(self.weights, self.means, self.factors, strict=True):
            z = (rows - mean) @ np.linalg.inv(factor).T
            columns.append(np.log(weight) - 0.5 * (z**2).sum(axis=1) - np.log(np.diag(factor)).sum())
        return np.stack(columns, axis=1)


_Precisions = tuple[Float32, Float64]


def _scatter(rows: Float64, weight: Float64) -> Float64:
    # Most rows belong to one component, so for each of them few count.
    counting = weight > _NOTHING
    rows = rows[counting]
    product: Float64 = (rows * weight[counting, None]).T @ rows
    return product


def _kmeans(rows: Float64, components: int, rng: np.random.Generator) -> NDArray[np.intp]:
    centres: Float64 = rows[rng.choice(len(rows), components, replace=False)]
    for _ in range(_KMEANS_ROUNDS):
        nearest: NDArray[np.intp] = np.argmax(rows @ centres.T - 0.5 * (centres**2).sum(axis=1), axis=1)
        means = [rows[nearest == k].mean(axis=0) if (nearest == k).any() else centres[k] for k in range(components)]
        centres = np.stack(means)
    return nearest
