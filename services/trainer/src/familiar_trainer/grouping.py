"""Grouping: which unknown sightings are of one stranger, as they come, under ids that stay.

What is new is grouped together with all sightings of the strangers whom it is near, by average linkage and a second
look, so that it joins one, brings two together, shows that one was two, or is somebody new. One round is one
transaction.
"""

from collections.abc import Callable, Sequence

import numpy as np
from sqlalchemy.orm import Session

from familiar.learning import Cohort
from familiar.records import Database, sightings, strangers, versions
from familiar_trainer import crash_points
from familiar_trainer.linkage import Float32, grouped, rename
from familiar_trainer.reunion import Groups, drawn, reunited

SAME_STRANGER = 0.002
"""Two strangers are as alike as this share of pairs before two groups are taken for one at the first look;
docs/evaluation.md has what that gives."""
TAKEN = 0.002
"""At the second look no more than this share of people who come by would be taken for a stranger who is known."""
STAYING = 10
"""What is one stranger stays one while no more than so many times that share would be: what the second look brings
together does not come apart at the next sighting that is a little different."""
AT_ONCE = 100
_MOST_MEMBERS = 1_000


def group_strangers(database: Database, cohort_of: Callable[[int], Cohort], at_once: int = AT_ONCE) -> int:
    """Group unknown sightings that are of no stranger yet, ``at_once`` at most; return how many.

    ``cohort_of`` returns what strangers are like before a backbone version.
    """
    with database.read() as session:
        live = versions.live_head(session)
        if live is None or not strangers.ungrouped(session, live.backbone_version, 1):
            return 0
    version = live.backbone_version
    cohort = drawn(cohort_of(version))  # before the others wait
    cohort.alike(SAME_STRANGER)
    return database.retry(lambda session: _round(session, version, cohort, at_once))


def looked_at(rows: Float32, names: Sequence[str | None], cohort: Cohort, among: int) -> Groups:
    """Return int[N]: the group of each of ``rows`` float32[N, D] of unknown people, L2-normalised.

    Args:
        rows: by the backbone that ``cohort`` belongs to.
        names: who each was found to be before; None for new ones.
        cohort: what strangers are like; if it is not fitted, one look has to do.
        among: how many strangers there are, whose sightings may be elsewhere.
    """
    first = grouped(rows, cohort.alike(SAME_STRANGER))
    return reunited(rows, _staying(rows, first, names, cohort, among), cohort, TAKEN, among)


def _staying(rows: Float32, groups: Groups, names: Sequence[str | None], cohort: Cohort, among: int) -> Groups:
    """Return ``groups`` with those joined that would come out of a stranger, but are like the rest of it."""
    told = rename(groups.tolist(), names)
    keeps = {name: group for group, name in told.kept.items()}
    parts: dict[int, int] = {}
    for group, name, _ in told.split:  # those with most of somebody's first
        if group not in told.kept:
            parts.setdefault(group, keeps[name])
    groups = groups.copy()
    for whole in sorted(set(parts.values())):
        mine = np.isin(groups, [whole, *(part for part, rest in parts.items() if rest == whole)])
        groups[mine] = groups.max() + 1 + reunited(rows[mine], groups[mine], cohort, STAYING * TAKEN, among)
    return groups


def _round(session: Session, version: int, cohort: Cohort, at_once: int) -> int:
    sightings.take_turns(session)
    new = strangers.ungrouped(session, version, at_once)
    if not new:
        return 0
    rows = np.stack(list(new.values()))
    near = strangers.near(session, rows, cohort.alike(SAME_STRANGER), version)
    known = strangers.members(session, near, version, _MOST_MEMBERS)
    ids = [*known, *new]
    names = [*(stranger_id for stranger_id, _ in known.values()), *[None] * len(new)]
    rows = np.stack([*(vector for _, vector in known.values()), *new.values()])
    groups = looked_at(rows, names, cohort, strangers.how_many(session)).tolist()
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
