"""Versions of both servables in the database."""

import time
from collections.abc import Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session, defer

from familiar.errors import NotFound
from familiar.knowing import Head
from familiar.records.schema import BackboneVersion, HeadVersion, IssuedVersion, Training
from familiar.records.training import Stage, TrainingKind
from familiar.servable import HEAD


class HeadStatus(StrEnum):
    """What became of a head version."""

    PUBLISHED = "published"
    """On disk, but not yet seen to be served."""
    LIVE = "live"
    """The one that answers."""
    SUPERSEDED = "superseded"
    """It was live; its weights are kept for a rollback."""
    PRUNED = "pruned"
    """It was live long ago; its weights were thrown away."""
    REJECTED = "rejected"
    """Worse than the one it should have replaced; it never served."""
    FAILED = "failed"
    """The gate or Serving refused it; it never served."""
    ABANDONED = "abandoned"
    """What it was made from changed before it served."""
    ERASED = "erased"
    """It was made of a person or a sample deleted since; weights and people are gone."""


def take_turns(session: Session) -> None:
    """Let whoever comes here pass one after the other, each when the transaction of the one before has ended.

    Trainings are claimed, heads recorded and what they are made of is deleted one at a time.
    """
    session.get_one(IssuedVersion, HEAD, with_for_update=True)


def issue(session: Session, servable: str, floor: int = 0) -> int:
    """Return a version number never given out before, and greater than ``floor`` (the greatest seen on disk)."""
    issued = session.get_one(IssuedVersion, servable, with_for_update=True)
    issued.version = max(issued.version, floor) + 1
    session.flush()
    return issued.version


def last_issued(session: Session, servable: str) -> int:
    """Return the greatest version number ever given out; whoever has taken turns gets the next one with theirs."""
    return session.get_one(IssuedVersion, servable).version


def add_backbone(session: Session, version: int, meta: dict[str, Any]) -> None:
    """Record a backbone version that was exported."""
    session.merge(BackboneVersion(version=version, meta=meta, created_at=time.time()))


def backbones(session: Session) -> Sequence[BackboneVersion]:
    """Return all backbone versions, the newest first."""
    return session.scalars(select(BackboneVersion).order_by(BackboneVersion.version.desc())).all()


def add_head(
    session: Session, version: int, *, training_id: str | None, backbone_version: int, head: Head,
    meta: dict[str, Any], status: HeadStatus, report: dict[str, Any] | None = None,
) -> HeadVersion:  # fmt: skip
    """Record a head version with its weights and its ``report`` by person, see ``familiar.learning.report``."""
    row = HeadVersion(
        version=version,
        training_id=training_id,
        backbone_version=backbone_version,
        status=status,
        meta=meta,
        person_ids=list(head.person_ids),
        weights=head.to_bytes(),
        report=report,
        created_at=time.time(),
    )
    session.add(row)
    session.flush()
    return row


def statuses(session: Session) -> dict[int, HeadStatus]:
    """Return what became of every head version ever made."""
    rows = session.execute(select(HeadVersion.version, HeadVersion.status))
    return {version: HeadStatus(status) for version, status in rows}


def failed_tries(session: Session, training_id: str) -> int:
    """Return how many head versions of a training were refused by the gate or by Serving."""
    tries = select(func.count()).where(HeadVersion.training_id == training_id, HeadVersion.status == HeadStatus.FAILED)
    return session.scalar(tries) or 0


def head(session: Session, version: int) -> HeadVersion:
    """Return a head version.

    Raises:
        NotFound: it was never made.
    """
    row = session.get(HeadVersion, version)
    if row is None:
        raise NotFound(f"there is no head version {version}", code="version_not_found")
    return row


def origins(session: Session) -> dict[int, int]:
    """Return, for each head version that a rollback made, the one that was first made with its weights."""
    rows = session.execute(
        select(HeadVersion.version, Training.source_version)
        .join(Training, Training.id == HeadVersion.training_id)
        .where(Training.kind == TrainingKind.ROLLBACK)
        .order_by(HeadVersion.version)
    )
    found: dict[int, int] = {}
    for version, source in rows:  # a source is older than what was made of it
        if source is not None:
            found[version] = found.get(source, source)
    return found


def people_of(row: HeadVersion) -> int:
    """Return how many people a head version knows, without reading who; 0 once they were erased from it."""
    return 0 if row.status == HeadStatus.ERASED else int(row.meta.get("people", 0))


def report_of(session: Session, version: int, person_id: str) -> dict[str, Any] | None:
    """Return what the report of a head version says of one person, without reading the rest; None if nothing."""
    return session.scalar(select(HeadVersion.report[person_id]).where(HeadVersion.version == version))


def heads(session: Session, limit: int = 100) -> Sequence[HeadVersion]:
    """Return the last ``limit`` head versions, the newest first."""
    return session.scalars(select(HeadVersion).order_by(HeadVersion.version.desc()).limit(limit)).all()


def live_head(session: Session) -> HeadVersion | None:
    """Return the head version that answers, if one does."""
    # This is asked for each frame of an enrolment, and the times lie behind the weights in SQLite's row.
    behind = (defer(HeadVersion.created_at), defer(HeadVersion.live_at))
    live = select(HeadVersion).where(HeadVersion.status == HeadStatus.LIVE).options(*behind)
    return session.scalars(live.order_by(HeadVersion.version.desc())).first()


def known_to_live_head(session: Session) -> frozenset[str]:
    """Return the ids of those whom the head that answers can name, deleted samples or not."""
    live = select(HeadVersion.person_ids).where(HeadVersion.status == HeadStatus.LIVE)
    return frozenset(session.scalars(live.order_by(HeadVersion.version.desc()).limit(1)).first() or ())


def go_live(session: Session, version: int) -> None:
    """Record that ``version`` answers now, and that those before it no longer do."""
    replaced = (HeadStatus.LIVE, HeadStatus.PUBLISHED)
    for row in session.scalars(select(HeadVersion).where(HeadVersion.status.in_(replaced))):
        if row.version < version:
            row.status = HeadStatus.SUPERSEDED
    live = head(session, version)
    live.status = HeadStatus.LIVE
    live.live_at = time.time()
    session.flush()


def prunable(session: Session, keep: int) -> list[int]:
    """Return the head versions that served before the last ``keep`` that did, but for those about to come back."""
    served = HeadVersion.status.in_((HeadStatus.LIVE, HeadStatus.SUPERSEDED))
    kept = session.scalars(select(HeadVersion.version).where(served).order_by(HeadVersion.version.desc()).limit(keep))
    coming_back = select(Training.source_version).where(
        Training.kind == TrainingKind.ROLLBACK, Training.stage.not_in([stage for stage in Stage if stage.ended])
    )
    stay = {*kept, *session.scalars(coming_back)}
    superseded = session.scalars(select(HeadVersion.version).where(HeadVersion.status == HeadStatus.SUPERSEDED))
    return [version for version in superseded if version not in stay]


def prune(session: Session, keep: int) -> list[int]:
    """Delete the weights of what is ``prunable``, and return which those are; their reports and lineage stay."""
    old = prunable(session, keep)
    session.execute(
        update(HeadVersion).where(HeadVersion.version.in_(old)).values(weights=None, status=HeadStatus.PRUNED)
    )
    return old
