"""Teaching: what becomes of what was recognised, from nothing at all to whatever was named."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.knowing import Head
from familiar.learning import Cohort, Gallery, Learned, Negative, candidates
from familiar_trainer.evaluation.passersby import GIVEN, Look, Places, Stream
from familiar_trainer.evaluation.sight import Float32

NEAR = 0.1
"""The product asks of a face that lacks this share of what lies between the threshold and 1, or less."""


@dataclass
class Notes:
    """What is learned from, and what was said.

    Attributes:
        samples: people's names are their positions in the stream.
        truth: who is on each sample, -1 for somebody who is not enrolled.
        negatives: faces of which somebody said whose they are not.
        unknown: faces that nobody was named for, and nobody spoke of.
    """

    samples: list[candidates.Sample]
    truth: list[int]
    negatives: list[Negative] = field(default_factory=list)
    unknown: list[Float32] = field(default_factory=list)

    @classmethod
    def of(cls, stream: Stream, look: Look) -> Notes:
        """Return what everybody is enrolled with."""
        usable = look.rows[stream.given].any(axis=1)
        places, person = stream.given[usable], stream.given_person[usable]
        return cls(
            [candidates.Sample(label(at), row) for at, row in zip(person, look.rows[places], strict=True)],
            person.tolist(),
        )

    def add(self, person: int, row: Float32, truth: int, taken_on: int | None = None) -> None:
        """Learn from a face."""
        self.samples.append(candidates.Sample(label(person), row, taken_on))
        self.truth.append(truth)

    def wrong(self) -> int:
        """Return how many samples do not show the person whose they are."""
        return sum(int(sample.person_id) != truth for sample, truth in zip(self.samples, self.truth, strict=True))

    def without(self, before: int, people: Collection[str]) -> Notes:
        """Return the same without the samples of some people that came after the first ``before``."""
        kept = [at for at, sample in enumerate(self.samples) if at < before or sample.person_id not in people]
        return Notes([self.samples[at] for at in kept], [self.truth[at] for at in kept], self.negatives, self.unknown)

    def gallery(self) -> Gallery:
        """Return all samples as a training reads them."""
        return gallery(self.samples)


def label(person: int) -> str:
    """Return the id of somebody by their position in the stream; ids are in the order of the positions."""
    return f"{person:04d}"


def gallery(samples: list[candidates.Sample]) -> Gallery:
    """Return samples as a training reads them: those of the enrolment are one capture, of the others each its own."""
    given: dict[str, int] = {}
    rows = []
    for at, sample in enumerate(samples):
        count = given[sample.person_id] = given.get(sample.person_id, 0) + 1
        rows.append((sample.person_id, "enrolled" if count <= GIVEN else f"later {at}", float(at), sample.vector))
    return Gallery.from_rows(rows)


@dataclass(frozen=True)
class Said:
    """What the head in service said of a stretch of the stream.

    Attributes:
        events: int[B], positions in the stream.
        named: int[B], who was named, -1 for nobody.
        near: bool[B], who was named or lacks so little that the product asks.
    """

    events: Places
    named: Places
    near: NDArray[np.bool_]

    @classmethod
    def by(cls, head: Head, stream: Stream, look: Look, events: Places) -> Said:
        """Ask a head."""
        found = head.identify(look.rows[stream.asked[events]])
        place = np.array([*map(int, head.person_ids), -1], np.intp)
        best = found.index[:, 0]
        lacking = np.append(head.thresholds, np.inf)[best] - found.score[:, 0]
        near = lacking <= NEAR * (1 - np.append(head.thresholds, 0)[best])
        return cls(events, np.where(found.known, place[best], -1), near)


@dataclass(frozen=True)
class Lesson:
    """What a way of teaching knows: the stream and how it looks, and what the judge compares with."""

    stream: Stream
    look: Look
    cohort: Cohort
    target: float

    def learn(self, notes: Notes) -> Learned:
        """Train a head."""
        return learning.learn(notes.gallery(), self.cohort, self.target, negatives=notes.negatives)


Teach = Callable[[Lesson, Said, Notes], None]


def nothing(lesson: Lesson, said: Said, notes: Notes) -> None:
    """Learn nothing."""


def ask(lesson: Lesson, said: Said, notes: Notes) -> None:
    """Ask as the product does, of every face that was named or nearly, and be told the truth."""
    _answer(lesson, said, notes, said.near)


def ask_of_all(lesson: Lesson, said: Said, notes: Notes) -> None:
    """Ask of every face whose it is, and be told the truth."""
    _answer(lesson, said, notes, np.ones(len(said.named), np.bool_))


def _answer(lesson: Lesson, said: Said, notes: Notes, of: NDArray[np.bool_]) -> None:
    stream, look = lesson.stream, lesson.look
    for event, named in zip(said.events[of].tolist(), said.named[of].tolist(), strict=True):
        place, person = int(stream.asked[event]), int(stream.person[event])
        if not look.rows[place].any():
            continue  # nobody is shown a face that was not asked about
        if person < 0 or named not in (-1, person):
            notes.negatives.append(Negative(look.rows[place], label(named) if person >= 0 else None, str(event)))
        if person >= 0 and look.good[place]:
            notes.add(person, look.rows[place], person)


def whatever_is_named(lesson: Lesson, said: Said, notes: Notes) -> None:
    """Take every good face that was named for a sample of whom the head named."""
    stream, look = lesson.stream, lesson.look
    for event, named in zip(said.events.tolist(), said.named.tolist(), strict=True):
        place = int(stream.asked[event])
        if named >= 0 and look.good[place]:
            notes.add(named, look.rows[place], int(stream.person[event]), int(stream.day[event]))


class Auto:
    """Let the product's judge take what it will; each picture stands for a sighting whose frames all say the same.

    That is the worst case: what else a sighting shows can only keep it from being taken.
    """

    def __init__(self) -> None:
        self.judge: candidates.Judge | None = None

    def __call__(self, lesson: Lesson, said: Said, notes: Notes) -> None:
        """Offer every face that was named."""
        stream, look = lesson.stream, lesson.look
        rows = look.rows[stream.asked[said.events]]
        notes.unknown += list(rows[(said.named < 0) & rows.any(axis=1)])
        if self.judge is None:  # nobody gives anything afterwards, so it stays the same one
            self.judge = candidates.Judge.of(notes.samples, lesson.cohort, lesson.target)
        strangers = np.stack(notes.unknown) if notes.unknown else None
        truth = dict(zip(map(str, said.events.tolist()), stream.person[said.events].tolist(), strict=True))
        offered = [
            candidates.Candidate(
                str(event), str(event), label(person), look.rows[stream.asked[event]], int(stream.day[event]),
                candidates.LEAST_AGREEING, candidates.LEAST_AGREEING, 0, bool(look.good[stream.asked[event]]),
            )
            for event, person in zip(said.events.tolist(), said.named.tolist(), strict=True)
            if person >= 0
        ]  # fmt: skip
        chosen = self.judge.with_taken(notes.samples).beside(strangers, notes.negatives).choose(offered)
        for choice in chosen:
            if choice.taken:
                mine = choice.candidate
                notes.add(int(mine.person_id), mine.vector, truth[mine.id], mine.day)


WAYS: Mapping[str, Callable[[], Teach]] = {
    "nothing": lambda: nothing,
    "ask": lambda: ask,
    "ask, of all": lambda: ask_of_all,
    "auto": Auto,
    "whatever is named": lambda: whatever_is_named,
}
