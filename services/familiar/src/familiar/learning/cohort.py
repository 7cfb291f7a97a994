"""The stranger cohort: what strangers look like to a backbone, as a distribution that holds none of them."""

import dataclasses
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
from familiar.learning.calibration import tail_quantile
from familiar.learning.mixture import Mixture
from familiar.learning.reach import Reach

Float32 = NDArray[np.float32]

_ALIKE_STRANGERS = 2_000
_ALIKE_UNFITTED = 0.97


@dataclass(frozen=True)
class Cohort:
    """The distribution of strangers' embeddings.

    Attributes:
        dim: D, the length of an embedding.
        mixture: what was fitted, or None: nothing is known of strangers before this backbone.
        reach: how near strangers come to most people; None if that is not known.
        origin: what it was fitted to and how well it keeps its promise, for the report of a head.
    """

    dim: int
    mixture: Mixture | None = None
    reach: Reach | None = None
    origin: Mapping[str, Any] = field(default_factory=dict)
    # Drawing takes longer than all the rest of a training, and every training asks for the same ones.
    _drawn: dict[tuple[int, int], Float32] = field(default_factory=dict, init=False, repr=False, compare=False)
    _alike: dict[float, float] = field(default_factory=dict, init=False, repr=False, compare=False)

    @property
    def fitted(self) -> bool:
        """Whether strangers can be drawn; without that no rate of false accepts can be promised."""
        return self.mixture is not None

    @property
    def misfit(self) -> float:
        """By which factor real strangers were named more or less often than drawn ones, at worst, when it was made."""
        return float(self.origin.get("misfit", 2.0))

    def alike(self, share: float) -> float:
        """Return the cosine that two strangers reach in a ``share`` of cases, so that two who do may be one person.

        Of a backbone whose strangers are not known it is a guess, the same for all shares.
        """
        if self.mixture is None:
            return _ALIKE_UNFITTED
        if share not in self._alike:
            drawn = self.strangers(_ALIKE_STRANGERS)
            self._alike[share] = float(tail_quantile((drawn @ drawn.T)[np.triu_indices(len(drawn), 1)], share))
        return self._alike[share]

    def strangers(self, count: int, seed: int = 0) -> Float32:
        """Draw ``count`` strangers float32[count, D], L2-normalised; the same seed gives the same ones, read-only.

        Raises:
            ValueError: the cohort is not fitted.
        """
        if self.mixture is None:
            raise ValueError("nothing is known of strangers before this backbone")
        if (count, seed) not in self._drawn:
            drawn = normalise(self.mixture.sample(count, seed))
            drawn.flags.writeable = False
            self._drawn[count, seed] = drawn
        return self._drawn[count, seed]

    def to_bytes(self) -> bytes:
        """Return the cohort as an ``.npz`` without pickles; factors are rounded to float16."""
        if self.mixture is None:
            raise ValueError("there is nothing to keep of a cohort that is not fitted")
        rows, columns = np.tril_indices(self.dim)
        buffer = io.BytesIO()
        np.savez_compressed(
            buffer,
            weights=self.mixture.weights.astype(np.float32),
            means=self.mixture.means.astype(np.float32),
            factors=self.mixture.factors[:, rows, columns].astype(np.float16),
            freedom=np.array(self.mixture.freedom),
            reach=np.array(dataclasses.astuple(self.reach) if self.reach else ()),
            origin=np.array(json.dumps(dict(self.origin), sort_keys=True)),
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what ``to_bytes`` wrote.

        Raises:
            ValueError: the bytes are no cohort.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                weights, means = stored["weights"].astype(np.float64), stored["means"].astype(np.float64)
                packed, origin = stored["factors"], json.loads(str(stored["origin"]))
                freedom, reach = float(stored["freedom"]), stored["reach"].tolist()
        except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile) as exc:
            raise ValueError(f"not a cohort: {exc}") from exc
        count, dim = means.shape
        factors = np.zeros((count, dim, dim))
        factors[:, *np.tril_indices(dim)] = packed
        return cls(
            dim, Mixture(weights / weights.sum(), means, factors, freedom), Reach(*reach) if reach else None, origin
        )


@cache
def load(backbone_name: str, dim: int, metric: str = "") -> Cohort:
    """Return the cohort that ships for a backbone, or one that is not fitted if none does.

    ``metric`` is the digest of the metric that the backbone answers in; strangers of another one are no strangers here.
    """
    if not backbone_name.isidentifier():  # a user's own model is named by its path
        return Cohort(dim)
    shipped = resources.files("familiar.learning") / "cohorts" / f"{backbone_name}.npz"
    if not shipped.is_file():
        return Cohort(dim)
    cohort = Cohort.from_bytes(shipped.read_bytes())
    return cohort if (cohort.dim, cohort.origin.get("metric", "")) == (dim, metric) else Cohort(dim)
