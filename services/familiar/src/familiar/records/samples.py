"""Samples and their embeddings in the database."""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Select, and_, delete, func, select
from sqlalchemy.orm import Session

from familiar.direction import Direction, direction_of
from familiar.errors import NotFound
from familiar.knowing import from_blob, to_blob
from familiar.records import erasures, letting_go
from familiar.records import person as rules
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.schema import Embedding, Enrollment, FrameVerdict, Person, Sample
from familiar.records.versions import take_turns

Float32 = NDArray[np.float32]
_LEARNED = (EnrollmentStatus.QUEUED, EnrollmentStatus.LIVE)


@dataclass(frozen=True)
class StoredRow:
    """One sample as a training reads it; ``vector`` is float32[D], ``direction`` None if the pose was not measured."""

    sample_id: str
    person_id: str
    enrollment_id: str
    captured_at: float
    vector: Float32
    direction: Direction | None


def add(
    session: Session, enrollment: Enrollment, verdict: FrameVerdict, *, crop: bytes, vector: Float32,
    backbone_version: int, detector: str, quality: dict[str, Any], captured_at: float | None = None,
) -> Sample:  # fmt: skip
    """Store an accepted face with its embedding ``vector`` float32[D]; it was taken just now unless that is given."""
    sample = Sample(
        id=rules.new_id(),
        enrollment_id=enrollment.id,
        person_id=enrollment.person_id,
        position=verdict.position,
        captured_at=time.time() if captured_at is None else captured_at,
        detector=detector,
        quality=quality,
        crop=crop,
    )
    session.add(sample)
    session.flush()
    session.add(Embedding(sample_id=sample.id, backbone_version=backbone_version, vector=to_blob(vector)))
    session.flush()
    return sample


def of_person(session: Session, person_id: str, limit: int = 1000, offset: int = 0) -> Sequence[Sample]:
    """Return a person's samples, the oldest first."""
    query = select(Sample).where(theirs(person_id)).order_by(Sample.captured_at, Sample.id)
    return session.scalars(query.limit(limit).offset(offset)).all()


def count(session: Session, person_id: str) -> int:
    """Return how many samples a person has."""
    return session.scalar(select(func.count()).select_from(Sample).where(theirs(person_id))) or 0


def count_to_learn_from(session: Session, person_id: str) -> int:
    """Return how many samples a person is learned from, or will be."""
    query = select(func.count(Sample.id)).join(Enrollment, Enrollment.id == Sample.enrollment_id)
    return session.scalar(query.where(theirs(person_id), Enrollment.status.in_(_LEARNED))) or 0


def theirs(person_id: str) -> ColumnElement[bool]:
    """Return the condition that a sample is this person's, and was not said not to be."""
    return and_(Sample.person_id == person_id, ~Sample.set_aside)


def get(session: Session, person_id: str, sample_id: str) -> Sample:
    """Return one sample of a person.

    Raises:
        NotFound: the person has none with that id.
    """
    sample = session.get(Sample, sample_id)
    if sample is None or sample.person_id != person_id or sample.set_aside:
        raise NotFound(f"person {person_id} has no sample {sample_id}", code="sample_not_found")
    return sample


def find(session: Session, sample_ids: Sequence[str]) -> list[tuple[Sample, str]]:
    """Return those of ``sample_ids`` that somebody enrolled has, with their names; 10,000 at most are asked for."""
    rows = session.execute(_of_enrolled(Sample, Person.name).where(Sample.id.in_(sample_ids)))
    return [(sample, name) for sample, name in rows]


def roll(
    session: Session, person_id: str | None = None, limit: int | None = None, offset: int = 0
) -> list[tuple[str, str]]:
    """Return (sample id, name) of what everybody has who is enrolled, or one of them, by name and time."""
    query = _of_enrolled(Sample.id, Person.name, whose=person_id)
    query = query.order_by(Person.name, Person.id, Sample.captured_at, Sample.id).limit(limit).offset(offset)
    return [(sample_id, name) for sample_id, name in session.execute(query)]


def roll_length(session: Session, person_id: str | None = None) -> int:
    """Return how many samples everybody has who is enrolled, or one of them."""
    return session.scalar(select(func.count()).select_from(_of_enrolled(Sample.id, whose=person_id).subquery())) or 0


def _of_enrolled(*columns: Any, whose: str | None = None) -> Select[Any]:
    joined = select(*columns).select_from(Sample).join(Person, Person.id == Sample.person_id)
    query = joined.where(Person.enrolled, ~Sample.set_aside)
    return query if whose is None else query.where(Person.id == whose)


def ids(session: Session, enrollment_id: str) -> Sequence[str]:
    """Return the ids of an enrolment's samples, in the order they were taken."""
    return session.scalars(
        select(Sample.id).where(Sample.enrollment_id == enrollment_id).order_by(Sample.position)
    ).all()


def remove(session: Session, *doomed: Sample) -> None:
    """Delete samples with their embeddings, and the weights of every head that was made of one.

    An ``Erasure`` of each stays behind until no such head serves or is on disk, and the database's files have been
    cleaned.
    """
    take_turns(session)  # what is put right at this moment would give them to somebody else
    chosen = Sample.id.in_([each.id for each in doomed])
    there = session.scalars(select(Sample).where(chosen).execution_options(populate_existing=True)).all()
    status = {each.id: EnrollmentStatus(session.get_one(Enrollment, each.enrollment_id).status) for each in there}
    learned = [sample_id for sample_id, of_its in status.items() if not of_its.takes_frames]
    for sample_id in status:
        erasures.begin(session, sample_id, in_heads=sample_id in learned)
    if learned:
        erasures.taint(session, erasures.heads_made_of(session, Sample.id.in_(learned)))
    letting_go.forget_samples(session, status)
    session.execute(delete(Embedding).where(Embedding.sample_id.in_(list(status))))
    for each in there:
        session.delete(each)
    session.flush()


def vectors(session: Session, enrollment_id: str, backbone_version: int) -> Float32:
    """Return the embeddings of an enrolment's samples, float32[N, D], in the order they were taken; [0, 0] if none."""
    rows = session.scalars(
        select(Embedding.vector)
        .join(Sample, Sample.id == Embedding.sample_id)
        .where(Sample.enrollment_id == enrollment_id, Embedding.backbone_version == backbone_version)
        .order_by(Sample.position)
    ).all()
    return np.stack([from_blob(row) for row in rows]) if rows else np.zeros((0, 0), np.float32)


def looks(session: Session, enrollment_id: str, backbone_version: int) -> dict[int, Float32 | None]:
    """Return the embedding float32[D] of each of an enrolment's samples, None where that version has not seen it.

    The keys are the positions of their frames, ascending.
    """
    by_version = (Embedding.sample_id == Sample.id) & (Embedding.backbone_version == backbone_version)
    rows = session.execute(
        select(Sample.position, Embedding.vector)
        .outerjoin(Embedding, by_version)
        .where(Sample.enrollment_id == enrollment_id)
        .order_by(Sample.position)
    )
    return {position: None if vector is None else from_blob(vector) for position, vector in rows}


def positions(session: Session, enrollment_id: str) -> set[int]:
    """Return the positions of the frames that an enrolment has samples of."""
    return set(session.scalars(select(Sample.position).where(Sample.enrollment_id == enrollment_id)))


def of_whom(session: Session, person_id: str, backbone_version: int) -> Float32:
    """Return the embeddings float32[N, D] that a person is learned from, or will be; [0, 0] if there are none."""
    rows = session.scalars(
        select(Embedding.vector)
        .join(Sample, Sample.id == Embedding.sample_id)
        .join(Enrollment, Enrollment.id == Sample.enrollment_id)
        .where(
            theirs(person_id),
            Embedding.backbone_version == backbone_version,
            Enrollment.status.in_(_LEARNED),
        )
    ).all()
    return np.stack([from_blob(row) for row in rows]) if rows else np.zeros((0, 0), np.float32)


def crops(session: Session, enrollment_id: str) -> dict[int, bytes]:
    """Return the crops of an enrolment's samples as JPEG by the position of their frames, ascending."""
    query = select(Sample.position, Sample.crop).where(Sample.enrollment_id == enrollment_id).order_by(Sample.position)
    return {row.position: row.crop for row in session.execute(query)}


def qualities(session: Session, enrollment_id: str) -> list[dict[str, Any]]:
    """Return what was measured on an enrolment's samples, in the order they were taken."""
    query = select(Sample.quality).where(Sample.enrollment_id == enrollment_id).order_by(Sample.position)
    return list(session.scalars(query))


def enrolled(session: Session, backbone_version: int, training_id: str | None = None) -> list[StoredRow]:
    """Return every sample to learn from: those of closed captures that are somebody's, by person and time.

    Of captures that are not learned yet only those that take part in ``training_id``, if it is given: what was closed
    after it had begun is for the next one.
    """
    waiting = Enrollment.status == EnrollmentStatus.QUEUED
    if training_id is not None:
        waiting &= Enrollment.training_id == training_id
    yaw, pitch = (Sample.quality[name].as_float() for name in ("yaw_deg", "pitch_deg"))
    rows = session.execute(
        select(Sample.id, Sample.person_id, Sample.enrollment_id, Sample.captured_at, Embedding.vector, yaw, pitch)
        .join(Embedding, Embedding.sample_id == Sample.id)
        .join(Enrollment, Enrollment.id == Sample.enrollment_id)
        .where(
            Embedding.backbone_version == backbone_version,
            ~Sample.set_aside,
            waiting | (Enrollment.status == EnrollmentStatus.LIVE),
        )
        .order_by(Sample.person_id, Sample.captured_at, Sample.position)
    )
    return [
        StoredRow(
            sample_id, person_id, enrollment_id, at, from_blob(vector),
            None if yaw_deg is None or pitch_deg is None else direction_of(yaw_deg, pitch_deg),
        )
        for sample_id, person_id, enrollment_id, at, vector, yaw_deg, pitch_deg in rows
    ]  # fmt: skip


def count_without(session: Session, backbone_version: int) -> int:
    """Return how many samples that backbone version has not seen yet."""
    return session.scalar(select(func.count()).select_from(_without(backbone_version).subquery())) or 0


def crops_without(
    session: Session, backbone_version: int, limit: int = 64, after: str = ""
) -> Iterator[tuple[str, bytes]]:
    """Yield (sample id, crop) of the next ``limit`` samples by id that backbone version has not seen yet."""
    query = _without(backbone_version).where(Sample.id > after).add_columns(Sample.crop)
    query = query.order_by(Sample.id).limit(limit)
    yield from ((sample_id, crop) for sample_id, crop in session.execute(query))


def add_vector(session: Session, sample_id: str, backbone_version: int, vector: Float32) -> None:
    """Store what a backbone version makes of a sample, unless the sample is gone."""
    if session.get(Sample, sample_id) is not None:
        session.merge(Embedding(sample_id=sample_id, backbone_version=backbone_version, vector=to_blob(vector)))


def drop_vectors_but(session: Session, backbone_versions: Sequence[int]) -> None:
    """Delete the embeddings of all other backbone versions."""
    session.execute(delete(Embedding).where(Embedding.backbone_version.not_in(backbone_versions)))


def _without(backbone_version: int):  # type: ignore[no-untyped-def]
    seen = select(Embedding.sample_id).where(Embedding.backbone_version == backbone_version)
    return select(Sample.id).where(Sample.id.not_in(seen))
