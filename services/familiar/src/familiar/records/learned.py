"""What is learned from use, in the database: faces in quarantine that become samples, and are taken back.

What somebody confirmed lies in an enrolment that no admission judges, as whatever a person has said. What is taken
without anybody having looked lies in one that is judged as a capture, and left out where others would pay for it.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, func, or_, select, update
from sqlalchemy.orm import Session

from familiar.knowing import Float32, from_blob, is_near_copy, normalise
from familiar.records import enrollments, former_owners, people, quarantine, samples, trainings
from familiar.records.audit import Author
from familiar.records.engine import MOST_VARIABLES
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.letting_go import UNSAID, UNSPOKEN
from familiar.records.person import new_id
from familiar.records.schema import Embedding, Enrollment, Feedback, Person, QuarantinedFace, Sample, Training
from familiar.records.training import Stage
from familiar.records.verdict import Origin, Standing
from familiar.records.versions import take_turns

_DAY_S = 86_400.0
_FROM_USE = (Origin.CONFIRMED, Origin.AUTOMATIC)
_SEEN = "sighting"
"""The detector of a sample that comes from a sighting."""


@dataclass(frozen=True)
class Given:
    """A sample as the policy looks at it; ``taken_on`` is the day it was taken automatically, None of all others."""

    id: str
    person_id: str
    vector: Float32
    taken_on: int | None


@dataclass(frozen=True)
class Wanted:
    """Which samples that were learned from use: all that fit all that is given; ``day`` counts from 1970, in UTC."""

    person_id: str | None = None
    day: int | None = None
    origin: Origin | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what is true of these samples only."""
        told = (
            Sample.origin.in_(_FROM_USE) if self.origin is None else Sample.origin == self.origin,
            None if self.person_id is None else Sample.person_id == self.person_id,
            None if self.day is None else Sample.learned_on == self.day,
        )
        return [each for each in told if each is not None]


@dataclass(frozen=True)
class Day:
    """How much was learned from use of a person on a day."""

    day: int
    person_id: str
    origin: str
    samples: int


def confirmed(session: Session) -> dict[str, str]:
    """Return the faces of which somebody has said whose they are, and that are not learned yet: whose, by face."""
    rows = session.execute(
        select(QuarantinedFace.id, Feedback.person_id)
        .join(Feedback, Feedback.face_id == QuarantinedFace.id)
        .where(
            Feedback.ended_at.is_(None), Feedback.person_id.is_not(None),
            QuarantinedFace.standing == Standing.WAITING,
        )
        .order_by(Feedback.number)
    ).all()  # fmt: skip
    meant = people.meant(session, {row.person_id for row in rows})
    return {row.id: meant[row.person_id].id for row in rows if row.person_id in meant}


def give_back(session: Session, person_id: str, to: Person, sighting_ids: Sequence[str], since: float) -> None:
    """Let be another one's again what was said and learned of them while they were taken for this person.

    Those are what was said of these sightings, and the samples of faces that were theirs, ``since`` then.
    """
    take_turns(session)
    columns = (QuarantinedFace.named_id, Feedback.named_id, Feedback.person_id, Feedback.was_id)
    for start in range(0, len(sighting_ids), MOST_VARIABLES):
        chunk = sighting_ids[start : start + MOST_VARIABLES]
        for column in columns:
            table = column.class_
            meanwhile = (column == person_id) & (table.created_at >= since) & table.sighting_id.in_(chunk)
            session.execute(update(table).where(meanwhile).values({column: to.id}))
    rows = session.execute(
        select(QuarantinedFace.named_id, Feedback.person_id, Sample)
        .join(Sample, Sample.id == QuarantinedFace.sample_id)
        .outerjoin(Feedback, (Feedback.face_id == QuarantinedFace.id) & Feedback.ended_at.is_(None))
        .where(Sample.person_id == person_id, QuarantinedFace.learned_at >= since)
        .order_by(Sample.captured_at, Sample.id)
    ).all()
    meant = people.meant(session, {each for named_id, said_id, _ in rows if (each := said_id or named_id)})
    theirs = [sample for named, said, sample in rows if (who := meant.get(said or named or "")) and who.id == to.id]
    for start in range(0, len(theirs), MOST_VARIABLES):
        some = Sample.id.in_([sample.id for sample in theirs[start : start + MOST_VARIABLES]])
        former_owners.note(session, some, None)
    holders: dict[str, Enrollment] = {}
    for position, sample in enumerate(theirs):
        if (holder := holders.get(sample.origin)) is None:
            holder = holders[sample.origin] = _holder(session, to, Origin(sample.origin))
        sample.enrollment_id, sample.person_id, sample.position = holder.id, to.id, position
    session.flush()


def last_at(session: Session) -> float:
    """Return when something was last learned from use, by this clock's seconds since 1970; 0 if nothing was."""
    return session.scalar(select(func.max(QuarantinedFace.learned_at))) or 0.0


def given(session: Session, backbone_version: int) -> list[Given]:
    """Return all samples to learn from, as the policy looks at them."""
    learned = or_(Enrollment.status == EnrollmentStatus.QUEUED, Enrollment.status == EnrollmentStatus.LIVE)
    rows = session.execute(
        select(Sample.id, Sample.person_id, Sample.origin, Sample.learned_on, Embedding.vector)
        .join(Embedding, Embedding.sample_id == Sample.id)
        .join(Enrollment, Enrollment.id == Sample.enrollment_id)
        .where(Embedding.backbone_version == backbone_version, ~Sample.set_aside, learned)
        .order_by(Sample.person_id, Sample.captured_at, Sample.id)
    )
    return [
        Given(row.id, row.person_id, from_blob(row.vector), row.learned_on if row.origin == Origin.AUTOMATIC else None)
        for row in rows
    ]


def copies(
    session: Session, backbone_version: int, least: float, vectors: Mapping[str, Float32 | None]
) -> list[str]:  # fmt: skip
    """Return those of some faces, float32[D] by id, that nobody needs to be asked about, nor has said anything of.

    They are as near as ``least``, a cosine, to a sample of whom they are taken for, cannot be seen, or are of nobody.
    """
    rows = session.scalars(select(QuarantinedFace).where(QuarantinedFace.id.in_(list(vectors)), UNSAID))
    found = []
    for row in rows:
        vector, whom = vectors[row.id], row.named_id
        known = people.meant(session, [whom]) if whom is not None else {}
        if whom is None or whom not in known or vector is None:
            found.append(row.id)
            continue
        theirs = samples.of_whom(session, known[whom].id, backbone_version)
        if is_near_copy(normalise(vector), theirs, least):
            found.append(row.id)
    return found


def learn(session: Session, whose: Mapping[str, str], origin: Origin) -> int:
    """Make samples of faces in quarantine, by id those of these people; return how many.

    Whoever calls this asks for the training that learns them. A face or a person who is gone meanwhile is passed over,
    and so is what was to be taken without asking if somebody has said something of the sighting meanwhile.
    """
    take_turns(session)
    unspoken = select(QuarantinedFace.id).where(QuarantinedFace.id.in_(list(whose)), UNSPOKEN)
    said = {*whose} - {*session.scalars(unspoken)} if origin is Origin.AUTOMATIC else set()
    now, count = time.time(), 0
    holders: dict[str, Enrollment] = {}
    for face_id, person_id in whose.items():
        face, person = session.get(QuarantinedFace, face_id), session.get(Person, person_id)
        if face_id in said or face is None or person is None or face.standing != Standing.WAITING or not face.crop:
            continue
        holder = holders.get(person_id)
        if holder is None:
            holder = holders[person_id] = _holder(session, person, origin)
        sample = Sample(
            id=new_id(), enrollment_id=holder.id, person_id=person.id, position=count, captured_at=face.captured_at,
            detector=_SEEN, quality=face.quality, crop=face.crop, origin=origin,
            learned_on=face.day if origin is Origin.AUTOMATIC else int(now // _DAY_S),
        )  # fmt: skip
        session.add(sample)
        session.flush()
        if face.vector is not None and face.backbone_version is not None:
            session.add(Embedding(sample_id=sample.id, backbone_version=face.backbone_version, vector=face.vector))
        face.sample_id, face.standing, face.learned_at = sample.id, Standing.LEARNED, now
        count += 1
    session.flush()
    return count


def _holder(session: Session, person: Person, origin: Origin) -> Enrollment:
    if origin is Origin.CONFIRMED:
        return enrollments.hold(session, person)
    enrollment = enrollments.open_one(session, person)
    enrollment.status, enrollment.training_id = EnrollmentStatus.QUEUED, trainings.ask(session).id
    session.flush()
    return enrollment


def refused(session: Session) -> list[str]:
    """Return the enrolments of what was taken automatically and refused, since others would have paid for it."""
    its = (Sample.origin == Origin.AUTOMATIC) & (Enrollment.status == EnrollmentStatus.FAILED)
    query = select(Enrollment.id).join(Sample, Sample.enrollment_id == Enrollment.id).where(its).distinct()
    return list(session.scalars(query))


def drop_refused(session: Session, enrollment_id: str) -> None:
    """Remove what was refused; its faces are not to be learned any more, unless the whole training failed."""
    take_turns(session)
    enrollment = session.get(Enrollment, enrollment_id)
    if enrollment is None or enrollment.status != EnrollmentStatus.FAILED:
        return
    of_it = list(session.scalars(select(Sample).where(Sample.enrollment_id == enrollment_id)))
    taken = QuarantinedFace.sample_id.in_([sample.id for sample in of_it])
    faces = list(session.scalars(select(QuarantinedFace).where(taken)))
    training = session.get(Training, enrollment.training_id) if enrollment.training_id else None
    if training is not None and (training.stage, training.error_code) == (Stage.FAILED, enrollment.error_code):
        for face in faces:  # it was no fault of theirs
            face.sample_id, face.standing = None, Standing.WAITING
        session.flush()
    else:
        quarantine.put_out(session, [face.id for face in faces])
    samples.remove(session, *of_it)
    former_owners.let_go(session, enrollment_id)
    session.delete(enrollment)
    session.flush()


def remove(session: Session, sample_ids: Sequence[str], author: Author | None = None) -> int:
    """Take back samples that were learned from use, and what was said of them; return how many.

    Their faces are not to be learned any more. Whoever calls this asks for the training that unlearns them.
    """
    take_turns(session)
    rows = list(session.scalars(select(Sample).where(Sample.id.in_(sample_ids), Sample.origin.in_(_FROM_USE))))
    if not rows:
        return 0
    taken = QuarantinedFace.sample_id.in_([row.id for row in rows])
    faces = list(session.scalars(select(QuarantinedFace.id).where(taken)))
    for said in session.scalars(select(Feedback).where(Feedback.face_id.in_(faces), Feedback.ended_at.is_(None))):
        said.ended_at, said.ended_by = time.time(), author.key_id if author else None
    session.flush()
    quarantine.put_out(session, faces)
    samples.remove(session, *rows)
    return len(rows)


def take_back(session: Session, wanted: Wanted, author: Author) -> tuple[int, Training | None]:
    """Take back all that fits, and ask for one training that unlearns it; return how many samples went."""
    take_turns(session)
    count = remove(session, list(session.scalars(select(Sample.id).where(*wanted.conditions()))), author)
    return count, trainings.ask(session) if count else None


def page(session: Session, wanted: Wanted, limit: int, offset: int = 0) -> list[Sample]:
    """Return samples that were learned from use, the last one learned first."""
    query = select(Sample).where(*wanted.conditions())
    order = (Sample.learned_on.desc(), Sample.captured_at.desc(), Sample.id)
    return list(session.scalars(query.order_by(*order).limit(limit).offset(offset)))


def count(session: Session, wanted: Wanted) -> int:
    """Return how many fit."""
    return session.scalar(select(func.count()).select_from(Sample).where(*wanted.conditions())) or 0


def by_day(session: Session, wanted: Wanted, limit: int) -> list[Day]:
    """Return how much was learned of whom on which days, the last one first."""
    its = (Sample.learned_on, Sample.person_id, Sample.origin)
    query = select(*its, func.count(Sample.id)).where(*wanted.conditions()).group_by(*its)
    rows = session.execute(query.order_by(Sample.learned_on.desc(), Sample.person_id, Sample.origin).limit(limit))
    return [Day(on or 0, person_id, origin, samples_of_it) for on, person_id, origin, samples_of_it in rows]
