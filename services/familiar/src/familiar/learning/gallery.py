"""The gallery: every sample to learn from, with the stretches of time that are held out together."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from familiar.direction import Direction
from familiar.knowing import normalise

Float32 = NDArray[np.float32]
Int8 = NDArray[np.int8]
Int32 = NDArray[np.int32]

BLOCKS = 5
"""About how many blocks the samples of a person are cut into; each block is held out once."""

_PLACE: Mapping[Direction | None, int] = {None: -1, **{direction: place for place, direction in enumerate(Direction)}}


class Row(NamedTuple):
    """One sample: ``captured_at`` in seconds, ``vector`` float32[D]; of id and direction no more than is known."""

    person_id: str
    group: str
    captured_at: float
    vector: Float32
    sample_id: str = ""
    direction: Direction | None = None


@dataclass(frozen=True)
class Gallery:
    """N samples of P people.

    Attributes:
        person_ids: P opaque ids, sorted.
        embeddings: float32[N, D], L2-normalised, ordered by person, group and time.
        person: int32[N], positions in ``person_ids``.
        block: int32[N], which of the person's blocks a sample belongs to, counted from 0.
        sample_ids: N ids, empty where not known; left out, none is.
        direction: int8[N], where each face looks, positions in ``Direction``, -1 where not known; left out, none is.
    """

    person_ids: tuple[str, ...]
    embeddings: Float32
    person: Int32
    block: Int32
    sample_ids: tuple[str, ...] = ()
    direction: Int8 = field(default_factory=lambda: np.zeros(0, np.int8))

    def __post_init__(self) -> None:
        if (self.person[1:] < self.person[:-1]).any():
            raise ValueError("the samples of a gallery must be ordered by person")
        if not self.sample_ids:
            object.__setattr__(self, "sample_ids", ("",) * len(self))
        if not len(self.direction):
            object.__setattr__(self, "direction", np.full(len(self), -1, np.int8))

    @classmethod
    def from_rows(cls, rows: Iterable[Row | tuple[str, str, float, Float32]]) -> Self:
        """Build the gallery from rows, or from tuples of what a ``Row`` must have.

        A group is one capture: its frames are neighbours, near copies of each other, so it is cut into whole stretches
        of time and never at random. The order of ``rows`` does not matter where the times differ.

        Raises:
            ValueError: the vectors differ in length, or one is zero or not finite.
        """
        ordered = sorted((row if isinstance(row, Row) else Row(*row) for row in rows), key=lambda row: row[:3])
        if not ordered:
            return cls((), np.zeros((0, 0), np.float32), np.zeros(0, np.int32), np.zeros(0, np.int32))
        lengths = {np.shape(row.vector) for row in ordered}
        if len(lengths) != 1:
            raise ValueError(f"embeddings of one gallery must be alike, got shapes {sorted(lengths)}")
        embeddings = normalise(np.stack([row.vector for row in ordered]))
        unusable = np.flatnonzero(~embeddings.any(axis=1))
        if len(unusable):
            raise ValueError(
                f"{len(unusable)} embeddings are zero or not finite, one of {ordered[unusable[0]].person_id}"
            )
        person_ids, person = np.unique([row.person_id for row in ordered], return_inverse=True)
        groups = np.unique([f"{row.person_id}\0{row.group}" for row in ordered], return_inverse=True)[1]
        return cls(
            tuple(map(str, person_ids)),
            embeddings,
            person.astype(np.int32),
            _blocks(person, groups),
            tuple(row.sample_id for row in ordered),
            np.array([_PLACE[row.direction] for row in ordered], np.int8),
        )

    @property
    def dim(self) -> int:
        """D, the length of an embedding; 0 if there is no sample."""
        return int(self.embeddings.shape[1])

    def __len__(self) -> int:
        return len(self.embeddings)

    def samples_per_person(self) -> Int32:
        """Return int32[P]."""
        return np.bincount(self.person, minlength=len(self.person_ids)).astype(np.int32)

    def digest(self) -> str:
        """Return a short hexadecimal digest of who is in it with which samples."""
        state = hashlib.sha256("\n".join(self.person_ids).encode())
        state.update(self.person.astype("<i4").tobytes())
        state.update(np.ascontiguousarray(self.embeddings, dtype="<f4").tobytes())
        return state.hexdigest()[:16]


def _blocks(person: NDArray[np.intp], groups: NDArray[np.intp]) -> Int32:
    """Cut each group into stretches of equal length, so many that its person has about ``BLOCKS`` of them."""
    block = np.zeros(len(person), np.int32)
    starts = np.flatnonzero(np.r_[True, groups[1:] != groups[:-1]])
    ends = np.r_[starts[1:], len(groups)]
    groups_of = np.bincount(person[starts])
    next_block = np.zeros(len(groups_of), np.int32)
    for start, end in zip(starts, ends, strict=True):
        owner, size = person[start], end - start
        pieces = min(size, -(-BLOCKS // groups_of[owner]))
        block[start:end] = next_block[owner] + np.arange(size) * pieces // size
        next_block[owner] += pieces
    return block
