"""The audit: who changed what, in the words of the database, which never changes a line and lets go old ones only.

A line tells ids and no names. So a person who is erased leaves an id that stands for nobody any more, and the name of
somebody who is still there is the one that they have today.
"""

import time
from enum import StrEnum
from typing import Protocol

from sqlalchemy import delete, func, select
from sqlalchemy.orm import Session

from familiar.records.schema import AuditEntry


class Action(StrEnum):
    """What somebody did."""

    PERSON_ENROLLED = "person_enrolled"
    PERSON_RENAMED = "person_renamed"
    PERSON_ERASED = "person_erased"
    SAMPLE_REMOVED = "sample_removed"
    HEAD_ROLLED_BACK = "head_rolled_back"
    TRAINING_RETRIED = "training_retried"
    SITE_FORGOTTEN = "site_forgotten"
    KEY_MADE = "key_made"
    KEY_REVOKED = "key_revoked"


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
    session.add(
        AuditEntry(at=time.time(), key_id=author.key_id, address=author.address, action=action.value, target=target)
    )
    session.flush()


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
