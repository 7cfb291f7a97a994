"""Grouping: which unknown sightings are of one stranger, as they come, under ids that stay.

What is new is grouped together with all sightings of the strangers whom it is near, by average linkage, so that it
joins one, brings two together, shows that one was two, or is somebody new. One round is one transaction.
"""

import logging
from collections.abc import Callable

import numpy as np
from sqlalchemy.orm import Session

from familiar.records import Database, sightings, strangers, versions
from familiar_trainer import crash_points
from familiar_trainer.linkage import grouped, rename

_log = logging.getLogger(__name__)

SAME_STRANGER = 0.002
"""Two strangers are as alike as this share of pairs before two groups are taken for one; docs/evaluation.md has what
that gives."""
_AT_ONCE = 100
_MOST_MEMBERS = 1_000


def group_strangers(database: Database, alike: Callable[[int], float]) -> int:
    """Group unknown sightings that are of no stranger yet, some at a time; return how many.

    ``alike`` returns for a backbone version the cosine from which two are taken for one.
    """
    with database.read() as session:
        live = versions.live_head(session)
        if live is None or not strangers.ungrouped(session, live.backbone_version, 1):
            return 0
    version = live.backbone_version
    enough = alike(version)
    return database.retry(lambda session: _round(session, version, enough))


def _round(session: Session, version: int, enough: float) -> int:
    sightings.take_turns(session)
    new = strangers.ungrouped(session, version, _AT_ONCE)
    if not new:
        return 0
    rows = np.stack(list(new.values()))
    near = strangers.near(session, rows, enough, version)
    known = strangers.members(session, near, version, _MOST_MEMBERS)
    ids = [*known, *new]
    names = [*(stranger_id for stranger_id, _ in known.values()), *[None] * len(new)]
    groups = grouped(np.stack([*(vector for _, vector in known.values()), *new.values()]), enough).tolist()
    told = rename(groups, names)
    name_of = {group: told.kept.get(group) or strangers.begin(session) for group in set(groups)}
    for group, before, count in told.split:
        strangers.note(session, strangers.Change.SPLIT, name_of[group], before, count)
    moved = {
        each: name_of[group] for each, group, name in zip(ids, groups, names, strict=True) if name != name_of[group]
    }
    strangers.assign(session, moved)
    crash_points.reached(crash_points.GROUPED)
    for before, group in told.merged.items():
        strangers.merge(session, before, name_of[group])
    sightings.drop_bare_strangers(session)
    return len(new)
