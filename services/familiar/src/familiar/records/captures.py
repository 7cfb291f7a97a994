"""Captures in the database: what came of an enrolment's frames and what of it is kept, and which are still open."""

import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from familiar.reason import Reason
from familiar.records import enrollments, erasures
from familiar.records.enrollment import EnrollmentStatus, status_of
from familiar.records.schema import Embedding, Enrollment, FrameVerdict, Person, Sample, Training
from familiar.records.training import Stage

_OPEN = tuple(status for status in EnrollmentStatus if status.takes_frames)


@dataclass(frozen=True)
class Capture:
    """An enrolment as it stands: what came, what is kept, what became of it.

    ``status`` is the one to show. ``accepted`` counts the samples there are, ``usable`` near copies of them as well: a
    frame whose sample was deleted since is neither.
    """

    id: str
    person_id: str
    person_name: str
    status: EnrollmentStatus
    stage: Stage | None
    training_id: str | None
    head_version: int | None
    error_code: str | None
    error_message: str | None
    alike_person_id: str | None
    received: int
    usable: int
    accepted: int
    refused: Counter[str]
    rejected: tuple[tuple[int, tuple[str, ...]], ...]
    created_at: float
    updated_at: float


def get(session: Session, enrollment_id: str) -> Capture:
    """Return an enrolment with its counts.

    Raises:
        NotFound: there is none with that id.
    """
    enrollment = enrollments.get(session, enrollment_id)
    person = session.get_one(Person, enrollment.person_id)
    training = session.get(Training, enrollment.training_id) if enrollment.training_id else None
    stage = Stage(training.stage) if training else None
    of_the_frame = (Sample.enrollment_id == FrameVerdict.enrollment_id) & (Sample.position == FrameVerdict.position)
    rows = session.execute(
        select(FrameVerdict.position, FrameVerdict.reasons, Sample.id)
        .outerjoin(Sample, of_the_frame)
        .where(FrameVerdict.enrollment_id == enrollment_id)
        .order_by(FrameVerdict.position)
    ).all()
    rejected = tuple((position, tuple(reasons)) for position, reasons, _ in rows if reasons)
    copies = sum(1 for _, reasons in rejected if reasons == (Reason.NEAR_COPY,))
    kept = sum(1 for *_, sample_id in rows if sample_id is not None)
    return Capture(
        id=enrollment.id,
        person_id=person.id,
        person_name=person.name,
        status=status_of(EnrollmentStatus(enrollment.status), stage),
        stage=stage,
        training_id=enrollment.training_id,
        head_version=enrollment.head_version,
        error_code=enrollment.error_code,
        error_message=enrollment.error_message,
        alike_person_id=enrollment.alike_person_id,
        received=len(rows),
        usable=kept + copies,
        accepted=kept,
        refused=Counter(reason for _, reasons in rejected for reason in reasons),
        rejected=rejected,
        created_at=enrollment.created_at,
        updated_at=enrollment.updated_at,
    )


def refused(session: Session, person_id: str) -> Counter[str]:
    """Return how often each reason came up for frames of all of a person's enrolments."""
    rows = session.scalars(
        select(FrameVerdict.reasons)
        .join(Enrollment, Enrollment.id == FrameVerdict.enrollment_id)
        .where(Enrollment.person_id == person_id)
    )
    return Counter(reason for reasons in rows for reason in reasons)


def leave_out(session: Session, enrollment: Enrollment, positions: Collection[int], reason: Reason) -> None:
    """Refuse frames of an open capture after all, for ``reason``: of their samples nothing is kept."""
    enrollments.require_capturing(enrollment)
    chosen = (Sample.enrollment_id == enrollment.id) & Sample.position.in_(positions)
    erasures.begin(session, enrollment.id, in_heads=False)
    session.execute(delete(Embedding).where(Embedding.sample_id.in_(select(Sample.id).where(chosen))))
    session.execute(delete(Sample).where(chosen))
    session.execute(
        update(FrameVerdict)
        .where(FrameVerdict.enrollment_id == enrollment.id, FrameVerdict.position.in_(positions))
        .values(reasons=[reason.value])
    )
    session.flush()


def abandoned(session: Session, untouched_s: float) -> dict[str, float]:
    """Return the captures that nobody has added to or finished for so long, by this clock, and when that was done."""
    query = select(Enrollment.id, Enrollment.updated_at).where(
        Enrollment.status.in_(_OPEN), Enrollment.updated_at < time.time() - untouched_s
    )
    return {row.id: row.updated_at for row in session.execute(query)}


def count_open(session: Session) -> int:
    """Return how many captures are open."""
    query = select(func.count()).select_from(Enrollment).where(Enrollment.status.in_(_OPEN))
    return session.scalar(query) or 0
