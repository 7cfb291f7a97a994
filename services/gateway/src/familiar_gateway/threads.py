"""Threads: how many requests of each kind are answered at once, so how many connections to the database that takes."""

import os
from dataclasses import astuple, dataclass
from typing import Self

_LEAST, _MOST = 4, 16
# Each looks into the database four times a second.
_STREAMS = 8


@dataclass(frozen=True)
class Threads:
    """The threads of one gateway process by what they do; each has one connection to the database at most.

    Attributes:
        pictures: recognise, and judge the frames of live captures.
        films: take whole uploads. One is as long as hundreds of frames, and who is recognised should not wait for it.
        changing: do what changes something without a picture.
        looking: tell what is there.
        letting_in: find out whether who begins to send much may.
        asking_parts: ask all parts whether they are there; where one is away, that takes as long as is waited for it.
        streaming: follow a capture each, but for one, which says that there are enough of them.
        noting: write down when keys were used.
        remembering: write down who came by, where that is wanted.
        recording: write down what went wrong.
    """

    pictures: int
    films: int
    changing: int
    looking: int = 4
    letting_in: int = 2
    asking_parts: int = 2
    streaming: int = _STREAMS + 1
    noting: int = 1
    remembering: int = 1
    recording: int = 1

    @classmethod
    def of(cls, pictures: int) -> Self:
        """Return the threads where so many work on pictures, 0 for as many as there are cores for."""
        pictures = pictures or _fitting_the_cores()
        return cls(pictures=pictures, films=max(pictures // 2, 2), changing=pictures)

    @property
    def streams(self) -> int:
        """How many captures are followed at once."""
        return self.streaming - 1

    @property
    def all(self) -> int:
        """How many there are."""
        return sum(astuple(self))


def _fitting_the_cores() -> int:
    """Return for how many pictures at once there are cores; more would only keep each other from being answered."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    return min(max(2 * cores, _LEAST), _MOST)
