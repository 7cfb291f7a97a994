"""Corrections in the database: what somebody put right, done and undone in one transaction each.

Whoever puts something right has to ask for a training in the same transaction. Trainings learn what stands here and
never change it: what a person said is a fact, what a head says is a guess.
"""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select, update
from sqlalchemy.orm import Session

from familiar.errors import Conflict, NotFound
from familiar.records import (
    enrollments,
    erasures,
    former_owners,
    people,
    photo_faces,
    replays,
    samples,
    sightings,
    versions,
)
from familiar.records.audit import Author
from familiar.records.correction import CorrectionKind
from familiar.records.engine import MOST_VARIABLES
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.person import new_id
from familiar.records.schema import Correction, Enrollment, FormerOwner, HeadVersion, Person, Sample
from familiar.records.verdict import Origin
from familiar.records.versions import take_turns

OF_A_PERSON = ("name", "name_key", "shares_name", "created_at", "enrolled")
"""What a merge takes down of the one who goes, beside the id."""


@dataclass(frozen=True)
class Terms:
    """Who puts something right, and for how long it can be undone, in seconds."""

    author: Author
    undo_s: float


def merge(session: Session, person_id: str, other_id: str, terms: Terms) -> Correction:
    """Make another person one with this one, who stays, with all that is stored of both.

    A capture that had failed because the two cannot be told apart is learned after all. Heads made before know the
    other one by an id that means the person from now on, see ``people.meant``.

    Raises:
        NotFound: there is no such person.
        Conflict: the first capture of one of them is still open.
    """
    take_turns(session)
    person, other = people.get(session, person_id), people.get(session, other_id)
    for each in (person, other):
        _require_enrolled(each)
    correction = _begin(session, CorrectionKind.MERGE, other.id, person.id, terms)
    correction.samples = former_owners.note(session, Sample.person_id == other.id, correction.id)
    theirs = session.scalars(select(Enrollment.id).where(Enrollment.person_id == other.id)).all()
    session.execute(update(Enrollment).where(Enrollment.person_id == other.id).values(person_id=person.id))
    session.execute(update(Sample).where(Sample.person_id == other.id).values(person_id=person.id))
    correction.before = {
        "person": {name: getattr(other, name) for name in OF_A_PERSON},
        "enrollments": list(theirs),
        "failed": _admit_alike(session, person),
        "sightings": sightings.give_to(session, other.id, person.id),
        "photo_faces": photo_faces.give_to(session, other.id, person.id),
    }
    replays.ask_again(session, {other.id, person.id})
    session.delete(other)
    session.flush()
    return correction


def move(
    session: Session, person_id: str, sample_ids: Sequence[str], to_person_id: str | None, terms: Terms, *,
    kind: CorrectionKind = CorrectionKind.MOVE,
) -> Correction:  # fmt: skip
    """Give samples of a person to another one, or to nobody.

    What was learned without asking is somebody's by a person's word from then on. What is nobody's stays stored as long
    as it can be undone, and is erased then.

    Raises:
        NotFound: there is no such person, or the person has no such sample.
        Conflict: one is of a capture that is still open, or the first capture of the other person is.
    """
    take_turns(session)
    person = people.get(session, person_id)
    to = None if to_person_id is None else people.get(session, to_person_id)
    if to is not None:
        _require_enrolled(to)
    chosen = _require_learnable(session, person, sample_ids)
    correction = _begin(session, kind, person.id, to_person_id, terms)
    correction.samples = former_owners.note(session, chosen, correction.id)
    if to is None:
        session.execute(update(Sample).where(chosen).values(set_aside=True))
    else:
        holder = enrollments.hold(session, to)
        correction.enrollment_id = holder.id
        rows = session.scalars(select(Sample).where(chosen).order_by(Sample.captured_at, Sample.id)).all()
        if automatic := [sample.id for sample in rows if sample.origin == Origin.AUTOMATIC]:
            correction.before = {"automatic": automatic}
        for position, sample in enumerate(rows):
            sample.enrollment_id, sample.person_id, sample.position = holder.id, to.id, position
            if sample.origin == Origin.AUTOMATIC:  # somebody has looked at it by now
                sample.origin = Origin.CONFIRMED
    session.flush()
    return correction


def split(
    session: Session, person_id: str, sample_ids: Sequence[str], name: str, terms: Terms, *, shares_name: bool = False
) -> Correction:
    """Make a new person, under a name already cleaned, of samples of another one.

    Two who may not share a name fail by the database's constraint. Raises besides as ``move`` does.
    """
    made = people.add(session, name, shares_name=shares_name, enrolled=True)
    return move(session, person_id, sample_ids, made.id, terms, kind=CorrectionKind.SPLIT)


def added(session: Session, enrollment: Enrollment, terms: Terms) -> Correction:
    """Record that a capture, just closed, adds to somebody who was enrolled before."""
    correction = _begin(session, CorrectionKind.ADD, None, enrollment.person_id, terms)
    correction.enrollment_id = enrollment.id
    of_it = select(func.count()).select_from(Sample).where(Sample.enrollment_id == enrollment.id)
    correction.samples = session.scalar(of_it) or 0
    session.flush()
    return correction


def get(session: Session, correction_id: str, *, lock: bool = False) -> Correction:
    """Return a correction, locked against other writers if asked.

    Raises:
        NotFound: there is none with that id.
    """
    query = select(Correction).where(Correction.id == correction_id)
    found = session.scalars(query.with_for_update() if lock else query).first()
    if found is None:
        raise NotFound(f"there is no correction {correction_id}", code="correction_not_found")
    return found


def newest(session: Session, limit: int, offset: int = 0, person_id: str | None = None) -> list[Correction]:
    """Return corrections, the newest first; all, or those about one person."""
    query = select(Correction).where(*_about(session, person_id)).order_by(Correction.number.desc())
    return list(session.scalars(query.limit(limit).offset(offset)))


def count(session: Session, person_id: str | None = None) -> int:
    """Return how many corrections there are; all, or those about one person."""
    return session.scalar(select(func.count()).select_from(Correction).where(*_about(session, person_id))) or 0


def changes(session: Session) -> int:
    """Return how often samples have changed hands so far: whoever reads them asks before, and again afterwards."""
    done, undone = session.execute(
        select(func.count(), func.count(Correction.undone_at)).where(Correction.kind != CorrectionKind.ADD)
    ).one()
    return int(done + undone)


def contradict(session: Session, head: HeadVersion) -> bool:
    """Whether a head may have learned a sample as somebody's of whom a person has said that it is not.

    It need not go, since what was said can be undone, but it must not come back.
    """
    differing = former_owners.disowned(session, versions.origins(session).get(head.version, head.version))
    known = set(head.person_ids) if differing else set()
    concerned = [(was, now) for was, now in differing if was in known]
    meant = people.meant(session, {was for was, _ in concerned})
    return any(was not in meant or meant[was].id != now for was, now in concerned)


def due(session: Session) -> list[str]:
    """Return the ids of the corrections that can no longer be undone, by this clock, and are not final yet."""
    over = Correction.undone_at.is_(None) & ~Correction.final & (Correction.undoable_until <= time.time())
    return list(session.scalars(select(Correction.id).where(over).order_by(Correction.number)))


def settle(session: Session, correction_id: str) -> None:
    """Make a correction final whose time is over: what went to nobody is erased, and what it was before forgotten."""
    take_turns(session)
    correction = get(session, correction_id, lock=True)
    if correction.undone_at is not None or correction.final:
        return
    of_it = select(FormerOwner.sample_id).where(FormerOwner.correction_id == correction.id)
    if correction.to_person_id is None:
        samples.remove(session, *session.scalars(select(Sample).where(Sample.id.in_(of_it), Sample.set_aside)))
    if "person" in (correction.before or {}):  # the name of whoever was merged is in the files of the database
        erasures.begin(session, correction.id, in_heads=False)
    correction.final, correction.before = True, None
    session.flush()


def _begin(
    session: Session, kind: CorrectionKind, person_id: str | None, to_person_id: str | None, terms: Terms
) -> Correction:
    now = time.time()
    correction = Correction(
        id=new_id(),
        kind=kind,
        person_id=person_id,
        to_person_id=to_person_id,
        samples=0,
        key_id=terms.author.key_id,
        address=terms.author.address,
        created_at=now,
        undoable_until=now + terms.undo_s,
    )
    session.add(correction)
    session.flush()
    return correction


def _about(session: Session, person_id: str | None) -> list[ColumnElement[bool]]:
    if person_id is None:
        return []
    everything = people.all_of(session, person_id)
    return [Correction.person_id.in_(everything) | Correction.to_person_id.in_(everything)]


def _require_enrolled(person: Person) -> None:
    if not person.enrolled:
        raise Conflict(
            f"{person.name} is not enrolled yet: finish the capture, or give it up, first", code="person_not_enrolled"
        )


def _require_learnable(session: Session, person: Person, sample_ids: Sequence[str]) -> ColumnElement[bool]:
    """Return the condition that a sample is one of these, all of which are the person's."""
    chosen = Sample.id.in_(sample_ids[:MOST_VARIABLES])
    rows = session.execute(
        select(Sample.id, Enrollment.status)
        .join(Enrollment, Enrollment.id == Sample.enrollment_id)
        .where(chosen, samples.theirs(person.id))
        .with_for_update(of=Sample)
    ).all()
    statuses = {sample_id: EnrollmentStatus(status) for sample_id, status in rows}
    for sample_id in sample_ids:
        if sample_id not in statuses:
            raise NotFound(f"person {person.id} has no sample {sample_id}", code="sample_not_found")
        if statuses[sample_id].takes_frames:
            raise Conflict(
                f"sample {sample_id} is of a capture that is still open: finish it, or give it up, first",
                code="enrollment_open",
            )
    return chosen


def _admit_alike(session: Session, person: Person) -> dict[str, list[Any]]:
    """Have captures learned that failed because a person could not be told from who is the same person now.

    Return what they ended with, by their ids.
    """
    everything = people.all_of(session, person.id)
    rows = session.scalars(
        select(Enrollment).where(
            Enrollment.person_id == person.id,
            Enrollment.status == EnrollmentStatus.FAILED,
            Enrollment.alike_person_id.in_(everything),
        )
    ).all()
    ended = {row.id: [row.error_code, row.error_message, row.alike_person_id] for row in rows}
    for row in rows:
        enrollments.admit(session, row)
    return ended
