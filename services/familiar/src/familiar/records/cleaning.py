"""Cleaning: removing from the database's files what has been deleted from its tables."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.orm import Session

from familiar.records import erasures
from familiar.records.engine import Database
from familiar.records.schema import Erasure

_ENDED = "ended-erasures"
"""Under this the files are cleaned of the ids of erasures that ended; one line for all of them."""


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
        if begun and not database.renew_indexes(patience_s):
            break
        # It is recorded as done only afterwards, or a crash here would leave what was deleted in the log for ever.
        if not database.scrub(patience_s) or not begun:
            break
        database.retry(partial(_end, begun))
        ended += [each.id for each in begun if each.id != _ENDED]
    return ended


def _end(begun: Sequence[Erasure], session: Session) -> None:
    erasures.end(session, begun)
    if any(each.id != _ENDED for each in begun):
        erasures.begin(session, _ENDED, in_heads=False)
