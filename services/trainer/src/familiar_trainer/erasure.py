"""Erasure: after something was deleted, remove every head made of it from disk, and all of it from the files."""

import logging

from familiar.records import Database, clean, erasures, trainings, versions
from familiar_trainer import crash_points
from familiar_trainer.shelf import HeadShelf

_log = logging.getLogger(__name__)


def complete(database: Database, shelf: HeadShelf) -> list[str]:
    """Remove what traces are left of people, samples and captures that were deleted; return the ids of those without.

    Heads stay while a training is under way, because it may have read something that was deleted since; it will find
    out before its head goes live, and what is left is removed afterwards. The live one serves until another one does.
    As long as a reader keeps the database's log from being emptied, nothing counts as erased.
    """
    with database.read() as session:
        if not erasures.open_ones(session):
            return []
        live, tainted = versions.live_head(session), erasures.tainted(session)
        doomed: list[int] = []
        learned: list[str] = []
        if live is not None and not trainings.under_way(session):
            doomed = sorted(tainted - {live.version})
            learned = [] if live.version in tainted else erasures.open_ones(session, in_heads=True)
    if doomed or learned:
        shelf.remove(doomed)
        shelf.sweep()
        crash_points.reached(crash_points.REMOVED)
        database.retry(lambda session: erasures.forget(session, doomed))
    gone = clean(database, learned)
    if gone:
        crash_points.reached(crash_points.FORGOTTEN)
        _log.info("%d deletions have left no trace; %d head versions were made of what is gone", len(gone), len(doomed))
    return sorted(gone)
