"""Sightings in the database: who came by, known or not, when and before which camera; for as long, and as many, as set.

Whoever adds, regroups or removes sightings takes turns (``take_turns``), so of two gateways that see the same person
one begins the sighting and the other one joins it.
"""

import time
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Row, Text, cast, delete, func, or_, select, text, tuple_, update
from sqlalchemy.orm import Session, undefer

from familiar.errors import NotFound
from familiar.knowing import Status, from_blob, to_blob
from familiar.records import erasures, former_owners
from familiar.records.engine import MOST_VARIABLES
from familiar.records.schema import (
    Feedback,
    QuarantinedFace,
    Replay,
    Sample,
    Sighting,
    SightingCrop,
    Stranger,
    StrangerChange,
)

Float32 = NDArray[np.float32]
Place = tuple[float, str]
"""Where a list of sightings goes on: when the last one shown was captured, and its id."""

_SLACK = 0.01
"""Share that is pruned beyond what is too many, so that the files are not cleaned for every single one."""
_FAR_AHEAD_S = 86_400.0
# Any number will do; it keeps two processes from changing sightings in one PostgreSQL database at once.
_ADVISORY_LOCK = 7_263_948_116


@dataclass(frozen=True)
class Wanted:
    """Which sightings: all that fit all that is given.

    Attributes:
        person_id: of this person.
        unknown: of nobody known.
        stranger_id: of this stranger.
        camera: before this camera.
        since, until: with a frame taken from then on, and begun before then; UTC seconds since 1970.
    """

    person_id: str | None = None
    unknown: bool = False
    stranger_id: str | None = None
    camera: str | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what is true of these sightings only."""
        told = (
            None if self.person_id is None else Sighting.person_id == self.person_id,
            Sighting.person_id.is_(None) if self.unknown else None,
            None if self.stranger_id is None else Sighting.stranger_id == self.stranger_id,
            None if self.camera is None else Sighting.camera == self.camera,
            None if self.since is None else Sighting.last_at >= self.since,
            None if self.until is None else Sighting.captured_at < self.until,
        )
        return [each for each in told if each is not None]


def take_turns(session: Session) -> None:
    """Let whoever changes sightings pass one after the other; on SQLite whoever writes does so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def due(session: Session, keep_s: float, most: int) -> bool:
    """Whether there is something to prune."""
    old = session.scalars(select(Sighting.id).where(_stale(keep_s)).limit(1)).first() is not None
    return old or count(session) > most


def _stale(keep_s: float) -> ColumnElement[bool]:
    now = time.time()
    # From far ahead by this clock is what was kept while it was wrong: nobody knows how old it is.
    return or_(Sighting.kept_at < now - keep_s, Sighting.kept_at > now + max(keep_s, _FAR_AHEAD_S))


def prune(session: Session, keep_s: float, most: int) -> int:
    """Remove what is older than ``keep_s``, and the oldest beyond ``most`` and a little more; return how many.

    Strangers who are left without a sighting go with them, and replays and what is told of strangers of that age.
    Cleaning the files is an erasure.
    """
    take_turns(session)
    now, stale = time.time(), _stale(keep_s)
    doomed = list(session.scalars(select(Sighting.id).where(stale)))
    if (left := count(session) - len(doomed)) > most:
        beyond = left - most + int(_SLACK * most)
        fresh = select(Sighting.id).where(~stale).order_by(Sighting.kept_at, Sighting.id).limit(beyond)
        doomed += session.scalars(fresh)
    remove(session, doomed, erasures.PRUNED_SIGHTINGS)
    session.execute(delete(StrangerChange).where(StrangerChange.at < now - keep_s))
    session.execute(delete(Stranger).where(Stranger.ended_at < now - keep_s))
    session.execute(delete(Replay).where(Replay.ended_at < now - keep_s))
    return len(doomed)


def remove(session: Session, sighting_ids: Sequence[str], erasure_id: str) -> None:
    """Remove sightings with their crops, and the strangers of whom these were all; the files are to be cleaned."""
    if not sighting_ids:
        return
    for start in range(0, len(sighting_ids), MOST_VARIABLES):
        some = sighting_ids[start : start + MOST_VARIABLES]
        session.execute(delete(SightingCrop).where(SightingCrop.sighting_id.in_(some)))
        session.execute(delete(Sighting).where(Sighting.id.in_(some)))
    erasures.begin(session, erasure_id, in_heads=False)
    drop_bare_strangers(session)
    session.flush()


def drop_bare_strangers(session: Session) -> None:
    """Remove strangers without a sighting, but for those who went into others."""
    bare = Stranger.into_id.is_(None) & ~select(Sighting.id).where(Sighting.stranger_id == Stranger.id).exists()
    session.execute(delete(Stranger).where(bare))


def forget_person(session: Session, person_ids: Collection[str]) -> list[str]:
    """Remove all sightings of a person, by all ids that mean them, and the person from what was said of others'.

    Theirs is also what a sample of theirs was learned from, whoever they were taken for then. Return the ids of all.
    """
    take_turns(session)
    learned = select(QuarantinedFace.sighting_id).join(Sample, Sample.id == QuarantinedFace.sample_id)
    named = select(SightingCrop.sighting_id).join(Sighting, Sighting.id == SightingCrop.sighting_id)
    its_face = (
        Sighting.person_id.in_(person_ids),
        Sighting.id.in_(learned.where(Sample.person_id.in_(person_ids))),
        Sighting.id.in_(named.where(former_owners.is_copy(person_ids, Sighting.enrollment_id, SightingCrop.crop))),
    )
    theirs = list(session.scalars(select(Sighting.id).where(or_(*its_face))))
    for start in range(0, len(theirs), MOST_VARIABLES):
        some = theirs[start : start + MOST_VARIABLES]
        session.execute(delete(SightingCrop).where(SightingCrop.sighting_id.in_(some)))
        session.execute(delete(Sighting).where(Sighting.id.in_(some)))
    for person_id in person_ids:
        for row in session.scalars(select(Sighting).where(cast(Sighting.candidates, Text).contains(person_id))):
            row.candidates = [each for each in row.candidates if each[0] != person_id]
        session.execute(delete(Replay).where(cast(Replay.answer, Text).contains(person_id)))
    session.flush()
    return theirs


def name(session: Session, chosen: Wanted, person_id: str, enrollment_id: str) -> None:
    """Say who sightings are of, of whom an enrolment learns; ``unname`` takes that back."""
    take_turns(session)
    ids = list(session.scalars(select(Sighting.id).where(*chosen.conditions())))
    said = {"person_id": person_id, "enrollment_id": enrollment_id, "stranger_id": None, "named_at": time.time()}
    _change(session, ids, said)


def unname(session: Session, enrollment_id: str) -> None:
    """Let sightings be of nobody known again, whose pictures an enrolment has learned that is taken back.

    But for those of which somebody has said whose they are: that holds.
    """
    take_turns(session)
    theirs = Sighting.enrollment_id == enrollment_id
    in_force = (Feedback.sighting_id == Sighting.id) & Feedback.ended_at.is_(None)
    said = select(Feedback.id).where(in_force, Feedback.person_id.is_not(None)).exists()
    session.execute(update(Sighting).where(theirs, ~said).values(person_id=None, named_at=None))
    session.execute(update(Sighting).where(theirs).values(enrollment_id=None))


def say(session: Session, sighting: Sighting, person_id: str | None, named_at: float | None) -> None:
    """Say of whom a sighting is, None for nobody known; ``named_at`` is None where that is what the head says."""
    if sighting.person_id != person_id:
        sighting.stranger_id = None
    sighting.person_id, sighting.named_at = person_id, named_at
    session.flush()
    drop_bare_strangers(session)


def give_to(session: Session, person_id: str, to_person_id: str, among: Collection[str] | None = None) -> list[str]:
    """Let sightings of a person, all or those ``among`` these, be another one's; return their ids."""
    take_turns(session)
    theirs = list(session.scalars(select(Sighting.id).where(Sighting.person_id == person_id)))
    given = theirs if among is None else sorted({*theirs} & {*among})
    _change(session, given, {"person_id": to_person_id})
    return given


def _change(session: Session, sighting_ids: Sequence[str], values: Mapping[str, Any]) -> None:
    for start in range(0, len(sighting_ids), MOST_VARIABLES):
        some = Sighting.id.in_(sighting_ids[start : start + MOST_VARIABLES])
        session.execute(update(Sighting).where(some).values(**values))


def page(session: Session, wanted: Wanted, limit: int, after: Place | None = None) -> list[Sighting]:
    """Return sightings, the newest first, from the one after ``after`` on."""
    query = select(Sighting).where(*wanted.conditions())
    if after is not None:
        query = query.where(tuple_(Sighting.captured_at, Sighting.id) < after)
    newest_first = (Sighting.captured_at.desc(), Sighting.id.desc())
    return list(session.scalars(query.order_by(*newest_first).limit(limit)))


def get(session: Session, sighting_id: str) -> Sighting:
    """Return a sighting.

    Raises:
        NotFound: there is none with that id (any more).
    """
    row = session.get(Sighting, sighting_id)
    if row is None:
        raise NotFound(f"there is no sighting {sighting_id}", code="sighting_not_found")
    return row


def several(session: Session, sighting_ids: Collection[str]) -> dict[str, Sighting]:
    """Return those that are there, by id; 10,000 at most."""
    return {row.id: row for row in session.scalars(select(Sighting).where(Sighting.id.in_(sighting_ids)))}


def crops(session: Session, sighting_ids: Collection[str], *, pictures: bool = False) -> dict[str, list[SightingCrop]]:
    """Return the crops of sightings, the best first; ``pictures``: as JPEG as well. 10,000 sightings at most."""
    found: dict[str, list[SightingCrop]] = {each: [] for each in sighting_ids}
    query = select(SightingCrop).where(SightingCrop.sighting_id.in_(found))
    if pictures:
        query = query.options(undefer(SightingCrop.crop))
    for crop in session.scalars(query.order_by(SightingCrop.weight.desc(), SightingCrop.position)):
        found[crop.sighting_id].append(crop)
    return found


def crop(session: Session, sighting_id: str, position: int) -> bytes:
    """Return one crop as JPEG.

    Raises:
        NotFound: the sighting has none at that position (any more).
    """
    row = session.get(SightingCrop, (sighting_id, position))
    if row is None:
        raise NotFound(f"sighting {sighting_id} has no crop {position}", code="sighting_not_found")
    return row.crop


def count(session: Session, wanted: Wanted = Wanted()) -> int:
    """Return how many there are."""
    return session.scalar(select(func.count()).select_from(Sighting).where(*wanted.conditions())) or 0


def vectors(
    session: Session, backbone_version: int, wanted: Wanted, batch: int = 5_000
) -> Iterator[tuple[list[str], Float32]]:
    """Yield (ids, float32[N, D]) of the sightings that a backbone version has seen, the newest first."""
    seen = Sighting.backbone_version == backbone_version
    query = select(Sighting.id, Sighting.vector).where(seen, *wanted.conditions())
    rows = session.execute(query.order_by(Sighting.captured_at.desc(), Sighting.id.desc()))
    for part in rows.partitions(batch):
        yield [row.id for row in part], np.stack([from_blob(row.vector) for row in part])


def decided(
    session: Session, backbone_version: int, wanted: Wanted, batch: int = 5_000
) -> Iterator[tuple[list[str], list[str | None], Float32]]:
    """Yield (ids, whom heads named, float32[N, D]) of the sightings that a backbone version has seen, by time.

    Whom somebody named afterwards was named by no head; of whom somebody said that it is not the one whom the head had
    named, the head did name them.
    """
    seen = Sighting.backbone_version == backbone_version
    columns = (
        Sighting.id,
        Sighting.status,
        Sighting.person_id,
        Sighting.named_at,
        Sighting.candidates,
        Sighting.vector,
    )
    query = select(*columns).where(seen, *wanted.conditions())
    rows = session.execute(query.order_by(Sighting.captured_at, Sighting.id))
    for part in rows.partitions(batch):
        named = [_named_by_head(row) for row in part]
        yield [row.id for row in part], named, np.stack([from_blob(row.vector) for row in part])


def _named_by_head(row: Row[Any]) -> str | None:
    if row.status != Status.KNOWN:
        return None
    named: str | None = row.person_id if row.named_at is None or not row.candidates else row.candidates[0][0]
    return named


def crops_unseen(session: Session, backbone_version: int, limit: int) -> dict[str, list[bytes]]:
    """Return the crops of the next ``limit`` sightings that this backbone version has not seen, by sighting."""
    query = select(Sighting.id).where(Sighting.backbone_version != backbone_version).order_by(Sighting.id).limit(limit)
    found = crops(session, list(session.scalars(query)), pictures=True)
    return {sighting_id: [each.crop for each in rows] for sighting_id, rows in found.items()}


def renew(session: Session, backbone_version: int, vectors: Mapping[str, Float32 | None]) -> None:
    """Store what another backbone version sees, float32[D] by sighting; one that it cannot see goes."""
    take_turns(session)
    for sighting_id, vector in vectors.items():
        if vector is not None:
            values = {"vector": to_blob(vector), "backbone_version": backbone_version}
            session.execute(update(Sighting).where(Sighting.id == sighting_id).values(**values))
    remove(session, [each for each, vector in vectors.items() if vector is None], erasures.PRUNED_SIGHTINGS)
