"""Faults: what a database says of itself when it cannot answer, in our words: the cause, and what to do about it."""

import sqlite3
from dataclasses import dataclass

from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft

from familiar.errors import DatabaseUnavailable


@dataclass(frozen=True)
class Fault:
    """One cause: a stable ``code``, a ``sentence`` for whoever asked, and a ``remedy`` for who runs the system.

    ``lasts`` tells whether the next request will meet it too, so that it concerns more than the one that found it.
    """

    code: str
    sentence: str
    remedy: str
    lasts: bool = False


AWAY = Fault(
    code="database_unavailable",
    sentence="the database does not answer",
    remedy="see whether it runs and can be reached",
)
REFUSED = Fault(
    code="database_unavailable",
    sentence="the database refused the change",
    remedy="its own log says why",
)
BUSY = Fault(
    code="busy",
    sentence="the database is busy",
    remedy="another process holds it; if that lasts, find out which one",
)
DAMAGED = Fault(
    code="database_damaged",
    sentence="the database is damaged",
    remedy="stop the system, keep a copy of the file, and restore a backup (docs/operations.md)",
    lasts=True,
)
FULL = Fault(
    code="disk_full",
    sentence="there is no room for the database to grow",
    remedy="make room on its disk; the system goes on by itself",
    lasts=True,
)
UNREADABLE = Fault(
    code="database_unavailable",
    sentence="the database cannot be read or written",
    remedy="look after its disk: whether it is mounted, whose it is, whether it is well",
    lasts=True,
)

_OF_SQLITE = {
    sqlite3.SQLITE_BUSY: BUSY,
    sqlite3.SQLITE_LOCKED: BUSY,
    sqlite3.SQLITE_CORRUPT: DAMAGED,
    sqlite3.SQLITE_NOTADB: DAMAGED,
    sqlite3.SQLITE_FORMAT: DAMAGED,
    sqlite3.SQLITE_FULL: FULL,
    sqlite3.SQLITE_IOERR: UNREADABLE,
    sqlite3.SQLITE_CANTOPEN: UNREADABLE,
    sqlite3.SQLITE_PERM: UNREADABLE,
    sqlite3.SQLITE_READONLY: UNREADABLE,
}
"""By primary result code; an extended one has it in its lowest byte."""

_OF_POSTGRESQL = {
    "53100": FULL,
    "53300": BUSY,  # too many connections
    "55P03": BUSY,  # a lock was not to be had in time
    "58030": UNREADABLE,  # I/O error
    "XX001": DAMAGED,
    "XX002": DAMAGED,  # an index
}

_TO_BE_REPEATED = ("40001", "40P01")
"""PostgreSQL's serialisation failure and deadlock: somebody else was served first."""


def fault_of(error: SQLAlchemyError) -> Fault:
    """Return what is the matter."""
    if isinstance(error, NoConnectionLeft):
        return BUSY
    original = error.orig if isinstance(error, DBAPIError) else None
    number = getattr(original, "sqlite_errorcode", None)
    if number is not None and (number & 0xFF) in _OF_SQLITE:
        return _OF_SQLITE[number & 0xFF]
    if (known := _OF_POSTGRESQL.get(getattr(original, "sqlstate", None) or "")) is not None:
        return known
    return REFUSED if isinstance(error, IntegrityError) else AWAY


def worth_repeating(error: BaseException | None) -> bool:
    """Whether a transaction failed because another one came first, and may succeed at once when done again."""
    if not isinstance(error, DBAPIError) or error.connection_invalidated:
        return False
    return isinstance(error, IntegrityError) or getattr(error.orig, "sqlstate", None) in _TO_BE_REPEATED


def unavailable(fault: Fault, where: str, remark: str = "") -> DatabaseUnavailable:
    """Return the error to raise; ``where`` names the database, ``remark`` what it said itself."""
    return DatabaseUnavailable(fault.sentence, code=fault.code, where=where, remark=remark, remedy=fault.remedy)
