"""Cleaning: removing from the database's files what has been deleted from its tables."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.orm import Session

from familiar.errors import DatabaseUnavailable
from familiar.records import erasures, faults
from familiar.records.engine import Database
from familiar.records.schema import Erasure

_PRUNED = frozenset({erasures.PRUNED_SIGHTINGS, erasures.PRUNED_FACES})
"""All day some of these are let go. What may stay of them is numbers that mean nothing any more, for which no file is
written anew."""

_REWRITTEN_BYTES = 128_000_000
"""A larger file is not written anew when somebody is erased: it would keep others from writing for about a second."""


def clean(database: Database, also: Sequence[str] = (), patience_s: float = 0.2) -> list[str]:
    """Clean the database's files, and end the erasures for which that was all there was to do; return their ids.

    ``also`` are the ids of erasures of which nothing is left but that. While somebody else writes or reads for longer
    than ``patience_s``, nothing ends: what was deleted is still in the files.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    ended: list[str] = []
    for _ in range(2):  # of what was deleted, and then of the ids under which that was recorded
        with database.read() as session:
            begun = erasures.begun(session, also)
        if any(each.id not in _PRUNED for each in begun) and not rewrite(database, patience_s):
            break
        # It is recorded as done only afterwards, or a crash here would leave what was deleted in the log for ever.
        if not database.scrub(patience_s) or not begun:
            break
        database.retry(partial(_end, begun))
        ended += [each.id for each in begun if each.id != erasures.ENDED]
    return ended


def rewrite(database: Database, patience_s: float = 0.2) -> bool:
    """Write SQLite's file anew, without what was deleted from its tables; tell whether that is done.

    A row is blanked where it is when it is deleted. Where it was before SQLite moved it, to fill pages evenly, a copy
    may have stayed, in what counts as free of that page. Of a file that is too large to be written anew while others
    wait, or for which there is no room a second time, only the indexes are; most copies stay there. While another
    connection reads or writes for longer than ``patience_s`` it cannot be done.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    if database.file is None:
        return True
    if not database.scrub(patience_s):
        return False  # nothing of the log would go; it would only become longer, once a try
    disk = database.disk()
    if disk.taken_bytes <= _REWRITTEN_BYTES and (disk.free_bytes or 0) >= 3 * disk.taken_bytes:
        try:
            return database.patiently("VACUUM", patience_s) is not None
        except DatabaseUnavailable as exc:
            if exc.code not in (faults.FULL.code, faults.UNREADABLE.code):
                raise  # the others tell that there was no room where SQLite puts the second copy for the moment
    return database.patiently("REINDEX", patience_s) is not None


def _end(begun: Sequence[Erasure], session: Session) -> None:
    erasures.end(session, begun)
    if any(each.id not in {*_PRUNED, erasures.ENDED} for each in begun):
        erasures.begin(session, erasures.ENDED, in_heads=False)
