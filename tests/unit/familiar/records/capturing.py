"""Captures of people of whom nothing is known but a name, and heads that know them, for the tests of records."""

import numpy as np

from familiar.knowing.embedding import normalise
from familiar.knowing.head import Head
from familiar.records import enrollments, people, samples, versions
from familiar.records.engine import Database

CROP = b"the bytes of a crop" * 40
VECTOR = normalise(np.random.default_rng(7).normal(size=128).astype(np.float32))


def captured(database: Database, name: str, frames: int = 3, key: str | None = None) -> tuple[str, str]:
    """Return (person id, enrolment id) of a capture with so many accepted frames."""
    with database.write() as session:
        person = people.add(session, name)
        enrollment = enrollments.open_one(session, person, key)
        for number in range(frames):
            verdict = enrollments.add_verdict(session, enrollment, f"{name}-{number}", [])
            samples.add(
                session, enrollment, verdict, crop=CROP, vector=VECTOR, backbone_version=1, detector="d", quality={}
            )
        return person.id, enrollment.id


def closed(database: Database, name: str) -> tuple[str, str, str]:
    """Return (person id, enrolment id, training id) of a capture that was finished."""
    person_id, enrollment_id = captured(database, name)
    with database.write() as session:
        training = enrollments.close(session, enrollments.get(session, enrollment_id))
        return person_id, enrollment_id, training.id


def add_head(database: Database, version: int, *person_ids: str) -> None:
    """Record a head that knows these people."""
    head = Head(person_ids, np.stack([VECTOR] * len(person_ids)), np.full(len(person_ids), 0.9, np.float32))
    report = {person_id: {"nearest": person_ids[0]} for person_id in person_ids}
    with database.write() as session:
        versions.add_head(
            session, version, training_id=None, backbone_version=1, head=head, meta={}, status="published",
            report=report,
        )  # fmt: skip
