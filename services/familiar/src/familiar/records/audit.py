"""The audit: who changed what, in the words of the database, which never changes a line and lets go old ones only.

A line tells no names, and of a person not even the id but a mark, which is the same in all lines and can be made of the
id but not the other way round. So whoever is erased leaves nothing that leads to them, and the name of somebody who is
still there is the one that they have today.
"""

import hashlib
import time
from collections.abc import Collection
from enum import StrEnum
from typing import Protocol

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from familiar.records import people
from familiar.records.people import Known
from familiar.records.schema import AuditEntry


class Action(StrEnum):
    """What somebody did."""

    PERSON_ENROLLED = "person_enrolled"
    PERSON_RENAMED = "person_renamed"
    PERSON_ERASED = "person_erased"
    SAMPLE_REMOVED = "sample_removed"
    SAMPLES_MOVED = "samples_moved"
    PERSON_SPLIT = "person_split"
    PEOPLE_MERGED = "people_merged"
    CORRECTION_UNDONE = "correction_undone"
    FEEDBACK_GIVEN = "feedback_given"
    FEEDBACK_WITHDRAWN = "feedback_withdrawn"
    LEARNED_TAKEN_BACK = "learned_taken_back"
    STRANGER_NAMED = "stranger_named"
    SIGHTING_ERASED = "sighting_erased"
    HEAD_ROLLED_BACK = "head_rolled_back"
    TRAINING_RETRIED = "training_retried"
    SITE_FORGOTTEN = "site_forgotten"
    FACES_NAMED = "faces_named"
    FACES_UNNAMED = "faces_unnamed"
    PHOTOS_REMOVED = "photos_removed"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"

    @property
    def is_of_a_person(self) -> bool:
        """Whether it was done to a person."""
        return self in (
            Action.PERSON_ENROLLED,
            Action.PERSON_RENAMED,
            Action.PERSON_ERASED,
            Action.SAMPLE_REMOVED,
            Action.SAMPLES_MOVED,
            Action.PERSON_SPLIT,
            Action.PEOPLE_MERGED,
            Action.CORRECTION_UNDONE,
            Action.STRANGER_NAMED,
            Action.FACES_NAMED,
            Action.FEEDBACK_GIVEN,
            Action.FEEDBACK_WITHDRAWN,
            Action.LEARNED_TAKEN_BACK,
        )


class Author(Protocol):
    """Who did it: by which key, None where none was asked for, and from which address, None at the machine itself."""

    @property
    def key_id(self) -> str | None:
        """The id of the key."""

    @property
    def address(self) -> str | None:
        """The address of the network."""


def note(session: Session, author: Author, action: Action, target: str | None = None) -> None:
    """Add a line, in the transaction of what it tells; ``target`` is an id, or a version in digits."""
    if target is not None and action.is_of_a_person:
        target = mark_of(target)
    session.add(
        AuditEntry(at=time.time(), key_id=author.key_id, address=author.address, action=action.value, target=target)
    )
    session.flush()


def mark_of(person_id: str) -> str:
    """Return what stands in the lines for a person, 32 hexadecimal digits."""
    return hashlib.sha256(f"audit:{person_id}".encode()).hexdigest()[:32]


def people_of(session: Session, lines: Collection[AuditEntry]) -> dict[str, Known]:
    """Return those people of whom lines tell, and who are still there, by their marks; who was merged is the other."""
    told = {line.target for line in lines if Action(line.action).is_of_a_person}
    if not told:
        return {}
    # Marks cannot be asked for: they are nowhere but in the lines. Those of 10,000 people take some milliseconds.
    marked = {mark: person_id for person_id in people.ids(session) if (mark := mark_of(person_id)) in told}
    meant = people.meant(session, marked.values())
    return {mark: meant[person_id] for mark, person_id in marked.items() if person_id in meant}


def shorten(session: Session, kept_s: float) -> int:
    """Delete the lines that are older than so many seconds, and return how many that were.

    Raises:
        DatabaseUnavailable: one of them is of the last 30 days, which the database does not let go.
    """
    old = AuditEntry.at < time.time() - kept_s
    count = session.scalar(select(func.count()).select_from(AuditEntry).where(old)) or 0
    if count:
        session.execute(delete(AuditEntry).where(old))
    return count


def newest(session: Session, limit: int, offset: int = 0) -> list[AuditEntry]:
    """Return lines, the newest first."""
    return list(session.scalars(select(AuditEntry).order_by(AuditEntry.id.desc()).limit(limit).offset(offset)))


def count(session: Session) -> int:
    """Return how many lines there are."""
    return session.scalar(select(func.count()).select_from(AuditEntry)) or 0
