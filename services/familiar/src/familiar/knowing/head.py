"""The head: who an embedding belongs to, as weights and as the reference computation of the exported graph."""

import io
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from familiar.knowing.embedding import normalise
from familiar.servable import CANDIDATES

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Identification:
    """The best candidates of N faces.

    Attributes:
        index: int32[N, K], positions in ``Head.person_ids``, best first, -1 where there are fewer people than K.
        score: float32[N, K], cosine times the length of the prototype, -1.0 where padded.
        known: bool[N], whether the best score reaches its person's threshold.
    """

    index: NDArray[np.int32]
    score: Float32
    known: NDArray[np.bool_]


@dataclass(frozen=True)
class Head:
    """A cosine classifier with one prototype and one threshold per person.

    Attributes:
        person_ids: P opaque ids, in index order; none is a normal state, everybody is unknown then.
        prototypes: float32[P, D], one each; the length, at most 1, scales the scores of a person whom many resemble.
        thresholds: float32[P], the least score at which the person is named.
    """

    person_ids: tuple[str, ...]
    prototypes: Float32
    thresholds: Float32

    def __post_init__(self) -> None:
        people = len(self.person_ids)
        if self.prototypes.ndim != 2 or self.prototypes.shape[0] != people:
            raise ValueError(f"prototypes must be [{people}, D], got {self.prototypes.shape}")
        if self.thresholds.shape != (people,):
            raise ValueError(f"thresholds must be [{people}], got {self.thresholds.shape}")
        if not (np.isfinite(self.prototypes).all() and np.isfinite(self.thresholds).all()):
            raise ValueError("prototypes and thresholds must be finite")

    @classmethod
    def empty(cls, dim: int) -> Self:
        """Return the head that knows nobody."""
        return cls((), np.zeros((0, dim), np.float32), np.zeros((0,), np.float32))

    @property
    def dim(self) -> int:
        """D, the length of an embedding."""
        return int(self.prototypes.shape[1])

    def identify(self, embeddings: Float32) -> Identification:
        """Return the best candidates for ``embeddings`` float32[N, D].

        An embedding that is not finite, or zero, is never known.
        """
        count = len(embeddings)
        index = np.full((count, CANDIDATES), -1, np.int32)
        score = np.full((count, CANDIDATES), -1.0, np.float32)
        known = np.zeros(count, np.bool_)
        if count == 0 or not self.person_ids:
            return Identification(index, score, known)
        cosine = normalise(embeddings) @ self.prototypes.T
        best = np.argsort(-cosine, axis=1, kind="stable")[:, :CANDIDATES]
        width = best.shape[1]
        index[:, :width] = best
        score[:, :width] = np.take_along_axis(cosine, best, axis=1)
        usable = np.isfinite(embeddings).all(axis=1) & (np.linalg.norm(embeddings, axis=1) > 0)
        index[~usable], score[~usable] = -1, -1.0
        known[usable] = score[usable, 0] >= self.thresholds[index[usable, 0]]
        return Identification(index, score, known)

    def misnames(self, embeddings: Float32, never: Sequence[str | None]) -> NDArray[np.int32]:
        """Return int32[N]: as whom, by position, each of ``embeddings`` float32[N, D] is named who it is not.

        It is -1 for none. ``never`` has the id of whom each is not, or None for one that is nobody's who is known.
        """
        if len(embeddings) == 0 or not self.person_ids:
            return np.full(len(embeddings), -1, np.int32)
        answer = self.identify(embeddings)
        best, known = answer.index[:, 0], answer.known.tolist()
        wrong = [
            is_known and (who is None or self.person_ids[place] == who)
            for place, is_known, who in zip(best.tolist(), known, never, strict=True)
        ]
        return np.where(wrong, best, np.int32(-1))

    def to_bytes(self) -> bytes:
        """Return the weights as an ``.npz`` without pickles."""
        buffer = io.BytesIO()
        np.savez(
            buffer,
            person_ids=np.array(self.person_ids, dtype=np.str_),
            prototypes=self.prototypes,
            thresholds=self.thresholds,
        )
        return buffer.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what ``to_bytes`` wrote.

        Raises:
            ValueError: the bytes are not such weights.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as stored:
                return cls(
                    tuple(str(person_id) for person_id in stored["person_ids"]),
                    stored["prototypes"].astype(np.float32),
                    stored["thresholds"].astype(np.float32),
                )
        except (OSError, EOFError, KeyError, zipfile.BadZipFile) as exc:
            raise ValueError(f"not the weights of a head: {exc}") from exc
