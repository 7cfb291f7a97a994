"""The book: what was promised to whom, and what was not kept."""

import threading
from collections import Counter
from dataclasses import dataclass, field

from kill.cast import Face, name


@dataclass
class Life:
    """One name of one face, from its first enrolment until it is deleted."""

    face: Face
    name: str
    person_id: str | None = None
    taken: list[str] = field(default_factory=list)
    """Enrolments that were answered by 202."""
    live: bool = False
    """Whether one of them was live when all was quiet."""
    deleted: bool = False
    """Whether it was answered that the person is deleted."""
    parted: list["Life"] = field(default_factory=list)
    """Lives that were split off and made one with this one again: what they were called goes with it."""
    needles: dict[str, bytes] = field(default_factory=dict)
    """What must be found nowhere once the person is deleted."""


class Book:
    """Who was enrolled under which name. Several threads write it; each face belongs to one of them."""

    def __init__(self, first_name: int = 0) -> None:
        self.lives: dict[str, Life] = {}
        self.faults: list[str] = []
        self.counts: Counter[str] = Counter()
        self._next_name = first_name
        self._guard = threading.Lock()

    def begin(self, face: Face) -> Life:
        """Return a new life of a face."""
        with self._guard:
            life = Life(face, name(self._next_name))
            self._next_name += 1
            self.lives[life.name] = life
            return life

    def count(self, what: str) -> None:
        """Count something."""
        with self._guard:
            self.counts[what] += 1

    def fault(self, text: str) -> None:
        """Write down what must not be."""
        with self._guard:
            self.faults.append(text)

    def gone(self) -> list[Life]:
        """Return who was deleted by now."""
        with self._guard:
            return [life for life in self.lives.values() if life.deleted]

    def judge(self, face: Face, named: str | None, gone_before: list[Life]) -> None:
        """Judge who a face was taken for; ``gone_before`` were deleted before it was asked."""
        if named is None:
            return
        life = self.lives.get(named)
        if life is None or life.face != face:
            self.fault(f"face {face.number} was named {named!r}, who is face {life.face.number if life else 'nobody'}")
        elif life in gone_before:
            self.fault(f"face {face.number} was named {named!r} after that one was deleted")
