"""The quarantine in the database: faces of sightings that may be learned, or that somebody has said something of.

A face is copied from its sighting, so that it stays when the sighting is pruned; one of a sighting at most waits there.
Ids of people may be those of somebody merged since: ``people.meant`` says whom they mean.
"""

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, func, or_, select, update
from sqlalchemy.orm import Session, undefer

from familiar.errors import NotFound
from familiar.knowing import Float32, Status, from_blob, to_blob
from familiar.records import disputes, erasures, letting_go, people, sightings
from familiar.records.engine import MOST_VARIABLES
from familiar.records.letting_go import UNSAID, UNSPOKEN
from familiar.records.person import new_id
from familiar.records.schema import QuarantinedFace, Sample, Sighting, SightingCrop
from familiar.records.verdict import Standing

MOST_WAITING = 500
"""Faces that nobody has said anything of; more would be looked at by nobody."""
_DAY_S = 86_400.0


@dataclass(frozen=True)
class Face:
    """A face in quarantine as the policy looks at it.

    ``vector`` is float32[D], ``day`` counts from 1970, in UTC; ``agreeing`` is how many frames named the person,
    ``disagreeing`` how many named somebody else.
    """

    id: str
    sighting_id: str
    person_id: str
    vector: Float32
    day: int
    frames: int
    agreeing: int
    disagreeing: int
    quality: Mapping[str, float]


def take_in(
    session: Session,
    crop: SightingCrop,
    sighting: Sighting,
    named_id: str | None,
    *,
    proposed: bool,
    disagreeing: int = 0,
) -> str:
    """Copy a face of a sighting, if it is not there yet, and return its id; ``named_id`` is whom it is taken for.

    One that is ``proposed`` may be learned without anybody having said something, unless frames are ``disagreeing``.
    """
    its = (QuarantinedFace.sighting_id == sighting.id) & (QuarantinedFace.position == crop.position)
    there = session.scalars(select(QuarantinedFace).where(its)).first()
    if there is not None:
        return there.id
    row = QuarantinedFace(
        id=new_id(),
        sighting_id=sighting.id,
        position=crop.position,
        named_id=named_id,
        score=sighting.score,
        frames=sighting.frames,
        agreeing=sighting.agreeing if sighting.status == Status.KNOWN else 0,
        disagreeing=disagreeing,
        day=int(sighting.kept_at // _DAY_S),
        captured_at=crop.captured_at,
        quality=dict(crop.quality),
        crop=crop.crop,
        created_at=time.time(),
        proposed=proposed,
        standing=Standing.WAITING,
    )
    session.add(row)
    session.flush()
    return row.id


def propose(session: Session, least_score: float, still_s: float, limit: int, alike: Callable[[int], float]) -> int:
    """Take in the best faces of sightings that are over; return how many.

    Those of people who were named, and of the unknown whom they are like, from ``least_score`` on. A sighting is over
    when it was begun ``still_s`` ago, in seconds. ``alike`` returns for a backbone version the cosine from which two
    faces before one camera are taken for one.
    """
    room = min(limit, MOST_WAITING - waiting(session))
    if room <= 0:
        return 0
    seen = select(QuarantinedFace.id).where(QuarantinedFace.sighting_id == Sighting.id).exists()
    named = (Sighting.status == Status.KNOWN) & Sighting.person_id.is_not(None)
    query = select(Sighting).where(
        ~seen, Sighting.named_at.is_(None), Sighting.kept_at < time.time() - still_s,
        named | (Sighting.person_id.is_(None) & (Sighting.score >= least_score)),
    )  # fmt: skip
    rows = list(session.scalars(query.order_by(Sighting.kept_at, Sighting.id).limit(room)))
    best = sightings.crops(session, [row.id for row in rows], pictures=True)
    count = 0
    for row in rows:
        named_id = row.person_id or (row.candidates[0][0] if row.candidates else None)
        if named_id is not None and best[row.id]:
            disagreeing = disputes.frames(session, row, named_id, alike)
            take_in(session, best[row.id][0], row, named_id, proposed=True, disagreeing=disagreeing)
            count += 1
    return count


def get(session: Session, face_id: str) -> QuarantinedFace:
    """Return a face in quarantine.

    Raises:
        NotFound: there is none with that id (any more).
    """
    row = session.get(QuarantinedFace, face_id)
    if row is None or not row.crop:
        raise NotFound(f"there is no face {face_id} in quarantine", code="face_not_found")
    return row


def waiting(session: Session, person_id: str | None = None) -> int:
    """Return how many faces wait for somebody to say something of them; of all, or of one person."""
    return session.scalar(select(func.count()).select_from(QuarantinedFace).where(*_asked(session, person_id))) or 0


def cards(session: Session, limit: int, offset: int = 0, person_id: str | None = None) -> list[QuarantinedFace]:
    """Return the faces that wait, those that tell most first: of whom the head was least sure."""
    query = select(QuarantinedFace).where(*_asked(session, person_id))
    order = (QuarantinedFace.score, QuarantinedFace.created_at.desc(), QuarantinedFace.id)
    return list(session.scalars(query.order_by(*order).limit(limit).offset(offset)))


def _asked(session: Session, person_id: str | None) -> list[ColumnElement[bool]]:
    waits: list[ColumnElement[bool]] = [
        QuarantinedFace.proposed.is_(True), QuarantinedFace.standing == Standing.WAITING, UNSPOKEN
    ]  # fmt: skip
    if person_id is None:
        return waits
    return [*waits, QuarantinedFace.named_id.in_(people.all_of(session, person_id))]


def unsaid(session: Session, backbone_version: int) -> list[Face]:
    """Return the faces that nobody has said anything of and this backbone has seen, of people who are there."""
    query = (
        select(QuarantinedFace)
        .where(*_asked(session, None), QuarantinedFace.backbone_version == backbone_version)
        .order_by(QuarantinedFace.created_at, QuarantinedFace.id)
    )
    rows = list(session.scalars(query.options(undefer(QuarantinedFace.vector))))
    meant = people.meant(session, {row.named_id for row in rows if row.named_id})
    return [
        Face(
            row.id, row.sighting_id, meant[row.named_id].id, from_blob(row.vector), row.day, row.frames, row.agreeing,
            row.disagreeing, row.quality,
        )
        for row in rows
        if row.named_id in meant and row.vector is not None
    ]  # fmt: skip


def unseen(session: Session, backbone_version: int, limit: int, *, said: bool = False) -> dict[str, bytes]:
    """Return the crops, by id, of faces that a backbone has not seen; ``said``: only those somebody spoke of."""
    old = or_(QuarantinedFace.backbone_version.is_(None), QuarantinedFace.backbone_version != backbone_version)
    query = select(QuarantinedFace.id, QuarantinedFace.crop).where(
        old, QuarantinedFace.standing != Standing.OUT if not said else ~UNSAID, func.length(QuarantinedFace.crop) > 0
    )
    return {row.id: row.crop for row in session.execute(query.order_by(QuarantinedFace.id).limit(limit))}


def see(session: Session, backbone_version: int, vectors: Mapping[str, Float32 | None]) -> None:
    """Store what a backbone makes of faces, float32[D] by id; None of one that it cannot see."""
    for face_id, vector in vectors.items():
        values = {"backbone_version": backbone_version, "vector": None if vector is None else to_blob(vector)}
        session.execute(update(QuarantinedFace).where(QuarantinedFace.id == face_id).values(**values))


def put_out(session: Session, face_ids: Collection[str]) -> None:
    """Keep faces from being learned or asked about; of those nobody has said anything of the picture goes."""
    if not face_ids:
        return
    chosen = QuarantinedFace.id.in_(list(face_ids)[:MOST_VARIABLES])
    session.execute(update(QuarantinedFace).where(chosen).values(standing=Standing.OUT, sample_id=None))
    session.execute(update(QuarantinedFace).where(chosen, UNSAID).values(crop=b"", vector=None, quality={}))
    erasures.begin(session, erasures.PRUNED_FACES, in_heads=False)


def due(session: Session, keep_s: float) -> bool:
    """Whether there is something to prune."""
    return session.scalars(_old(keep_s).limit(1)).first() is not None


def _old(keep_s: float) -> Select[Any]:
    old = QuarantinedFace.created_at < time.time() - keep_s
    is_sample = select(Sample.id).where(Sample.id == QuarantinedFace.sample_id).exists()
    return select(QuarantinedFace.id).where(old, ~is_sample, UNSAID)


def prune(session: Session, keep_s: float, most: int = MOST_VARIABLES) -> int:
    """Remove faces older than ``keep_s`` that nobody has said anything of and that are no samples; return how many."""
    return letting_go.remove(session, list(session.scalars(_old(keep_s).limit(most))))
