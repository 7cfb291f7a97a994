"""An hour's attack: somebody stands before the camera and would be taken for somebody who is enrolled, or become them.

Attackers are those who are nearest to somebody: of people who are not enrolled, and of people who are. Of each the one
picture that scores highest is shown, moving in changing light; frames come in sightings of ``PASS``, as they come, and
once more as an attacker would choose who sees every score, the best frames together. Each sighting counts as of another
day, so that no quota helps; the judge is told of no stranger and no locked case.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.knowing import Head
from familiar.learning import Cohort, candidates
from familiar_trainer.evaluation.cache import SightCache
from familiar_trainer.evaluation.passersby import Look, Stream
from familiar_trainer.evaluation.pictures import People
from familiar_trainer.evaluation.pipelines import AlignedFaces
from familiar_trainer.evaluation.robustness import look
from familiar_trainer.evaluation.sight import Float32
from familiar_trainer.evaluation.teaching import Notes, label
from familiar_trainer.evaluation.variations import passing

PASS = 10
"""Frames of one sighting."""
TARGET = 0.001

STRANGER, ENROLLED = "somebody else", "somebody who is enrolled"


@dataclass(frozen=True)
class Attacker:
    """Who would be taken for ``victim``, and with which picture.

    Attributes:
        victim: a position among the people of the stream.
        own: the attacker's own, -1 if they are not enrolled.
        place: of the picture.
        decades: how far it is above the threshold of the victim, in decades of strangers; below it, less than 0.
    """

    victim: int
    own: int
    place: int
    decades: float

    @property
    def kind(self) -> str:
        """What the tables call it."""
        return STRANGER if self.own < 0 else ENROLLED


@dataclass(frozen=True)
class Hour:
    """What came of attacks of one kind.

    Attributes:
        attackers: how many there were.
        frames: how many they showed in all that were asked about.
        named: how many of them were named as the victim.
        decades: how far above the threshold the best of them was; what is learned is above ``candidates.FAR_ABOVE``.
        sightings: how many of them had a frame that was named as the victim, in either order.
        taken: samples that the judge took of them for somebody whom they are not.
        own: samples that it took for whom they are.
        misnamed: faces, of the stream and the attack, that a training with all of these names as somebody whom it did
            not name, and who it is not.
        lost: faces that it no longer names rightly.
        careless_taken, careless_named, careless_misnamed: the same if whatever is named were learned, ``named`` being
            frames after it.
    """

    kind: str
    attackers: int
    frames: int
    named: int
    decades: float
    sightings: int
    taken: int
    own: int
    misnamed: int
    lost: int
    careless_taken: int
    careless_named: int
    careless_misnamed: int


class Scene:
    """A stream's people as they are enrolled, and the judge."""

    def __init__(self, stream: Stream, seen: Look, cohort: Cohort) -> None:
        self.stream, self.look, self.cohort = stream, seen, cohort
        self.notes = Notes.of(stream, seen)
        self.head = learning.learn(self.notes.gallery(), cohort, TARGET).head
        self.judge = candidates.Judge.of(self.notes.samples, cohort, TARGET)
        self._decade = candidates.decades(self.head, cohort)
        self._place = np.array([*map(int, self.head.person_ids), -1], np.intp)

    def decades(self, rows: Float32) -> Float32:
        """Return float32[N, P]: how far each of ``rows`` is above everybody's threshold."""
        above: Float32 = (rows @ self.head.prototypes.T - self.head.thresholds) / self._decade
        return above

    def named(self, head: Head, rows: Float32) -> NDArray[np.intp]:
        """Return int[N]: whom ``head`` names, by position in the stream."""
        found = head.identify(rows)
        return np.where(found.known, self._place[found.index[:, 0]], -1)

    def attackers(self) -> list[Attacker]:
        """Return for everybody the stranger and the enrolled person who are nearest, the most dangerous first."""
        rows = self.look.rows[self.stream.asked]
        above, found = self.decades(rows), []
        for victim in range(len(self.stream.people)):
            for who in (self.stream.person < 0, (self.stream.person >= 0) & (self.stream.person != victim)):
                best = int(np.where(who, above[:, victim], -np.inf).argmax())
                own = int(self.stream.person[best])
                found.append(Attacker(victim, own, int(self.stream.asked[best]), float(above[best, victim])))
        return sorted(found, key=lambda attacker: -attacker.decades)

    def hour(self, attacker: Attacker, rows: Float32, good: NDArray[np.bool_]) -> Hour:
        """Let the attacker show ``rows`` float32[F, D], in both orders; zeros are frames that are not asked about."""
        good, rows = good[rows.any(axis=1)], rows[rows.any(axis=1)]
        names, above = self.named(self.head, rows), self.decades(rows)[:, attacker.victim]
        orders = (np.arange(len(rows)), np.argsort(-above, kind="stable"))
        passes = [order[at : at + PASS] for order in orders for at in range(0, len(order), PASS)]
        offered = [crop for number, frames in enumerate(passes) for crop in _offered(number, frames, rows, names, good)]
        taken = [choice for choice in self.judge.choose(offered) if choice.taken]
        as_victim = names == attacker.victim
        stolen = sum(int(choice.candidate.person_id) != attacker.own for choice in taken)
        careless = Notes(list(self.notes.samples), list(self.notes.truth))
        for row, name in zip(rows[good & (names >= 0)], names[good & (names >= 0)].tolist(), strict=True):
            careless.add(name, row, attacker.own)
        after, careless_misnamed, _ = self._trained(careless, rows, attacker)
        return Hour(
            attacker.kind, 1, len(rows), int(as_victim.sum()), float(above.max(initial=-np.inf)),
            sum(bool(as_victim[frames].any()) for frames in passes), stolen, len(taken) - stolen,
            *self._trained(self._with(taken, attacker), rows, attacker)[1:], careless.wrong(),
            int((after == attacker.victim).sum()), careless_misnamed,
        )  # fmt: skip

    def _with(self, taken: Sequence[candidates.Choice], attacker: Attacker) -> Notes:
        notes = Notes(list(self.notes.samples), list(self.notes.truth))
        for choice in taken:
            notes.add(int(choice.candidate.person_id), choice.candidate.vector, attacker.own, choice.candidate.day)
        return notes

    def _trained(self, notes: Notes, rows: Float32, attacker: Attacker) -> tuple[NDArray[np.intp], int, int]:
        """Return whom a head made of ``notes`` names on ``rows``, and how many faces are misnamed and lost by it."""
        every = np.concatenate([self.look.rows[self.stream.asked], rows])
        truth = np.concatenate([self.stream.person, np.full(len(rows), attacker.own)])
        before, after = self.named(self.head, every), self.named(self.head, every)
        if len(notes.samples) > len(self.notes.samples):
            after = self.named(learning.learn(notes.gallery(), self.cohort, TARGET).head, every)
        misnamed = (after != truth) & (after >= 0) & (after != before)
        lost = (after != truth) & (before == truth) & (truth >= 0)
        return after[len(self.stream.asked) :], int(misnamed.sum()), int(lost.sum())


def _offered(
    number: int, frames: NDArray[np.intp], rows: Float32, names: NDArray[np.intp], good: NDArray[np.bool_]
) -> list[candidates.Candidate]:
    """Return every frame of a sighting as a candidate for everybody whom one of its frames names."""
    crops = []
    for person in np.unique(names[frames][names[frames] >= 0]).tolist():
        agreeing, others = (
            int(each.sum()) for each in (names[frames] == person, ~np.isin(names[frames], (person, -1)))
        )
        crops += [
            candidates.Candidate(
                f"{number} {frame}", str(number), label(person), rows[frame], number, len(frames), agreeing, others,
                bool(good[frame]),
            )
            for frame in frames.tolist()
        ]  # fmt: skip
    return crops


def hours(
    scene: Scene, people: People, pipeline: AlignedFaces, cache: SightCache, space_metric: learning.Metric | None,
    frames: int, most: int, longest: int,
) -> list[Hour]:  # fmt: skip
    """Let the ``most`` dangerous attackers of each kind show ``frames`` each, and the worst of each ``longest``."""
    told = []
    for kind in (STRANGER, ENROLLED):
        chosen = [attacker for attacker in scene.attackers() if attacker.kind == kind][:most]
        for some, count in ((chosen[:1], longest), (chosen[1:], frames)):
            seen = [Look.of(each, space_metric) for each in look(
                pipeline, cache, [people.pictures[attacker.place] for attacker in some], passing(count)
            )] if some else []  # fmt: skip
            for at, attacker in enumerate(some):
                rows = np.stack([each.rows[at] for each in seen])
                told.append(scene.hour(attacker, rows, np.array([each.good[at] for each in seen])))
    return told


def added(hours: Sequence[Hour]) -> list[Hour]:
    """Return the sum of all of each kind."""
    sums = []
    for kind in (STRANGER, ENROLLED):
        some = [hour for hour in hours if hour.kind == kind]
        if not some:
            continue
        total = np.sum(
            [
                (
                    each.attackers, each.frames, each.named, each.sightings, each.taken, each.own, each.misnamed,
                    each.lost, each.careless_taken, each.careless_named, each.careless_misnamed,
                )
                for each in some
            ],
            axis=0,
        ).tolist()  # fmt: skip
        best = max(each.decades for each in some)
        sums.append(Hour(kind, total[0], total[1], total[2], best, *total[3:]))
    return sums


def table(rows: Sequence[Hour]) -> str:
    """Return a Markdown table."""
    lines = [
        "| attackers | | frames | named as the victim | best, decades | sightings so named | learned for others | for "
        "themselves | then misnamed | lost | careless: learned for others | then named as the victim | misnamed |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| {row.kind} | {row.attackers} | {row.frames:,} | {row.named:,} | {row.decades:.2f} | {row.sightings:,} | "
        f"**{row.taken}** | {row.own} | **{row.misnamed}** | {row.lost} | {row.careless_taken:,} | "
        f"{row.careless_named:,} | {row.careless_misnamed:,} |"
        for row in rows
    ]
    return "\n".join(lines)
