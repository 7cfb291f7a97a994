"""Grouping: which unknown sightings are of one stranger, as they come, under ids that stay.

What is new is grouped together with all sightings of the strangers whom it is near, by average linkage, so that it
joins one, brings two together, shows that one was two, or is somebody new. One round is one transaction.
"""

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.cluster.hierarchy import fcluster, linkage
from scipy.spatial.distance import squareform
from sqlalchemy.orm import Session

from familiar.records import Database, sightings, strangers, versions
from familiar_trainer import crash_points

_log = logging.getLogger(__name__)
Float32 = NDArray[np.float32]

SAME_STRANGER = 0.002
"""Two strangers are as alike as this share of pairs before two groups are taken for one; docs/evaluation.md has what
that gives."""
_AT_ONCE = 100
_MOST_MEMBERS = 1_000


def grouped(rows: Float32, alike: float) -> NDArray[np.intp]:
    """Return int[N]: the group, from 0, of each of ``rows`` float32[N, D], L2-normalised.

    Two groups become one as long as their members are as alike as ``alike``, a cosine, on average: average linkage (R.
    R. Sokal and C. D. Michener, 1958).
    """
    if len(rows) < 2:
        return np.zeros(len(rows), np.intp)
    apart = np.clip(1 - rows @ rows.T, 0, 2).astype(np.float64)
    np.fill_diagonal(apart, 0)
    tree = linkage(squareform(apart, checks=False), "average")
    return np.asarray(fcluster(tree, 1 - alike, "distance") - 1, np.intp)


@dataclass(frozen=True)
class Renaming:
    """Who is who after a grouping.

    Attributes:
        kept: the name that each group keeps, by group; the others are new.
        merged: those whose name no group keeps, each with the group that has most of theirs.
        split: rows that left a name which another group keeps: their group, that name, and how many there are.
    """

    kept: Mapping[int, str]
    merged: Mapping[str, int]
    split: Sequence[tuple[int, str, int]]


def rename(groups: Sequence[int], names: Sequence[str | None]) -> Renaming:
    """Return who is who, from the group and the name before of each row; the names of new rows are None.

    A name stays where most of its rows are. Of two who want one group the one with more rows there has it, of two with
    as many the first by name.
    """
    shares: dict[tuple[str, int], int] = {}
    for group, name in zip(groups, names, strict=True):
        if name is not None:
            shares[name, group] = shares.get((name, group), 0) + 1
    by_share = sorted(shares, key=lambda pair: (-shares[pair], pair))
    kept: dict[int, str] = {}
    for name, group in by_share:
        if group not in kept and name not in kept.values():
            kept[group] = name
    mostly = dict(reversed(by_share))
    merged = {name: group for name, group in mostly.items() if name not in kept.values()}
    left = [(group, name, shares[name, group]) for name, group in by_share if name not in (*merged, kept.get(group))]
    return Renaming(kept, merged, left)


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
