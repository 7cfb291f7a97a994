"""The course of a stream: who was named and missed in each stretch of it, and what was learned on the way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

BLOCKS = 10
"""So many trainings in a stream; whatever a stretch shows is learned after all of it was answered."""


@dataclass(frozen=True)
class Course:
    """What came of one stream, or of several beside each other.

    Attributes:
        missed, known: int[``BLOCKS``], of people who are enrolled: how many were not named rightly, of how many.
        wrong: int[``BLOCKS``], how many of those missed were named as somebody else.
        named, strangers: int[``BLOCKS``], of people who are not: how many were named, of how many.
        each: int[2, P], for every person, missed and asked about, in the last half of the stream.
        learned: samples beside those that people were enrolled with.
        poisoned: how many of these do not show whose they are.
        refused: samples that a training refused, because somebody would have been worse off with them.
    """

    missed: NDArray[np.intp]
    known: NDArray[np.intp]
    wrong: NDArray[np.intp]
    named: NDArray[np.intp]
    strangers: NDArray[np.intp]
    each: NDArray[np.intp]
    learned: int
    poisoned: int
    refused: int

    def __add__(self, other: Course) -> Course:
        return Course(
            self.missed + other.missed, self.known + other.known, self.wrong + other.wrong, self.named + other.named,
            self.strangers + other.strangers, np.concatenate([self.each, other.each], axis=1),
            self.learned + other.learned, self.poisoned + other.poisoned, self.refused + other.refused,
        )  # fmt: skip

    @property
    def recognitions(self) -> int:
        """How many faces were asked about."""
        return int(self.known.sum() + self.strangers.sum())

    def late(self, of: NDArray[np.intp]) -> int:
        """Return the sum over the last half of the stream."""
        return int(of[BLOCKS // 2 :].sum())

    @property
    def fnir(self) -> float:
        """Share of the faces of people who are enrolled that were not named rightly in the last half."""
        return self.late(self.missed) / max(self.late(self.known), 1)

    @property
    def macro_fnir(self) -> float:
        """The same, each person counting once."""
        missed, asked = self.each[:, self.each[1] > 0]
        return float((missed / asked).mean()) if len(asked) else 0.0
