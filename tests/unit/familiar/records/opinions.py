"""Sightings of somebody, and what is said of them, as a gateway and a trainer write it."""

import dataclasses

from seen import face, keep, seen
from sqlalchemy import select
from sqlalchemy.orm import undefer

from familiar.records import (
    Origin,
    Verdict,
    feedback,
    learned,
    locked_cases,
    people,
    quarantine,
    sightings,
)
from familiar.records.schema import QuarantinedFace, Sample


@dataclasses.dataclass(frozen=True)
class Somebody:
    key_id: str | None = None
    address: str | None = None


AUTHOR = Somebody()


def person(database, name):
    with database.write() as session:
        row = people.add(session, name)
        row.enrolled = True
        return row.id


def sighting(database, number=1, **more):
    keep(database, seen(number, request=f"r{number}", **more))
    with database.read() as session:
        return feedback.face_of_request(session, f"r{number}", 0)[0].id


def say(database, sighting_id, verdict, person_id=None):
    def give(session):
        kept = feedback.keep(session, *feedback.face_of_sighting(session, sighting_id, 0))
        return feedback.give(session, kept, Verdict(verdict), person_id, AUTHOR)

    return database.retry(give)


def withdraw(database, feedback_id):
    return database.retry(lambda session: feedback.withdraw(session, feedback_id, AUTHOR))


def see(database, number=1, version=1):
    """Have the backbone see all faces, as the face of that number."""
    with database.write() as session:
        ids = list(session.scalars(select(QuarantinedFace.id)))
        quarantine.see(session, version, {each: face(number) for each in ids})


def cases(database):
    with database.read() as session:
        return [(case.id, case.person_id) for case in locked_cases.in_force(session, 1)]


def faces(database):
    with database.read() as session:
        return session.scalars(select(QuarantinedFace).options(undefer(QuarantinedFace.crop))).all()


def learn(database, origin=Origin.CONFIRMED, whose=None):
    with database.write() as session:
        return learned.learn(session, learned.confirmed(session) if whose is None else whose, origin)


def all_samples(database):
    with database.read() as session:
        return session.scalars(select(Sample).order_by(Sample.id)).all()


def whose(database, sighting_id):
    with database.read() as session:
        return sightings.get(session, sighting_id).person_id
