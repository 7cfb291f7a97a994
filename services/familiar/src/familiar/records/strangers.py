"""Strangers in the database: unknown sightings that look like one person, under an id that stays as long as they do.

A stranger who goes into another one leaves the id behind, so that whoever has it is told where to look.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from sqlalchemy import ColumnElement, delete, func, or_, select, update
from sqlalchemy.orm import Session

from familiar.errors import NotFound
from familiar.knowing import from_blob
from familiar.records import person as rules
from familiar.records import sightings
from familiar.records.engine import MOST_VARIABLES
from familiar.records.schema import Sighting, SightingCrop, Stranger, StrangerChange
from familiar.records.sightings import Float32


class Change(StrEnum):
    """What became of a stranger."""

    MERGED = "merged"
    """It went into the other one."""
    SPLIT = "split"
    """It came out of the other one."""


@dataclass(frozen=True)
class StrangerSummary:
    """A stranger with what is known of them; ``crop`` names their best one, by sighting and position."""

    id: str
    created_at: float
    sightings: int
    frames: int
    first_at: float
    last_at: float
    crop: tuple[str, int] | None


def _open(backbone_version: int) -> ColumnElement[bool]:
    """Return what is true of unknown sightings that this backbone version has seen."""
    return Sighting.person_id.is_(None) & (Sighting.backbone_version == backbone_version)


def ungrouped(session: Session, backbone_version: int, limit: int) -> dict[str, Float32]:
    """Return the first unknown sightings that are of no stranger yet, by id, with their embeddings float32[D]."""
    query = select(Sighting.id, Sighting.vector).where(_open(backbone_version), Sighting.stranger_id.is_(None))
    rows = session.execute(query.order_by(Sighting.kept_at, Sighting.id).limit(limit))
    return {row.id: from_blob(row.vector) for row in rows}


def near(session: Session, rows: Float32, least: float, backbone_version: int, batch: int = 5_000) -> set[str]:
    """Return the strangers with a sighting as like as ``least``, a cosine, to one of ``rows`` float32[N, D]."""
    grouped = Sighting.stranger_id.is_not(None)
    query = select(Sighting.stranger_id, Sighting.vector).where(_open(backbone_version), grouped)
    found: set[str] = set()
    for part in session.execute(query).partitions(batch):
        likeness = np.stack([from_blob(row.vector) for row in part]) @ rows.T
        found.update(part[place].stranger_id for place in np.flatnonzero(likeness.max(axis=1) >= least))
    return found


def members(
    session: Session, stranger_ids: Collection[str], backbone_version: int, most: int
) -> dict[str, tuple[str, Float32]]:
    """Return the newest ``most`` sightings of strangers: by id that of the stranger, and the embedding float32[D]."""
    query = select(Sighting.id, Sighting.stranger_id, Sighting.vector).where(
        _open(backbone_version), Sighting.stranger_id.in_(stranger_ids)
    )
    rows = session.execute(query.order_by(Sighting.kept_at.desc(), Sighting.id).limit(most))
    return {row.id: (row.stranger_id, from_blob(row.vector)) for row in rows}


def how_many(session: Session) -> int:
    """Return how many strangers there are who have not gone into others."""
    return session.scalar(select(func.count()).select_from(Stranger).where(Stranger.into_id.is_(None))) or 0


def begin(session: Session) -> str:
    """Return the id of a new stranger."""
    row = Stranger(id=rules.new_id(), created_at=time.time())
    session.add(row)
    session.flush()
    return row.id


def assign(session: Session, of: Mapping[str, str]) -> None:
    """Say of which strangers sightings are: ids of strangers by those of sightings."""
    by_stranger: dict[str, list[str]] = {}
    for sighting_id, stranger_id in of.items():
        by_stranger.setdefault(stranger_id, []).append(sighting_id)
    for stranger_id, ids in by_stranger.items():
        for start in range(0, len(ids), MOST_VARIABLES):
            some = Sighting.id.in_(ids[start : start + MOST_VARIABLES])
            session.execute(update(Sighting).where(some).values(stranger_id=stranger_id))


def merge(session: Session, stranger_id: str, into_id: str) -> None:
    """Let a stranger go into another one, with all sightings that are left, and record it."""
    left = session.execute(update(Sighting).where(Sighting.stranger_id == stranger_id).values(stranger_id=into_id))
    row = session.get_one(Stranger, stranger_id)
    row.into_id, row.ended_at = into_id, time.time()
    note(session, Change.MERGED, stranger_id, into_id, left.rowcount)  # type: ignore[attr-defined]


def note(session: Session, change: Change, stranger_id: str, other_id: str, count: int) -> None:
    """Record what became of a stranger, and with how many sightings."""
    line = StrangerChange(at=time.time(), kind=change, stranger_id=stranger_id, other_id=other_id, sightings=count)
    session.add(line)
    session.flush()


def get(session: Session, stranger_id: str) -> StrangerSummary:
    """Return a stranger.

    Raises:
        NotFound: there is none with that id (any more); ``details.merged_into`` says where the sightings are now.
    """
    found = _summaries(session, Stranger.id == stranger_id, least=1, limit=1, offset=0)
    if found:
        return found[0]
    into = _successor(session, stranger_id)
    details = {} if into is None else {"merged_into": into}
    raise NotFound(f"there is no stranger {stranger_id}", code="stranger_not_found", **details)


def page(session: Session, least: int, limit: int, offset: int) -> tuple[list[StrangerSummary], int]:
    """Return strangers with ``least`` sightings or more, the last one seen first, and how many there are."""
    groups = select(Sighting.stranger_id).where(Sighting.stranger_id.is_not(None)).group_by(Sighting.stranger_id)
    many = groups.having(func.count() >= least).subquery()
    total = session.scalar(select(func.count()).select_from(many)) or 0
    return _summaries(session, Stranger.id.is_not(None), least, limit, offset), total


def changes(session: Session, stranger_id: str) -> list[StrangerChange]:
    """Return what went into a stranger or came out of it, the newest first."""
    told = or_(StrangerChange.stranger_id == stranger_id, StrangerChange.other_id == stranger_id)
    return list(session.scalars(select(StrangerChange).where(told).order_by(StrangerChange.id.desc())))


def name(session: Session, stranger_id: str, person_id: str, enrollment_id: str) -> None:
    """Say that a stranger is the person of an enrolment: the sightings are theirs now, and the stranger is gone.

    Raises:
        NotFound: there is no such stranger (any more).
    """
    sightings.take_turns(session)
    get(session, stranger_id)
    sightings.name(session, sightings.Wanted(stranger_id=stranger_id), person_id, enrollment_id)
    told = or_(StrangerChange.stranger_id == stranger_id, StrangerChange.other_id == stranger_id)
    session.execute(delete(StrangerChange).where(told))
    session.execute(delete(Stranger).where(or_(Stranger.id == stranger_id, Stranger.into_id == stranger_id)))
    session.flush()


def _successor(session: Session, stranger_id: str) -> str | None:
    """Return whom a stranger has gone into, and so on to the end; None if there is nobody."""
    seen = {stranger_id}
    row = session.get(Stranger, stranger_id)
    while row is not None and row.into_id is not None and row.into_id not in seen:
        seen.add(row.into_id)
        row = session.get(Stranger, row.into_id)
    return row.id if row is not None and row.id != stranger_id and row.into_id is None else None


def _summaries(
    session: Session, chosen: ColumnElement[bool], least: int, limit: int, offset: int
) -> list[StrangerSummary]:
    count, last_at = func.count(Sighting.id), func.max(Sighting.last_at)
    query = (
        select(
            Stranger.id, Stranger.created_at, count, func.sum(Sighting.frames), func.min(Sighting.captured_at), last_at
        )
        .join(Sighting, Sighting.stranger_id == Stranger.id)
        .where(chosen)
        .group_by(Stranger.id, Stranger.created_at)
        .having(count >= least)
        .order_by(last_at.desc(), Stranger.id)
        .limit(limit)
        .offset(offset)
    )
    rows = session.execute(query).all()
    best = _best_crops(session, [row[0] for row in rows])
    return [StrangerSummary(*row, best.get(row[0])) for row in rows]


def _best_crops(session: Session, stranger_ids: Sequence[str]) -> dict[str, tuple[str, int]]:
    place = func.row_number().over(
        partition_by=Sighting.stranger_id, order_by=(SightingCrop.weight.desc(), SightingCrop.sighting_id)
    )
    ranked = (
        select(Sighting.stranger_id, SightingCrop.sighting_id, SightingCrop.position, place.label("place"))
        .join(Sighting, Sighting.id == SightingCrop.sighting_id)
        .where(Sighting.stranger_id.in_(stranger_ids))
        .subquery()
    )
    rows = session.execute(select(ranked).where(ranked.c.place == 1))
    return {row.stranger_id: (row.sighting_id, row.position) for row in rows}
