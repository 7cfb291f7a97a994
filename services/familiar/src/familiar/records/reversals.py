"""Reversals in the database: undoing a correction, unless something has happened since that stands in its way."""

import time
from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from familiar.errors import Conflict
from familiar.records import former_owners, learned, people, photo_faces, replays, samples, sightings
from familiar.records.audit import Author
from familiar.records.correction import CorrectionKind, CorrectionStatus, status_of
from familiar.records.engine import MOST_VARIABLES
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.schema import Correction, Enrollment, FormerOwner, Person, Sample
from familiar.records.verdict import Origin
from familiar.records.versions import take_turns

TAKEN_BACK = "taken_back"
"""The code of an enrolment whose pictures were taken back."""


def undo(session: Session, correction: Correction, author: Author) -> None:
    """Put back what a correction changed; of whoever came back, the name must be free.

    Pictures that were added are erased. What was deleted since does not come back, and whoever was merged into somebody
    since stays so.

    Raises:
        Conflict: it was undone already (``correction_undone``), the time is over or what it is about was deleted
            (``correction_final``), or what it changed was changed again (``correction_superseded``); the details have
            the ids of the ``corrections`` that have to be undone first.
    """
    take_turns(session)
    _require_open(correction)
    _require_latest(session, correction)
    _BY_KIND[CorrectionKind(correction.kind)](session, correction)
    correction.undone_at, correction.undone_by, correction.before = time.time(), author.key_id, None
    session.flush()


def _require_open(correction: Correction) -> None:
    status = status_of(correction, time.time())
    if status is CorrectionStatus.UNDONE:
        raise Conflict(f"correction {correction.id} was undone already", code="correction_undone")
    if status is CorrectionStatus.FINAL:
        raise Conflict(
            f"correction {correction.id} can no longer be undone: its time is over, or what it is about was deleted",
            code="correction_final",
        )


def _require_latest(session: Session, correction: Correction) -> None:
    """Check that nothing in force was put right later about the same samples, captures or people who are gone.

    Nor may anybody have been merged into whoever was split off.
    """
    moved = select(FormerOwner.sample_id).where(FormerOwner.correction_id == correction.id)
    held = FormerOwner.enrollment_id == correction.enrollment_id
    again = select(FormerOwner.correction_id).where(FormerOwner.sample_id.in_(moved) | held)
    merged = Correction.person_id == correction.to_person_id
    if correction.kind == CorrectionKind.SPLIT:
        merged |= Correction.to_person_id == correction.to_person_id
    gone = (Correction.kind == CorrectionKind.MERGE) & merged
    later = session.scalars(
        select(Correction.id)
        .where(
            Correction.number > correction.number,
            Correction.undone_at.is_(None),
            Correction.id.in_(again) | gone,
        )
        .order_by(Correction.number.desc())
    ).all()
    if later:
        raise _superseded(correction, later)


def _unmerge(session: Session, correction: Correction) -> None:
    before = correction.before or {}
    other = Person(id=correction.person_id, **before["person"])
    session.add(other)
    session.flush()
    theirs: list[str] = before["enrollments"]
    for start in range(0, len(theirs), MOST_VARIABLES):
        some = theirs[start : start + MOST_VARIABLES]
        former_owners.note(session, Sample.enrollment_id.in_(some), None)
        session.execute(update(Sample).where(Sample.enrollment_id.in_(some)).values(person_id=other.id))
        session.execute(update(Enrollment).where(Enrollment.id.in_(some)).values(person_id=other.id))
    for enrollment_id, (code, message, alike) in before["failed"].items():
        ended = session.get(Enrollment, enrollment_id)
        if ended is not None:
            ended.status, ended.head_version = EnrollmentStatus.FAILED, None
            ended.error_code, ended.error_message, ended.alike_person_id = code, message, alike
    stays = correction.to_person_id or ""
    returned = sightings.give_to(session, stays, other.id, before["sightings"])
    learned.give_back(session, stays, other, returned, since=correction.created_at)
    photo_faces.give_to(session, stays, other.id, before["photo_faces"])
    replays.ask_again(session, {stays, other.id})
    session.flush()


def _move_back(session: Session, correction: Correction) -> None:
    of_it = FormerOwner.correction_id == correction.id
    moved = Sample.id.in_(select(FormerOwner.sample_id).where(of_it))
    if correction.to_person_id is None:
        session.execute(update(Sample).where(moved).values(set_aside=False))
        return
    rows = session.execute(
        select(Sample, FormerOwner.enrollment_id, FormerOwner.position, Enrollment.person_id)
        .join(FormerOwner, FormerOwner.sample_id == Sample.id)
        .join(Enrollment, Enrollment.id == FormerOwner.enrollment_id)
        .where(of_it)
    ).all()
    former_owners.note(session, moved, None)
    automatic = {*(correction.before or {}).get("automatic", [])}
    for sample, enrollment_id, position, person_id in rows:  # whose the enrolment is: the one before may be merged
        sample.enrollment_id, sample.position, sample.person_id = enrollment_id, position, person_id
        if sample.id in automatic:
            sample.origin = Origin.AUTOMATIC
    session.flush()
    session.execute(delete(Enrollment).where(Enrollment.id == correction.enrollment_id))


def _join_again(session: Session, correction: Correction) -> None:
    made = people.get(session, correction.to_person_id or "")
    more = session.scalars(
        select(Enrollment.id).where(Enrollment.person_id == made.id, Enrollment.id != correction.enrollment_id)
    ).all()
    if more:
        raise Conflict(
            f"{made.name} has pictures by now that were not those of the other person: merge the two instead",
            code="correction_superseded",
            corrections=[],
        )
    _move_back(session, correction)
    session.execute(update(Enrollment).where(Enrollment.alike_person_id == made.id).values(alike_person_id=None))
    whose = people.meant(session, {correction.person_id or ""})
    for person in whose.values():  # whoever heads named by the one who goes
        sightings.give_to(session, made.id, person.id)
        photo_faces.give_to(session, made.id, person.id)
        replays.ask_again(session, {made.id, person.id})
    session.delete(made)
    session.flush()


def _take_back(session: Session, correction: Correction) -> None:
    """Erase the pictures that were added."""
    enrollment = session.get(Enrollment, correction.enrollment_id)
    if enrollment is None:
        return
    samples.remove(session, *session.scalars(select(Sample).where(Sample.enrollment_id == enrollment.id)))
    sightings.unname(session, enrollment.id)
    photo_faces.unsay(session, enrollment.id)
    enrollment.status, enrollment.head_version = EnrollmentStatus.FAILED, None
    enrollment.error_code = TAKEN_BACK
    enrollment.error_message = "the pictures were taken back"
    session.flush()


_BY_KIND = {
    CorrectionKind.ADD: _take_back,
    CorrectionKind.MOVE: _move_back,
    CorrectionKind.SPLIT: _join_again,
    CorrectionKind.MERGE: _unmerge,
}


def _superseded(correction: Correction, later: Sequence[str]) -> Conflict:
    return Conflict(
        f"what correction {correction.id} changed was changed again: undo what was put right later first",
        code="correction_superseded",
        corrections=list(later),
    )
