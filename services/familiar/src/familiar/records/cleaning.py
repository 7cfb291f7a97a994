"""Cleaning: removing from the database's files what has been deleted from its tables."""

from collections.abc import Sequence

from familiar.records import erasures
from familiar.records.engine import Database


def clean(database: Database, also: Sequence[str] = (), patience_s: float = 0.2) -> list[str]:
    """Empty the database's log, and end the erasures for which that was all there was to do; return their ids.

    ``also`` are the ids of erasures of which nothing is left but that. While somebody else reads, for longer than
    ``patience_s``, nothing ends: what was deleted is still in the files.

    Raises:
        DatabaseUnavailable: the database does not answer.
    """
    with database.read() as session:
        gone = [*erasures.open_ones(session, in_heads=False), *also]
    # It is recorded as done only afterwards, or a crash here would leave what was deleted in the log for ever.
    if not database.scrub(patience_s) or not gone:
        return []
    database.retry(lambda session: erasures.end(session, gone))
    return gone
