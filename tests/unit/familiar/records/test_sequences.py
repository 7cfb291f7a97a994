"""Whatever is put right, said, learned, undone and deleted, in whatever order: what must hold always does.

Each sequence is drawn by a number, which names it in the test. ``SEQUENCES=500`` draws so many others.
"""

import os
import random
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from opinions import AUTHOR
from records_world import capture, publish
from records_world import learn as closed
from seen import keep, seen
from sqlalchemy import select, text
from sqlalchemy.orm import Session

import tables
from familiar.errors import FamiliarError
from familiar.records import (
    Origin,
    Verdict,
    corrections,
    enrollments,
    erasures,
    feedback,
    learned,
    letting_go,
    people,
    quarantine,
    reversals,
    samples,
    sightings,
    strangers,
    visits,
)
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.schema import (
    Base,
    Correction,
    Enrollment,
    Event,
    Feedback,
    Person,
    QuarantinedFace,
    Sample,
    Sighting,
    SightingCrop,
)

TERMS = Terms(AUTHOR, 1000.0)
STEPS = 40
OFTEN = {
    "sight": 3, "say": 3, "undo": 3, "move": 2, "enrol": 1, "merge": 1, "aside": 1, "split": 1, "withdraw": 1,
    "confirm": 1, "take": 1, "erase": 1, "drop": 1, "name": 1, "take_back": 1, "settle": 1, "forget": 1,
}  # fmt: skip
DRAWN = range(int(os.environ.get("SEQUENCES", "0"))) or (1, 30, 35, 38, 47, 61)
"""Those that are tried usually have found something."""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    tables.lay(database)
    yield database
    database.close()


class _Nothing(Exception):
    """There is nobody and nothing that this could be done to."""


class Walk:
    """One sequence of what people do, drawn by chance."""

    def __init__(self, database: Database, seed: int) -> None:
        self.database = database
        self.chance = random.Random(seed)
        self.number = 0
        self.told: list[str] = []

    def some(self, column: Any, *conditions: Any, most: int = 1) -> list[Any]:
        with self.database.read() as session:
            found = list(session.scalars(select(column).where(*conditions).order_by(text("rowid"))))
        return self.chance.sample(found, min(len(found), most))

    def one(self, column: Any, *conditions: Any) -> Any:
        found = self.some(column, *conditions)
        return found[0] if found else None

    def step(self) -> None:
        (name,) = self.chance.choices(list(OFTEN), [*OFTEN.values()])
        try:
            getattr(self, name)()
            self.told.append(name)
        except (FamiliarError, _Nothing):
            pass

    def enrol(self) -> None:
        self.number += 1
        who, enrollment, _ = capture(self.database, f"name{self.number}.", frames=3)
        closed(self.database, enrollment, who, *self.some(Person.id, Person.enrolled, most=20))

    def sight(self) -> None:
        self.number += 1
        who = self.chance.choice([self.one(Person.id), self.one(Person.id), None])
        camera, crop = f"c{self.number}", f"seen{self.number}.".encode()
        keep(self.database, seen(self.number, person=who, camera=camera, ago_s=60, crop=crop))
        with self.database.write() as session:
            at = session.scalars(select(Sighting.id).where(Sighting.camera == camera)).one()
            glimpse = visits.Glimpse(1.0, camera, who, 0.9 if who else None, f"r{self.number}", 0, 1, at)
            visits.note(session, [glimpse], visits.Terms(60.0, 1))

    def need(self, *values: Any) -> Any:
        if any(value is None or value == [] for value in values):
            raise _Nothing
        return values if len(values) > 1 else values[0]

    def put_right(self, work: Callable[[Session], Correction]) -> None:
        """Do it, and sometimes undo it at once, and see that all is as it was."""
        before = self.all_of_it()
        done = self.database.retry(lambda session: work(session).id)
        self.check()
        if self.chance.random() < 0.5:
            self.reverse(done)
            assert self.all_of_it() == before, self.told

    def reverse(self, correction_id: str) -> None:
        self.database.retry(lambda session: reversals.undo(session, corrections.get(session, correction_id), AUTHOR))

    def merge(self) -> None:
        into, other = self.need(*self.two())
        self.put_right(lambda session: corrections.merge(session, into, other, TERMS))

    def two(self) -> Sequence[str | None]:
        found = self.some(Person.id, Person.enrolled, most=2)
        return found if len(found) == 2 else (None, None)

    def theirs(self, who: str, most: int = 3) -> list[str]:
        return self.some(Sample.id, Sample.person_id == who, ~Sample.set_aside, most=most)

    def move(self) -> None:
        who, to = self.need(*self.two())
        chosen = self.need(self.theirs(who))
        self.put_right(lambda session: corrections.move(session, who, chosen, to, TERMS))

    def aside(self) -> None:
        who = self.need(self.one(Person.id))
        chosen = self.need(self.theirs(who))
        self.put_right(lambda session: corrections.move(session, who, chosen, None, TERMS))

    def split(self) -> None:
        who = self.need(self.one(Person.id))
        chosen = self.need(self.theirs(who, 2))
        self.number += 1
        self.put_right(lambda session: corrections.split(session, who, chosen, f"name{self.number}.", TERMS))

    def undo(self) -> None:
        which = self.need(self.one(Correction.id, Correction.undone_at.is_(None), ~Correction.final))
        self.reverse(which)

    def settle(self) -> None:
        which = self.need(self.one(Correction.id, Correction.undone_at.is_(None), ~Correction.final))
        if self.chance.random() < 0.3:
            self.database.retry(lambda session: corrections.settle(session, which))

    def say(self) -> None:
        at = self.need(self.one(Sighting.id))
        verdict = self.chance.choice(list(Verdict))
        who = self.chance.choice([None, self.one(Person.id)])

        def give(session: Session) -> feedback.Said:
            kept = feedback.keep(session, *feedback.face_of_sighting(session, at, 0))
            return feedback.give(session, kept, verdict, who, AUTHOR)

        self.database.retry(give)

    def withdraw(self) -> None:
        which = self.need(self.one(Feedback.id, Feedback.ended_at.is_(None)))
        self.database.retry(lambda session: feedback.withdraw(session, which, AUTHOR))

    def confirm(self) -> None:
        self.database.retry(lambda session: learned.learn(session, learned.confirmed(session), Origin.CONFIRMED))
        self.serve()

    def take(self) -> None:
        with self.database.write() as session:
            quarantine.propose(session, 0.5, -1.0, 100, lambda _: 1.0)
        faces = self.some(QuarantinedFace.id, QuarantinedFace.proposed, QuarantinedFace.standing == "waiting", most=2)
        with self.database.write() as session:
            rows = [session.get(QuarantinedFace, each) for each in faces]
            meant = people.meant(session, {row.named_id for row in rows if row.named_id})
            whose = {row.id: meant[row.named_id].id for row in rows if row.named_id in meant}
            learned.learn(session, whose, Origin.AUTOMATIC)

    def serve(self) -> None:
        publish(self.database, *self.need(self.some(Person.id, Person.enrolled, most=20)))

    def take_back(self) -> None:
        origin = self.chance.choice([Origin.CONFIRMED, Origin.AUTOMATIC])
        who = self.need(self.one(Person.id))
        self.database.retry(lambda session: learned.take_back(session, learned.Wanted(who, origin=origin), AUTHOR)[0])

    def drop(self) -> None:
        who = self.need(self.one(Person.id))
        (chosen,) = self.need(self.theirs(who, 1))
        self.database.retry(lambda session: samples.remove(session, samples.get(session, who, chosen)))

    def name(self) -> None:
        who = self.need(self.one(Person.id, Person.enrolled))
        at = self.need(self.one(Sighting.id, Sighting.person_id.is_(None)))
        with self.database.write() as session:
            stranger = strangers.begin(session)
            strangers.assign(session, {at: stranger})
        self.number += 1
        _, enrollment_id, _ = capture(self.database, f"name{self.number}.", person_id=who)
        with self.database.write() as session:
            enrollment = enrollments.get(session, enrollment_id)
            corrections.added(session, enrollment, TERMS)
            strangers.name(session, stranger, who, enrollment_id)
            enrollments.close(session, enrollment)

    def forget(self) -> None:
        if self.chance.random() < 0.2:
            at = self.need(self.one(Sighting.id))
            with self.database.write() as session:
                letting_go.forget_sightings(session, [at])
                sightings.remove(session, [at], erasures.PRUNED_SIGHTINGS)

    def erase(self) -> None:
        """Delete somebody, and see that neither ids nor name nor pictures are anywhere, but for what is another's."""
        if self.chance.random() < 0.6:
            raise _Nothing
        who = self.need(self.one(Person.id))
        with self.database.read() as session:
            needles = {each.encode() for each in people.all_of(session, who)}
            needles.add(session.get(Person, who).name.encode())
            needles |= set(session.scalars(select(Sample.crop).where(Sample.person_id == who)))
            of = select(Sighting.id).where(Sighting.person_id == who)
            needles |= {each.encode() for each in session.scalars(of)}
            needles |= set(session.scalars(select(SightingCrop.crop).where(SightingCrop.sighting_id.in_(of))))
        with self.database.write() as session:
            people.erase(session, who)
            erasures.forget(session, sorted(erasures.tainted(session)))
        with self.database.read() as session:
            others = set(session.scalars(select(Sample.crop)))  # somebody said that it is theirs
            for table in Base.metadata.sorted_tables:
                if table.name == "erasures":
                    continue
                for row in session.execute(select(table)):
                    for value in row:
                        for needle in needles - others:
                            found = needle == value if isinstance(value, bytes) else needle.decode() in str(value)
                            assert not found, (self.told, table.name, needle, row)

    def all_of_it(self) -> dict[str, list[tuple[object, ...]]]:
        with self.database.read() as session:
            holders = set(session.scalars(select(Sample.enrollment_id)))
            return {
                "people": sorted((row.id, row.name, row.enrolled) for row in session.scalars(select(Person))),
                "samples": sorted(
                    (row.id, row.person_id, row.enrollment_id, row.position, row.set_aside, row.origin)
                    for row in session.scalars(select(Sample))
                ),
                "enrolments": sorted(
                    (row.id, row.person_id, row.status)
                    for row in session.scalars(select(Enrollment))
                    if row.id in holders
                ),
                "sightings": sorted(
                    (row.id, row.person_id or "", row.named_at or 0, row.stranger_id or "")
                    for row in session.scalars(select(Sighting))
                ),
                "said": sorted(
                    (row.id, row.person_id or "", row.named_id or "", row.was_id or "", row.ended_at or 0)
                    for row in session.scalars(select(Feedback))
                ),
                "faces": sorted(
                    (row.id, row.named_id or "", row.sample_id or "", row.standing)
                    for row in session.scalars(select(QuarantinedFace))
                ),
            }

    def check(self) -> None:
        """See that samples have one owner, that what was said holds, and that all ids mean somebody."""
        with self.database.read() as session:
            there = set(session.scalars(select(Person.id)))
            rows = session.execute(select(Sample.person_id, Enrollment.person_id).join(Enrollment)).all()
            assert all(one == other and one in there for one, other in rows), self.told
            told = session.execute(
                select(Feedback.person_id, Sighting.person_id)
                .join(Sighting, Sighting.id == Feedback.sighting_id)
                .where(Feedback.ended_at.is_(None), Feedback.person_id.is_not(None))
            ).all()
            meant = people.meant(session, {said for said, _ in told})
            assert all(meant[said].id == of for said, of in told), self.told
            ids = {*session.scalars(select(Event.person_id).where(Event.person_id.is_not(None)))}
            ids |= {*session.scalars(select(QuarantinedFace.named_id).where(QuarantinedFace.named_id.is_not(None)))}
            assert set(people.meant(session, ids)) == ids, self.told
            sample_ids = set(session.scalars(select(Sample.id)))
            for row in session.scalars(select(QuarantinedFace).where(QuarantinedFace.sample_id.is_not(None))):
                assert row.sample_id in sample_ids, self.told


@pytest.mark.parametrize("seed", DRAWN)
def test_what_must_hold_always_does(file: Database, seed: int) -> None:
    walk = Walk(file, seed)
    walk.enrol()
    walk.enrol()
    for _ in range(STEPS):
        walk.step()
        walk.check()
