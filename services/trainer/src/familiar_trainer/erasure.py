"""Erasure: after somebody was deleted, remove them from every head version on disk and from the database's files."""

import logging

from familiar.records import Database, trainings, versions
from familiar_trainer import crash_points
from familiar_trainer.shelf import HeadShelf

_log = logging.getLogger(__name__)


def complete(database: Database, shelf: HeadShelf) -> list[str]:
    """Remove from the models all deleted people whom the live head no longer holds; return their ids.

    Nothing happens while a training is under way, because it may have read somebody who was deleted since; it will
    find out before its head goes live, and whoever is left is removed afterwards.
    """
    with database.read() as session:
        pending = set(versions.pending_erasures(session))
        live = versions.live_head(session)
        if not pending or live is None or trainings.under_way(session):
            return []
        gone = pending.difference(live.person_ids)
        holding = [version for version, held in versions.with_erased(session).items() if held & gone]
    if not gone:
        return []
    shelf.remove(holding)
    shelf.sweep()
    crash_points.reached(crash_points.REMOVED)
    # Before it is recorded as done, or a crash here would leave the rows in the write-ahead log for ever.
    database.scrub()
    database.retry(lambda session: versions.forget(session, sorted(gone)))
    crash_points.reached(crash_points.FORGOTTEN)
    database.scrub()
    _log.info("%d deleted people are gone from all models; %d head versions held them", len(gone), len(holding))
    return sorted(gone)
