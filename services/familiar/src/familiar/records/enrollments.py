"""Enrolments in the database: opened, given frames, closed, learned by a training, and deleted with their samples."""

import time
from collections.abc import Sequence

from sqlalchemy import delete, func, or_, select, update
from sqlalchemy.orm import Session

from familiar.errors import Conflict, NotFound
from familiar.records import erasures, former_owners, letting_go, people, photo_faces, sightings, trainings, versions
from familiar.records import person as rules
from familiar.records.engine import MOST_VARIABLES
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.schema import Embedding, Enrollment, FrameVerdict, Person, Sample, Training
from familiar.records.training import Stage
from familiar.servable import HEAD


def open_one(
    session: Session, person: Person, idempotency_key: str | None = None, request_digest: str | None = None,
    consent: str | None = None, opened_by: str | None = None,
) -> Enrollment:  # fmt: skip
    """Open an enrolment for ``person``.

    ``request_digest`` tells what the key was sent with, ``consent`` what the person has agreed to just now,
    ``opened_by`` is the id of the key with which it is opened.
    """
    now = time.time()
    enrollment = Enrollment(
        id=rules.new_id(),
        person_id=person.id,
        status=EnrollmentStatus.OPEN,
        idempotency_key=idempotency_key,
        request_digest=request_digest,
        consent=consent,
        opened_by=opened_by,
        created_at=now,
        updated_at=now,
    )
    session.add(enrollment)
    session.flush()
    return enrollment


def get(session: Session, enrollment_id: str, *, lock: bool = False) -> Enrollment:
    """Return an enrolment, locked against other writers if asked.

    Raises:
        NotFound: there is none with that id.
    """
    enrollment = session.get(Enrollment, enrollment_id, with_for_update=lock)
    if enrollment is None:
        raise NotFound(f"there is no enrolment {enrollment_id}", code="enrollment_not_found")
    return enrollment


def by_key(session: Session, idempotency_key: str) -> Enrollment | None:
    """Return the enrolment that was opened with this idempotency key, if any."""
    return session.scalars(select(Enrollment).where(Enrollment.idempotency_key == idempotency_key)).first()


def consent(session: Session, person_id: str) -> tuple[str, float] | None:
    """Return what a person last agreed to, and when; None if nothing was recorded."""
    query = select(Enrollment.consent, Enrollment.created_at).where(
        Enrollment.person_id == person_id, Enrollment.consent.is_not(None)
    )
    row = session.execute(query.order_by(Enrollment.created_at.desc(), Enrollment.id).limit(1)).first()
    return None if row is None else (row.consent, row.created_at)


def require_capturing(enrollment: Enrollment) -> None:
    """Check that frames may still be added.

    Raises:
        Conflict: the capture has been finished.
    """
    if not EnrollmentStatus(enrollment.status).takes_frames:
        raise Conflict(f"the enrolment is {enrollment.status}: it takes no more frames", code="enrollment_closed")


def verdicts(session: Session, enrollment_id: str) -> dict[str, FrameVerdict]:
    """Return what was said of every frame so far, by its digest, so that sending one again changes nothing."""
    rows = session.scalars(select(FrameVerdict).where(FrameVerdict.enrollment_id == enrollment_id))
    return {row.digest: row for row in rows}


def add_verdict(session: Session, enrollment: Enrollment, digest: str, reasons: Sequence[str]) -> FrameVerdict:
    """Record what was said of the next frame."""
    last = session.scalar(select(func.max(FrameVerdict.position)).where(FrameVerdict.enrollment_id == enrollment.id))
    verdict = FrameVerdict(
        enrollment_id=enrollment.id,
        position=0 if last is None else last + 1,
        digest=digest,
        reasons=[str(reason) for reason in reasons],
    )
    session.add(verdict)
    enrollment.status = EnrollmentStatus.CAPTURING
    enrollment.updated_at = time.time()
    session.flush()
    return verdict


def close(session: Session, enrollment: Enrollment) -> Training:
    """End the capture and ask for the training that will learn it; both or neither.

    From now on the person counts as enrolled: if another one already is under that name, and they may not share it, the
    database's constraint fails.
    """
    require_capturing(enrollment)
    training = trainings.ask(session)
    session.get_one(Person, enrollment.person_id).enrolled = True
    enrollment.status = EnrollmentStatus.QUEUED
    enrollment.training_id = training.id
    enrollment.updated_at = time.time()
    session.flush()
    return training


def hold(session: Session, person: Person) -> Enrollment:
    """Return an enrolment that holds what a person is given of others' samples; no capture, and learned as it is."""
    enrollment = open_one(session, person)
    admit(session, enrollment)
    return enrollment


def admit(session: Session, enrollment: Enrollment) -> None:
    """Have an enrolment learned from the next head version on, because a person said so: no training refuses it."""
    enrollment.status = EnrollmentStatus.LIVE
    enrollment.head_version = versions.last_issued(session, HEAD) + 1
    enrollment.error_code = enrollment.error_message = enrollment.alike_person_id = None
    enrollment.updated_at = time.time()
    session.flush()


def give_to(session: Session, enrollment: Enrollment, person: Person) -> None:
    """Move a capture to another person: it turned out to be somebody already known.

    The person it was opened for goes, if nothing else is stored of them.
    """
    previous = session.get_one(Person, enrollment.person_id)
    session.execute(update(Sample).where(Sample.enrollment_id == enrollment.id).values(person_id=person.id))
    enrollment.person_id = person.id
    session.flush()
    _drop_if_bare(session, previous)


def discard(session: Session, enrollment: Enrollment) -> None:
    """Delete an enrolment that has not been closed, with all that was captured, and the person if new."""
    require_capturing(enrollment)
    person = session.get_one(Person, enrollment.person_id)
    if _first_sample(session, enrollment) is not None:
        erasures.begin(session, enrollment.id, in_heads=False)
    _delete(session, enrollment)
    _drop_if_bare(session, person)


def withdraw(session: Session, enrollment: Enrollment) -> bool:
    """Delete an enrolment that failed, with all that was captured; tell whether the person went with it.

    They do if nothing else is stored of them. Heads that may have been made of it lose their weights, as with whatever
    is deleted of people; a training has to be asked for.

    Raises:
        Conflict: it has not failed.
    """
    versions.take_turns(session)  # what is put right at this moment would give its samples to somebody else
    if enrollment.status != EnrollmentStatus.FAILED:
        raise Conflict(
            f"the enrolment is {enrollment.status}: it can only be deleted if it fails", code="enrollment_closed"
        )
    if not _others(session, enrollment.person_id, enrollment.id):
        people.erase(session, enrollment.person_id)
        return True
    if _first_sample(session, enrollment) is not None:
        erasures.begin(session, enrollment.id, in_heads=True)
        erasures.taint(session, erasures.heads_made_of(session, Sample.enrollment_id == enrollment.id))
    former_owners.let_go(session, enrollment.id)
    sightings.unname(session, enrollment.id)
    photo_faces.unsay(session, enrollment.id)
    its_samples = select(Sample.id).where(Sample.enrollment_id == enrollment.id)
    letting_go.forget_samples(session, session.scalars(its_samples).all())
    _delete(session, enrollment)
    return False


def queued(session: Session) -> Sequence[Enrollment]:
    """Return the enrolments that are closed and not yet live or failed, the first one closed first."""
    waiting = select(Enrollment).where(Enrollment.status == EnrollmentStatus.QUEUED)
    return session.scalars(waiting.order_by(Enrollment.updated_at, Enrollment.id)).all()


def join(session: Session, training: Training) -> dict[str, str]:
    """Let every enrolment that waits take part in ``training``; return their ids with the person's, in order."""
    waiting = queued(session)
    for enrollment in waiting:
        enrollment.training_id = training.id
    session.flush()
    return {enrollment.id: enrollment.person_id for enrollment in waiting}


def stranded(session: Session) -> Sequence[Enrollment]:
    """Return the enrolments that wait for a training which has ended, or for none at all."""
    ended = [stage.value for stage in Stage if stage.ended]
    return session.scalars(
        select(Enrollment)
        .outerjoin(Training, Training.id == Enrollment.training_id)
        .where(
            Enrollment.status == EnrollmentStatus.QUEUED,
            or_(Training.id.is_(None), Training.stage.in_(ended)),
        )
    ).all()


def settle(
    session: Session, enrollment_ids: Sequence[str], status: EnrollmentStatus, *, head_version: int | None = None,
    code: str | None = None, message: str | None = None, alike: str | None = None,
) -> None:  # fmt: skip
    """Record how enrolments that shared a training ended; one deleted meanwhile is passed over.

    ``alike`` is the id of the person whom those of these enrolments cannot be told from.
    """
    for start in range(0, len(enrollment_ids), MOST_VARIABLES):
        some = Enrollment.id.in_(enrollment_ids[start : start + MOST_VARIABLES])
        session.execute(
            update(Enrollment)
            .where(some, Enrollment.status == EnrollmentStatus.QUEUED)
            .values(
                status=status,
                head_version=head_version,
                error_code=code,
                error_message=message,
                alike_person_id=alike,
                updated_at=time.time(),
            )
        )


def _drop_if_bare(session: Session, person: Person) -> None:
    if not _others(session, person.id):
        session.delete(person)
        session.flush()


def _first_sample(session: Session, enrollment: Enrollment) -> Sample | None:
    return session.scalars(select(Sample).where(Sample.enrollment_id == enrollment.id).limit(1)).first()


def _delete(session: Session, enrollment: Enrollment) -> None:
    """Delete an enrolment with its frames, samples and embeddings."""
    its_samples = select(Sample.id).where(Sample.enrollment_id == enrollment.id)
    session.execute(delete(Embedding).where(Embedding.sample_id.in_(its_samples)))
    session.execute(delete(Sample).where(Sample.enrollment_id == enrollment.id))
    session.execute(delete(FrameVerdict).where(FrameVerdict.enrollment_id == enrollment.id))
    session.delete(enrollment)
    session.flush()


def _others(session: Session, person_id: str, but: str = "") -> int:
    """Return how many enrolments there are of a person, ``but`` one."""
    its = (Enrollment.person_id == person_id) & (Enrollment.id != but)
    return session.scalar(select(func.count()).select_from(Enrollment).where(its)) or 0
