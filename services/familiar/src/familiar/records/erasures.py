"""Erasures in the database: what was deleted, which heads were made of it, and whether all traces are gone."""

import time
from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session, undefer

from familiar.records import former_owners, versions
from familiar.records.schema import Enrollment, Erasure, HeadVersion, Sample, TaintedVersion
from familiar.records.versions import HeadStatus, take_turns

PRUNED_SIGHTINGS, PRUNED_FACES = "pruned-sightings", "pruned-quarantine"
"""Under these the files are cleaned of sightings, and of faces in quarantine, that were let go: one line for all."""
ENDED = "ended-erasures"
"""Under this the files are cleaned of the ids of erasures that ended: one line for all."""


def begin(session: Session, deleted_id: str, *, in_heads: bool) -> None:
    """Record that a person, a capture or a sample was deleted; ``in_heads``: heads may have been made of it."""
    if in_heads:
        take_turns(session)  # or a head that is being recorded at this moment would be neither seen nor warned
    session.merge(Erasure(id=deleted_id, created_at=time.time(), in_heads=in_heads))


def open_ones(session: Session, *, in_heads: bool | None = None) -> list[str]:
    """Return the ids of what was deleted and still has traces: all, or only what heads were, or were not, made of."""
    query = select(Erasure.id).order_by(Erasure.created_at)
    return list(session.scalars(query if in_heads is None else query.where(Erasure.in_heads == in_heads)))


def heads_of(session: Session, person_ids: Collection[str]) -> set[int]:
    """Return the head versions that hold, or tell of, one of these people."""
    rows = session.execute(select(HeadVersion.version, HeadVersion.person_ids)).all()
    return {version for version, known in rows if not set(person_ids).isdisjoint(known)}


def heads_made_of(session: Session, chosen: ColumnElement[bool]) -> set[int]:
    """Return the head versions with weights that may have been made of a sample of the ``chosen`` ones.

    Those are the ones that know its person, from the version on in which the sample's enrolment went live; one that has
    not served yet may be made of it before. And those that know who had it before it was put right, while they had it.
    """
    now = session.execute(
        select(Sample.person_id, former_owners.learned_from())
        .join(Enrollment, Enrollment.id == Sample.enrollment_id)
        .where(chosen, ~Sample.set_aside)
        .distinct()
    ).all()
    before, origins = former_owners.spans(session, chosen), versions.origins(session)
    rows = session.execute(
        select(HeadVersion.version, HeadVersion.status, HeadVersion.person_ids).where(HeadVersion.weights.is_not(None))
    ).all()
    served = (HeadStatus.LIVE, HeadStatus.SUPERSEDED)
    made_of: set[int] = set()
    for version, status, known in rows:
        everybody, origin = set(known), origins.get(version, version)
        if any(
            person_id in everybody and (status not in served or (first is not None and version >= first))
            for person_id, first in now
        ) or any(each.person_id in everybody and each.first <= origin <= each.last for each in before):
            made_of.add(version)
    return made_of


def taint(session: Session, made_of_it: Collection[int]) -> None:
    """Record that these head versions were made of something deleted, and delete their weights."""
    session.execute(update(HeadVersion).where(HeadVersion.version.in_(made_of_it)).values(weights=None))
    for version in sorted(made_of_it):
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


def begun(session: Session, also: Sequence[str]) -> list[Erasure]:
    """Return the erasures for which only the files are to be cleaned: those of no head, and ``also``, by their ids."""
    chosen = or_(~Erasure.in_heads, Erasure.id.in_(also))
    return list(session.scalars(select(Erasure).where(chosen).order_by(Erasure.created_at)))


def end(session: Session, cleaned: Sequence[Erasure]) -> None:
    """Record that no trace of these is left; one that has been begun again since they were read stays open."""
    for each in cleaned:
        session.execute(delete(Erasure).where(Erasure.id == each.id, Erasure.created_at == each.created_at))
