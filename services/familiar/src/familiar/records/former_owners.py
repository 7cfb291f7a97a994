"""Former owners in the database: whose samples were before something was put right, and in which head versions.

A head that was made of a sample as somebody's who it is not contradicts what a person has said. It need not go, since
what was said can be undone, but it must not come back; and it goes when the sample is deleted.
"""

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, insert, literal, null, or_, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from familiar.records.correction import CorrectionKind
from familiar.records.schema import Correction, Enrollment, FormerOwner, HeadVersion, Sample
from familiar.records.versions import HeadStatus, last_issued
from familiar.servable import HEAD


@dataclass(frozen=True)
class Span:
    """Head versions, ``first`` to ``last``, of which those that know a person may be made of a sample of theirs."""

    person_id: str
    first: int
    last: int


def note(session: Session, chosen: ColumnElement[bool], correction_id: str | None) -> int:
    """Record whose the ``chosen`` samples are at this moment, before they change hands; return how many they are.

    Whoever calls this has taken turns, so that no head is recorded meanwhile.
    """
    last = last_issued(session, HEAD)
    coming = session.scalar(select(func.min(HeadVersion.version)).where(HeadVersion.status == HeadStatus.PUBLISHED))
    # Nobody has learned what is set aside; what no head has learned yet may be in one that is about to serve.
    unlearned = last + 1 if coming is None else coming
    first = case((Sample.set_aside, last + 1), else_=func.coalesce(learned_from(), unlearned))
    rows = (
        select(
            Sample.id, literal(correction_id), Sample.person_id, Sample.enrollment_id, Sample.position, first,
            literal(last),
        )
        .join(Enrollment, Enrollment.id == Sample.enrollment_id)
        .where(chosen)
    )  # fmt: skip
    columns = (
        FormerOwner.sample_id, FormerOwner.correction_id, FormerOwner.person_id, FormerOwner.enrollment_id,
        FormerOwner.position, FormerOwner.first_version, FormerOwner.last_version,
    )  # fmt: skip
    noted = session.execute(insert(FormerOwner).from_select(columns, rows))
    return int(noted.rowcount)  # type: ignore[attr-defined]


def learned_from() -> ColumnElement[int | None]:
    """Return the head version from which on a sample, joined with its enrolment, is learned as whose it is now.

    That is none before the one in which the enrolment went live, nor one in which it was still somebody else's.
    """
    mine = FormerOwner.sample_id == Sample.id
    since = select(func.max(FormerOwner.last_version) + 1).where(mine).correlate(Sample).scalar_subquery()
    return case((since > Enrollment.head_version, since), else_=Enrollment.head_version)


def spans(session: Session, chosen: ColumnElement[bool]) -> list[Span]:
    """Return where the ``chosen`` samples were learned as those of people whose they were before."""
    columns = FormerOwner.person_id, FormerOwner.first_version, FormerOwner.last_version
    rows = session.execute(select(*columns).join(Sample, Sample.id == FormerOwner.sample_id).where(chosen).distinct())
    return [Span(*row) for row in rows]


def is_copy(
    person_ids: Collection[str], enrollment_id: InstrumentedAttribute[str | None], crop: InstrumentedAttribute[bytes]
) -> ColumnElement[bool]:  # fmt: skip
    """Return the condition that a crop, which an enrolment learned as somebody else's, is a sample's that is theirs."""
    theirs = Sample.person_id.in_(person_ids)
    came = select(FormerOwner.enrollment_id).join(Sample, Sample.id == FormerOwner.sample_id).where(theirs)
    return enrollment_id.in_(came) & crop.in_(select(Sample.crop).where(theirs))


def let_go(session: Session, enrollment_id: str) -> None:
    """Make final what added an enrolment that is deleted, and what gave samples of it, which cannot come back to it."""
    noted = select(FormerOwner.correction_id).where(FormerOwner.enrollment_id == enrollment_id)
    moves = Correction.kind.in_((CorrectionKind.MOVE, CorrectionKind.SPLIT)) & Correction.to_person_id.is_not(None)
    added = (Correction.kind == CorrectionKind.ADD) & (Correction.enrollment_id == enrollment_id)
    session.execute(
        update(Correction)
        .where(Correction.undone_at.is_(None), (Correction.id.in_(noted) & moves) | added)
        .values(final=True)
    )


def disowned(session: Session, version: int) -> list[tuple[str, str | None]]:
    """Return (whose samples a head version may have learned, whose they are now, or nobody's), where that differs."""
    rows = session.execute(
        select(FormerOwner.person_id, case((Sample.set_aside, null()), else_=Sample.person_id))
        .join(Sample, Sample.id == FormerOwner.sample_id)
        .where(
            FormerOwner.first_version <= version,
            FormerOwner.last_version >= version,
            or_(Sample.set_aside, Sample.person_id != FormerOwner.person_id),
        )
        .distinct()
    )
    return [(was, now) for was, now in rows]
