"""Feedback in the database: what somebody said of whom a face was taken for.

That is a fact, where the head's answer is a guess. One thing is in force of each face. What is said anew replaces it,
what is withdrawn ends it, and both stay on record.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import Session

from familiar.errors import Conflict, InvalidInput, NotFound
from familiar.knowing import Status
from familiar.records import letting_go, people, quarantine, samples, sightings
from familiar.records.audit import Author
from familiar.records.person import new_id
from familiar.records.schema import Feedback, QuarantinedFace, Sample, SightedFace, Sighting, SightingCrop
from familiar.records.verdict import Origin, Standing, Verdict
from familiar.records.versions import take_turns


@dataclass(frozen=True)
class Said:
    """What came of something said: ``changed`` is whether it was new, ``unlearned`` whether a sample went by it."""

    feedback: Feedback
    changed: bool
    unlearned: bool = False

    @property
    def asks_for_training(self) -> bool:
        """Whether the head has to be made anew."""
        return self.unlearned or (self.changed and Verdict(self.feedback.verdict).is_negative)


def face_of_request(session: Session, request_id: str, face: int) -> tuple[Sighting, SightingCrop]:
    """Return what was kept of a face of a recognition: that very crop, or the best one of the same pass.

    Raises:
        NotFound: nothing was, or not yet, or it was pruned.
    """
    its = select(SightingCrop).where(SightingCrop.request_id == request_id, SightingCrop.face == face)
    crop = session.scalars(its).first()
    if crop is None:
        of_pass = select(SightedFace.sighting_id).where(SightedFace.request_id == request_id, SightedFace.face == face)
        best = select(SightingCrop).where(SightingCrop.sighting_id.in_(of_pass))
        crop = session.scalars(best.order_by(SightingCrop.weight.desc(), SightingCrop.position)).first()
    if crop is None:
        raise NotFound(
            f"nothing is kept of face {face} of request {request_id}: it may be kept in a second, was too poor to be "
            "kept, or was pruned",
            code="sighting_not_found",
        )
    return sightings.get(session, crop.sighting_id), crop


def face_of_sighting(session: Session, sighting_id: str, face: int) -> tuple[Sighting, SightingCrop]:
    """Return a crop of a sighting by its index.

    Raises:
        NotFound: there is no such sighting (any more), or it has no such crop.
    """
    sighting = sightings.get(session, sighting_id)
    crop = session.get(SightingCrop, (sighting_id, face))
    if crop is None:
        raise NotFound(f"sighting {sighting_id} has no crop {face}", code="sighting_not_found")
    return sighting, crop


def keep(session: Session, sighting: Sighting, crop: SightingCrop) -> QuarantinedFace:
    """Return a face of a sighting as it is kept beyond that."""
    take_turns(session)
    named_id = sighting.person_id
    face_id = quarantine.take_in(session, crop, sighting, named_id, proposed=False)
    return quarantine.get(session, face_id)


def give(session: Session, face: QuarantinedFace, verdict: Verdict, person_id: str | None, author: Author) -> Said:
    """Take down what somebody says of a face; the same said again changes nothing, something else replaces it.

    A face that is a sample already is one that was confirmed, or none any more. What was taken of other frames of the
    sighting is none any more, if it is somebody else's. ``person_id`` is whose face it is.

    Raises:
        NotFound: there is no such person.
        Conflict: the face was taken for nobody, or the person is not enrolled yet.
        InvalidInput: verdict and person contradict each other.
    """
    take_turns(session)
    sightings.take_turns(session)
    named_id = _now(session, face.named_id)
    whose = _whose(session, verdict, named_id, person_id)
    before = in_force(session, [face.id]).get(face.id)
    if before is not None and (before.verdict, _now(session, before.person_id)) == (verdict, whose):
        return Said(before, changed=False)
    sighting, now = session.get(Sighting, face.sighting_id), time.time()
    beside = _said_beside(session, face, whose)
    was_id = None if sighting is None else sighting.person_id
    for each in (before, *beside) if before is not None else beside:
        each.ended_at, each.ended_by, each.replaced = now, author.key_id, True
        if sighting is None or sighting.person_id == _now(session, each.person_id):
            was_id = each.was_id
    row = Feedback(
        id=new_id(), face_id=face.id, sighting_id=face.sighting_id, verdict=verdict, named_id=named_id,
        person_id=whose, was_id=was_id, key_id=author.key_id, address=author.address, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    if sighting is not None and (whose is None or sighting.person_id != whose):
        sightings.say(session, sighting, whose, now)
    session.flush()
    other = _taken_beside(session, face, whose, {each.face_id for each in beside if each.face_id})
    unlearned = [_settle_sample(session, each, whose) for each in (face, *other)]
    return Said(row, changed=True, unlearned=any(unlearned))


def withdraw(session: Session, feedback_id: str, author: Author) -> Said:
    """End what somebody said, and with it what was learned of it; once more, it changes nothing.

    A sample that was put right since, or a sighting that was named, is somebody's by another word, and stays so.

    Raises:
        NotFound: there is no such feedback (any more).
    """
    take_turns(session)
    sightings.take_turns(session)
    feedback = get(session, feedback_id)
    if feedback.ended_at is not None:
        return Said(feedback, changed=False)
    feedback.ended_at, feedback.ended_by, feedback.conflict = time.time(), author.key_id, None
    session.flush()
    sighting = session.get(Sighting, feedback.sighting_id)
    if sighting is not None and sighting.person_id == _now(session, feedback.person_id):
        was_id = _now(session, feedback.was_id)
        named_by_head = sighting.status == Status.KNOWN and sighting.candidates[:1] and was_id is not None
        sightings.say(session, sighting, was_id, None if named_by_head or was_id is None else time.time())
    face, unlearned = session.get(QuarantinedFace, feedback.face_id or ""), False
    if face is not None:
        sample = None if face.sample_id is None else session.get(Sample, face.sample_id)
        if sample is not None and sample.person_id != _now(session, feedback.person_id):
            face.sample_id = None
        unlearned = _settle_sample(session, face, None)
        if not face.proposed:
            letting_go.remove(session, [face.id])
    return Said(feedback, changed=True, unlearned=unlearned)


def _whose(session: Session, verdict: Verdict, named_id: str | None, person_id: str | None) -> str | None:
    """Return whose face it is, as far as that was said."""
    if verdict is Verdict.STRANGER and person_id is not None:
        raise InvalidInput("a stranger is no 'person'", code="invalid_field", field="person")
    if verdict is Verdict.WRONG and person_id is not None and person_id == named_id:
        raise InvalidInput("'person' is whom the face was taken for: that would be right", code="invalid_field",
                           field="person")  # fmt: skip
    if verdict is Verdict.RIGHT and None not in (person_id, named_id) and person_id != named_id:
        raise InvalidInput(
            "'person' is another than whom the face was taken for: that would be wrong", code="invalid_field",
            field="person",
        )  # fmt: skip
    whose = person_id or (named_id if verdict is Verdict.RIGHT else None)
    if whose is None and named_id is None and verdict is not Verdict.STRANGER:
        raise Conflict("the face was taken for nobody: say whose it is, by 'person'", code="nobody_named")
    if whose is not None:
        person = people.get(session, whose)
        if not person.enrolled:
            raise Conflict(f"{person.name} is not enrolled yet: finish the capture first", code="person_not_enrolled")
    return whose


def _said_beside(session: Session, face: QuarantinedFace, whose: str | None) -> list[Feedback]:
    """Return what is in force of other frames of the same sighting, and says that it is somebody else's."""
    its = (Feedback.sighting_id == face.sighting_id) & (Feedback.face_id != face.id) & Feedback.ended_at.is_(None)
    rows = session.scalars(select(Feedback).where(its).order_by(Feedback.number))
    return [row for row in rows if _now(session, row.person_id) != whose]


def _taken_beside(
    session: Session, face: QuarantinedFace, whose: str | None, ended: Collection[str]
) -> list[QuarantinedFace]:
    """Return other frames of the same sighting that are samples of somebody whose it is not.

    They were taken without asking, or by what somebody said that has ``ended``.
    """
    query = (
        select(QuarantinedFace)
        .join(Sample, Sample.id == QuarantinedFace.sample_id)
        .where(QuarantinedFace.sighting_id == face.sighting_id, QuarantinedFace.id != face.id)
        .where((Sample.origin == Origin.AUTOMATIC) | QuarantinedFace.id.in_(ended), ~Sample.set_aside)
        .where(Sample.person_id.is_distinct_from(whose))
    )
    return list(session.scalars(query))


def _settle_sample(session: Session, face: QuarantinedFace, whose: str | None) -> bool:
    """Let a sample that was made of a face be what was said of the face; tell whether it is none any more."""
    sample = None if face.sample_id is None else session.get(Sample, face.sample_id)
    if sample is not None and sample.person_id == whose:
        sample.origin = Origin.CONFIRMED
        return False
    face.sample_id, face.standing = None, Standing.WAITING
    if sample is not None:
        samples.remove(session, sample)
    session.flush()
    return sample is not None


def _now(session: Session, person_id: str | None) -> str | None:
    """Return whom an id means at this moment."""
    if person_id is None:
        return None
    found = people.meant(session, [person_id]).get(person_id)
    return None if found is None else found.id


def get(session: Session, feedback_id: str) -> Feedback:
    """Return what somebody said.

    Raises:
        NotFound: there is none with that id.
    """
    row = session.scalars(select(Feedback).where(Feedback.id == feedback_id)).first()
    if row is None:
        raise NotFound(f"there is no feedback {feedback_id}", code="feedback_not_found")
    return row


def newest(session: Session, limit: int, offset: int = 0, person_id: str | None = None) -> list[Feedback]:
    """Return what was said, the newest first; all, or what is about one person."""
    query = select(Feedback).where(*_about(session, person_id)).order_by(Feedback.number.desc())
    return list(session.scalars(query.limit(limit).offset(offset)))


def count(session: Session, person_id: str | None = None) -> int:
    """Return how often something was said; in all, or about one person."""
    return session.scalar(select(func.count()).select_from(Feedback).where(*_about(session, person_id))) or 0


def in_force(session: Session, face_ids: Collection[str]) -> dict[str, Feedback]:
    """Return what is in force of faces, by their ids; 10,000 at most."""
    query = select(Feedback).where(Feedback.face_id.in_(face_ids), Feedback.ended_at.is_(None))
    return {row.face_id or "": row for row in session.scalars(query)}


def changes(session: Session) -> int:
    """Return how often it was said so far of a face who it is not, or withdrawn; asked before learning, and after."""
    negative = Feedback.verdict != Verdict.RIGHT
    given, ended = session.execute(select(func.count(), func.count(Feedback.ended_at)).where(negative)).one()
    return int(given + ended)


def note_conflicts(session: Session, conflicts: Sequence[Mapping[str, str]]) -> None:
    """Record what in force contradicts samples, and that nothing else does; each has feedback, person and sample."""
    told = {each["feedback"]: {"person": each["person"], "sample": each["sample"]} for each in conflicts}
    concerned = or_(Feedback.id.in_(told), Feedback.conflict.is_not(None))
    for row in session.scalars(select(Feedback).where(Feedback.ended_at.is_(None), concerned)):
        row.conflict = told.get(row.id)


def _about(session: Session, person_id: str | None) -> list[ColumnElement[bool]]:
    if person_id is None:
        return []
    everything = people.all_of(session, person_id)
    return [Feedback.person_id.in_(everything) | Feedback.named_id.in_(everything)]
