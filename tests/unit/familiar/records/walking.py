"""What people and trainers do to what is known, drawn by chance: a walk, one step after the other."""

import random
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from opinions import AUTHOR
from photographed import face, photo
from records_world import capture, publish
from records_world import learn as closed
from seen import keep, seen
from sqlalchemy import select, text
from sqlalchemy.orm import Session

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
    photo_faces,
    photos,
    quarantine,
    reversals,
    samples,
    sightings,
    strangers,
    visits,
)
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.schema import (
    Correction,
    Enrollment,
    Feedback,
    Person,
    PhotoFace,
    QuarantinedFace,
    Sample,
    Sighting,
)

TERMS = Terms(AUTHOR, 1000.0)
OFTEN = {
    "sight": 3, "say": 3, "undo": 3, "move": 2, "photo": 2, "enrol": 1, "merge": 1, "aside": 1, "split": 1,
    "withdraw": 1, "confirm": 1, "take": 1, "erase": 1, "drop": 1, "name": 1, "name_on_photos": 1, "unname": 1,
    "take_back": 1, "settle": 1, "forget": 1, "fail": 1, "give_up": 1, "drop_refused": 1,
}  # fmt: skip


class Nothing(Exception):
    """There is nobody and nothing that a step could be done to."""


class Walk:
    """One sequence of steps."""

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
        except (FamiliarError, Nothing):
            pass

    def enrol(self) -> None:
        self.number += 1
        who, enrollment, _ = capture(self.database, f"name{self.number}.", frames=3)
        closed(self.database, enrollment, who, *self.some(Person.id, Person.enrolled, most=20))

    def sight(self) -> None:
        self.number += 1
        who = self.chance.choice([self.one(Person.id), self.one(Person.id), None])
        camera, crop = f"c{self.number}", f"seen{self.number}.".encode()
        for ago_s in (60, 58):
            keep(self.database, seen(self.number, person=who, camera=camera, ago_s=ago_s, crop=crop))
        with self.database.write() as session:
            at = session.scalars(select(Sighting.id).where(Sighting.camera == camera)).one()
            glimpse = visits.Glimpse(1.0, camera, who, 0.9 if who else None, f"r{self.number}", 0, 1, at)
            visits.note(session, [glimpse], visits.Terms(60.0, 1))

    def need(self, *values: Any) -> Any:
        if any(value is None or value == [] for value in values):
            raise Nothing
        return values if len(values) > 1 else values[0]

    def put_right(self, work: Callable[[Session], Correction]) -> None:
        self.database.retry(work)

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
        verdict, frame = self.chance.choice(list(Verdict)), self.chance.choice([0, 1])
        who = self.chance.choice([None, self.one(Person.id)])

        def give(session: Session) -> feedback.Said:
            kept = feedback.keep(session, *feedback.face_of_sighting(session, at, frame))
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
        self.add_to(who, lambda session, holder: strangers.name(session, stranger, who, holder))

    def forget(self) -> None:
        if self.chance.random() < 0.2:
            at = self.need(self.one(Sighting.id))
            with self.database.write() as session:
                letting_go.forget_sightings(session, [at])
                sightings.remove(session, [at], erasures.PRUNED_SIGHTINGS)

    def erase(self) -> None:
        if self.chance.random() < 0.6:
            raise Nothing
        self.leave(self.need(self.one(Person.id)))

    def leave(self, who: str) -> None:
        with self.database.write() as session:
            people.erase(session, who)
            erasures.forget(
                session, sorted(erasures.tainted(session))
            )  # as the trainer does when they are off the disk

    def photo(self) -> None:
        self.number += 1
        known = replace(face(self.number, self.one(Person.id)), crop=f"photo{self.number}.".encode())
        unknown = replace(face(self.number + 1000), crop=f"stranger{self.number}.".encode())
        with self.database.write() as session:
            job = photos.add(session, "/photos", uploaded=False).id
            photos.add_photo(session, job, photo(f"{self.number}"), [known, unknown])

    def name_on_photos(self) -> None:
        who = self.need(self.one(Person.id, Person.enrolled))
        chosen = self.need(self.some(PhotoFace.id, most=2))
        self.add_to(who, lambda session, holder: photo_faces.say(session, chosen, who, holder))

    def unname(self) -> None:
        chosen = self.need(self.some(PhotoFace.id, most=2))
        self.database.retry(lambda session: photo_faces.say(session, chosen, None))

    def add_to(self, who: str, also: Callable[[Session, str], None]) -> None:
        self.number += 1
        _, enrollment_id, _ = capture(self.database, f"name{self.number}.", person_id=who)
        with self.database.write() as session:
            enrollment = enrollments.get(session, enrollment_id)
            corrections.added(session, enrollment, TERMS)
            also(session, enrollment_id)
            enrollments.close(session, enrollment)

    def fail(self) -> None:
        which = self.need(self.one(Enrollment.id, Enrollment.status == EnrollmentStatus.QUEUED))
        failed = EnrollmentStatus.FAILED
        self.database.retry(lambda session: enrollments.settle(session, [which], failed, code="head_worse", message=""))

    def give_up(self) -> None:
        which = self.need(self.one(Enrollment.id, Enrollment.status == EnrollmentStatus.FAILED))
        self.database.retry(lambda session: enrollments.withdraw(session, enrollments.get(session, which)))

    def drop_refused(self) -> None:
        with self.database.write() as session:
            for which in learned.refused(session):
                learned.drop_refused(session, which)
