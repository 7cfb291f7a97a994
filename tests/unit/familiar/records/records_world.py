"""Captures, and head versions that know the people of them, written into a database as gateway and trainer would."""

import sqlite3
from pathlib import Path

import numpy as np

from familiar.knowing.head import Head
from familiar.records import enrollments, people, samples, trainings, versions
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus

VECTOR = np.ones(8, np.float32)


def capture(database: Database, name: str, person_id: str | None = None, frames: int = 2) -> tuple[str, str, list[str]]:
    """Return (person id, enrolment id, sample ids) of a capture that is open."""
    with database.write() as session:
        person = people.get(session, person_id) if person_id else people.add(session, name)
        enrollment = enrollments.open_one(session, person)
        taken = []
        for number in range(frames):
            verdict = enrollments.add_verdict(session, enrollment, f"{name} {number}", [])
            sample = samples.add(
                session, enrollment, verdict, crop=name.encode() * 9, vector=VECTOR, backbone_version=1, detector="d",
                quality={},
            )  # fmt: skip
            taken.append(sample.id)
        return person.id, enrollment.id, taken


def publish(database: Database, *person_ids: str, live: bool = True) -> int:
    """Return a new head version that knows these people."""
    head = Head(person_ids, np.stack([VECTOR] * len(person_ids)), np.full(len(person_ids), 0.9, np.float32))
    with database.write() as session:
        version = versions.issue(session, "head")
        versions.add_head(
            session, version, training_id=None, backbone_version=1, head=head, meta={}, status=HeadStatus.PUBLISHED,
            report={},
        )  # fmt: skip
        if live:
            versions.go_live(session, version)
    return version


def learn(database: Database, enrollment_id: str, *person_ids: str) -> int:
    """Close a capture and return the version that knows it first."""
    with database.write() as session:
        trainings.end(enrollments.close(session, enrollments.get(session, enrollment_id)), Stage.LIVE)
    version = publish(database, *person_ids)
    with database.write() as session:
        enrollments.settle(session, [enrollment_id], EnrollmentStatus.LIVE, head_version=version)
    return version


def remove(database: Database, person_id: str, sample_id: str) -> None:
    with database.write() as session:
        samples.remove(session, samples.get(session, person_id, sample_id))


def without_weights(database: Database) -> set[int]:
    with database.read() as session:
        return {row.version for row in versions.heads(session) if row.weights is None}


def read(reader: sqlite3.Connection) -> None:
    """Read, and go on seeing what is there at this moment."""
    reader.execute("BEGIN")
    reader.execute("SELECT * FROM samples").fetchall()


def contents(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())
