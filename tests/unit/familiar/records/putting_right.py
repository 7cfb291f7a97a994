"""What people put right, and what is left of whoever is deleted, in a database."""

from opinions import AUTHOR
from records_world import capture
from sqlalchemy import select

from familiar.records import (
    corrections,
    enrollments,
    erasures,
    people,
    quarantine,
    reversals,
    strangers,
)
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.schema import Base

TERMS = Terms(AUTHOR, 1000.0)


def do(database: Database, work) -> str:
    return database.retry(lambda session: work(session).id)


def merge(database: Database, into: str, other: str) -> str:
    return do(database, lambda session: corrections.merge(session, into, other, TERMS))


def move(database: Database, who: str, sample_ids: list[str], to: str | None) -> str:
    return do(database, lambda session: corrections.move(session, who, sample_ids, to, TERMS))


def split(database: Database, who: str, sample_ids: list[str], name: str) -> tuple[str, str]:
    with database.write() as session:
        row = corrections.split(session, who, sample_ids, name, TERMS)
        return row.id, row.to_person_id


def undo(database: Database, correction_id: str) -> None:
    database.retry(lambda session: reversals.undo(session, corrections.get(session, correction_id), AUTHOR))


def erase(database: Database, who: str) -> None:
    with database.write() as session:
        people.erase(session, who)
        erasures.forget(session, sorted(erasures.tainted(session)))


def tables_with(database: Database, needle: str) -> list[str]:
    """Return the tables in which a text, or its bytes, are anywhere."""
    found = []
    with database.read() as session:
        for table in Base.metadata.sorted_tables:
            if table.name != "erasures":
                values = [value for row in session.execute(select(table)) for value in row]
                if any(needle.encode() in (each if isinstance(each, bytes) else str(each).encode()) for each in values):
                    found.append(table.name)
    return found


def propose(database):
    with database.write() as session:
        quarantine.propose(session, 0.5, -1.0, 100, lambda _: 1.0)


def group(database: Database) -> str:
    with database.write() as session:
        stranger = strangers.begin(session)
        strangers.assign(session, dict.fromkeys(strangers.ungrouped(session, 1, 9), stranger))
    return stranger


def name(database: Database, stranger: str, who: str) -> str:
    """Say who a stranger is; return the correction."""
    _, enrollment_id, _ = capture(database, "", person_id=who)
    with database.write() as session:
        enrollment = enrollments.get(session, enrollment_id)
        added = corrections.added(session, enrollment, TERMS)
        strangers.name(session, stranger, who, enrollment_id)
        enrollments.close(session, enrollment)
        return added.id
