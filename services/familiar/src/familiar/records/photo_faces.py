"""Faces on photos in the database: whose they are, by the head or by what somebody said, or of which stranger."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from familiar.errors import NotFound
from familiar.knowing import Status, from_blob, to_blob
from familiar.records import former_owners
from familiar.records.engine import MOST_VARIABLES
from familiar.records.schema import Person, PhotoFace, PhotoFile

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class Group:
    """Faces of a job that are of one person, or of one stranger; ``face_id`` is the best of them."""

    id: str
    name: str | None
    faces: int
    photos: int
    face_id: str


@dataclass(frozen=True)
class Unsaid:
    """A face of which nobody has said whose it is, as it is named and grouped anew."""

    id: str
    vector: Float32
    backbone_version: int
    stranger_id: str | None


def forget_person(session: Session, person_ids: Collection[str]) -> None:
    """Delete all faces that are a person's, by any id that means them, in every job, and those they were given."""
    given = former_owners.is_copy(person_ids, PhotoFace.enrollment_id, PhotoFace.crop)
    session.execute(delete(PhotoFace).where(PhotoFace.person_id.in_(person_ids) | given))
    session.flush()


def give_to(session: Session, person_id: str, to_person_id: str, among: Collection[str] | None = None) -> list[str]:
    """Let faces of a person, all or those ``among`` these, be another one's in every job; return their ids."""
    theirs = list(session.scalars(select(PhotoFace.id).where(PhotoFace.person_id == person_id)))
    given = theirs if among is None else sorted({*theirs} & {*among})
    _change(session, given, {"person_id": to_person_id})
    return given


def unsay(session: Session, enrollment_id: str) -> None:
    """Let faces be as if nobody had said whose they are, which an enrolment has learned that is taken back."""
    theirs = PhotoFace.enrollment_id == enrollment_id
    nobody = {"person_id": None, "enrollment_id": None, "said": False, "status": Status.UNKNOWN}
    session.execute(update(PhotoFace).where(theirs).values(nobody))


def unsaid(session: Session, job_id: str) -> list[Unsaid]:
    """Return the faces that can be asked about and of which nobody has said whose they are."""
    rows = session.execute(
        select(PhotoFace.id, PhotoFace.vector, PhotoFace.backbone_version, PhotoFace.stranger_id)
        .where(PhotoFace.job_id == job_id, ~PhotoFace.said, PhotoFace.vector.is_not(None))
        .order_by(PhotoFace.id)
    )
    return [Unsaid(row.id, from_blob(row.vector or b""), row.backbone_version, row.stranger_id) for row in rows]


def crops(session: Session, face_ids: Collection[str]) -> dict[str, bytes]:
    """Return crops as JPEG by face; 10,000 at most."""
    rows = session.execute(select(PhotoFace.id, PhotoFace.crop).where(PhotoFace.id.in_(face_ids)))
    return {row.id: row.crop for row in rows}


def renew(session: Session, vectors: Mapping[str, Float32 | None], backbone_version: int) -> None:
    """Store what another backbone version makes of faces, float32[D]; one that it cannot see is asked about no more."""
    for face_id, vector in vectors.items():
        blob = None if vector is None else to_blob(vector)
        values = {"vector": blob, "backbone_version": backbone_version}
        session.execute(update(PhotoFace).where(PhotoFace.id == face_id).values(**values))


def people(session: Session, job_id: str) -> list[Group]:
    """Return who is on the pictures of a job, by name."""
    groups = _groups(session, PhotoFace.person_id, job_id)
    names = {
        row.id: row.name
        for start in range(0, len(groups), MOST_VARIABLES)
        for row in session.execute(
            select(Person.id, Person.name).where(Person.id.in_(list(groups)[start : start + MOST_VARIABLES]))
        )
    }
    found = [Group(each, names[each], *counts) for each, counts in groups.items() if each in names]
    return sorted(found, key=lambda group: (group.name or "", group.id))


def strangers(session: Session, job_id: str) -> list[Group]:
    """Return the strangers on the pictures of a job, the one with most faces first."""
    found = [Group(each, None, *counts) for each, counts in _groups(session, PhotoFace.stranger_id, job_id).items()]
    return sorted(found, key=lambda group: (-group.faces, group.id))


def _groups(session: Session, by: Any, job_id: str) -> dict[str, tuple[int, int, str]]:
    """Return (faces, photos, best face) by what ``by`` says."""
    mine = (PhotoFace.job_id == job_id) & by.is_not(None)
    counts = session.execute(
        select(by, func.count(), func.count(PhotoFace.digest.distinct())).where(mine).group_by(by)
    ).all()
    place = func.row_number().over(partition_by=by, order_by=(PhotoFace.weight.desc(), PhotoFace.id)).label("place")
    ranked = select(by.label("owner"), PhotoFace.id.label("face"), place).where(mine).subquery()
    best = {row.owner: row.face for row in session.execute(select(ranked).where(ranked.c.place == 1))}
    return {owner: (faces, photos, best[owner]) for owner, faces, photos in counts}


def faces(
    session: Session, job_id: str, *, person_id: str | None = None, stranger_id: str | None = None,
    limit: int = 1000, offset: int = 0,
) -> tuple[list[tuple[PhotoFace, list[str]]], int]:  # fmt: skip
    """Return faces of a job, the best first, each with the files it is on, and how many there are in all.

    All of them, or a person's, or a stranger's.
    """
    chosen = PhotoFace.job_id == job_id
    if person_id is not None:
        chosen &= PhotoFace.person_id == person_id
    if stranger_id is not None:
        chosen &= PhotoFace.stranger_id == stranger_id
    query = select(PhotoFace).where(chosen).order_by(PhotoFace.weight.desc(), PhotoFace.id)
    rows = list(session.scalars(query.limit(limit).offset(offset)))
    held: dict[str, list[str]] = {row.digest: [] for row in rows}
    files = select(PhotoFile.digest, PhotoFile.path).where(PhotoFile.job_id == job_id, PhotoFile.digest.in_(list(held)))
    for file in session.execute(files.order_by(PhotoFile.path)):
        held[file.digest or ""].append(file.path)
    total = session.scalar(select(func.count()).select_from(PhotoFace).where(chosen)) or 0
    return [(row, held[row.digest]) for row in rows], total


def chosen(session: Session, job_id: str, face_ids: Sequence[str]) -> list[PhotoFace]:
    """Return faces of a job by their ids, 1,000 at most.

    Raises:
        NotFound: the job has not got one of them (any more).
    """
    query = select(PhotoFace).where(PhotoFace.job_id == job_id, PhotoFace.id.in_(face_ids))
    found = {row.id: row for row in session.scalars(query)}
    for face_id in face_ids:
        if face_id not in found:
            raise NotFound(f"photo job {job_id} has no face {face_id}", code="photo_face_not_found")
    return [found[face_id] for face_id in face_ids]


def of_stranger(session: Session, job_id: str, stranger_id: str) -> list[PhotoFace]:
    """Return the faces of a stranger, the best first.

    Raises:
        NotFound: the job has no such stranger (any more).
    """
    query = select(PhotoFace).where(PhotoFace.job_id == job_id, PhotoFace.stranger_id == stranger_id)
    found = list(session.scalars(query.order_by(PhotoFace.weight.desc(), PhotoFace.id)))
    if not found:
        raise NotFound(f"photo job {job_id} has no stranger {stranger_id}", code="stranger_not_found")
    return found


def say(session: Session, face_ids: Collection[str], person_id: str | None, enrollment_id: str | None = None) -> None:
    """Record that somebody has said whose faces these are: nobody's, or of whom an enrolment learns them."""
    values = {
        "person_id": person_id,
        "enrollment_id": enrollment_id,
        "said": True,
        "stranger_id": None,
        "status": Status.KNOWN if person_id else Status.UNKNOWN,
    }
    _change(session, list(face_ids), values)


def _change(session: Session, face_ids: Sequence[str], values: Mapping[str, Any]) -> None:
    for start in range(0, len(face_ids), MOST_VARIABLES):
        some = PhotoFace.id.in_(face_ids[start : start + MOST_VARIABLES])
        session.execute(update(PhotoFace).where(some).values(**values))
    session.flush()
