"""Erasures in the database: what was deleted, which heads were made of it, and whether all traces are gone."""

import time
from collections.abc import Collection, Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session, undefer

from familiar.records.schema import Enrollment, Erasure, HeadVersion, Sample, TaintedVersion
from familiar.records.versions import HeadStatus, take_turns


def begin(session: Session, deleted_id: str, *, in_heads: bool) -> None:
    """Record that a person, a capture or a sample was deleted; ``in_heads``: heads may have been made of it."""
    if in_heads:
        take_turns(session)  # or a head that is being recorded at this moment would be neither seen nor warned
    session.merge(Erasure(id=deleted_id, created_at=time.time(), in_heads=in_heads))


def open_ones(session: Session, *, in_heads: bool | None = None) -> list[str]:
    """Return the ids of what was deleted and still has traces: all, or only what heads were, or were not, made of."""
    query = select(Erasure.id).order_by(Erasure.created_at)
    return list(session.scalars(query if in_heads is None else query.where(Erasure.in_heads == in_heads)))


def heads_of(session: Session, person_id: str) -> list[int]:
    """Return the head versions that hold, or tell of, a person."""
    rows = session.execute(select(HeadVersion.version, HeadVersion.person_ids)).all()
    return [version for version, person_ids in rows if person_id in person_ids]


def heads_made_of(session: Session, sample: Sample) -> list[int]:
    """Return the head versions with weights that may have been made of a sample.

    Those are the ones that know the person, from the version on in which the sample's enrolment went live; one that has
    not served yet may be made of it before.
    """
    first = session.get_one(Enrollment, sample.enrollment_id).head_version
    served = HeadVersion.status.in_((HeadStatus.LIVE, HeadStatus.SUPERSEDED))
    made_of = ~served if first is None else ~served | (HeadVersion.version >= first)
    rows = session.execute(
        select(HeadVersion.version, HeadVersion.person_ids).where(HeadVersion.weights.is_not(None), made_of)
    ).all()
    return [version for version, person_ids in rows if sample.person_id in person_ids]


def taint(session: Session, made_of_it: Collection[int]) -> None:
    """Record that these head versions were made of something deleted, and delete their weights."""
    session.execute(update(HeadVersion).where(HeadVersion.version.in_(made_of_it)).values(weights=None))
    for version in made_of_it:
        session.merge(TaintedVersion(version=version))
    session.flush()


def tainted(session: Session) -> set[int]:
    """Return the head versions that were made of something deleted since."""
    return set(session.scalars(select(TaintedVersion.version)))


def forget(session: Session, versions: Sequence[int]) -> None:
    """Remove all that these tainted versions, which nobody serves any more, tell of single people."""
    query = select(HeadVersion).where(HeadVersion.version.in_(versions)).options(undefer(HeadVersion.person_ids))
    for row in session.scalars(query):
        row.status, row.person_ids, row.weights = HeadStatus.ERASED, [], None
        row.report, row.meta = None, {**row.meta, "metrics": {}}
    session.execute(delete(TaintedVersion).where(TaintedVersion.version.in_(versions)))
    session.flush()


def end(session: Session, deleted_ids: Sequence[str]) -> None:
    """Record that no trace of these is left."""
    session.execute(delete(Erasure).where(Erasure.id.in_(deleted_ids)))
