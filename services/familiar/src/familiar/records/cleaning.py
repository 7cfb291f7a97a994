"""Cleaning: removing from the database's files what has been deleted from its tables."""

from collections.abc import Sequence
from functools import partial

from sqlalchemy.orm import Session

from familiar.records import erasures
from familiar.records.engine import Database
from familiar.records.schema import Erasure

_PRUNED = frozenset({erasures.PRUNED_SIGHTINGS, erasures.PRUNED_FACES})
"""All day some of these are let go. What may stay of them is numbers that mean nothing any more, for which no file is
written anew."""


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
        if any(each.id not in _PRUNED for each in begun) and not database.rewrite(patience_s):
            break
        # It is recorded as done only afterwards, or a crash here would leave what was deleted in the log for ever.
        if not database.scrub(patience_s) or not begun:
            break
        database.retry(partial(_end, begun))
        ended += [each.id for each in begun if each.id != erasures.ENDED]
    return ended


def _end(begun: Sequence[Erasure], session: Session) -> None:
    erasures.end(session, begun)
    if any(each.id not in {*_PRUNED, erasures.ENDED} for each in begun):
        erasures.begin(session, erasures.ENDED, in_heads=False)
