"""Photo jobs in the database: which files were looked at, which faces are on them, and whose these are.

Each picture is one transaction, so whoever goes on with a job finds whole pictures only. A job belongs to one ``owner``
at a time; who takes it over is the owner from then on, and whoever was finds that out before anything is changed.
"""

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, delete, func, select
from sqlalchemy.orm import Session

from familiar.errors import Conflict, NotFound
from familiar.knowing import Status, to_blob
from familiar.records import erasures, people
from familiar.records import person as rules
from familiar.records.photo import PhotoStage, Written
from familiar.records.schema import Person, Photo, PhotoFace, PhotoFile, PhotoJob

Float32 = NDArray[np.float32]

_OPEN = tuple(stage.value for stage in PhotoStage if stage.is_open)


class JobLost(Exception):
    """A job was paused, deleted, or taken over by somebody else; nothing of it may be changed any more."""


@dataclass(frozen=True)
class SeenPhoto:
    """A picture that was looked at: its size in pixels when it is upright, and its EXIF orientation, 1 to 8."""

    digest: str
    width: int
    height: int
    orientation: int


@dataclass(frozen=True)
class FoundFace:
    """A face on a picture.

    Attributes:
        box: left, top, width and height as shares of the upright picture.
        quality: what was measured.
        weight: how good it is to show, 0 to 1.
        crop: the face alone, as JPEG.
        backbone_version: that made the ``vector`` float32[D]; it is None for a face that was too bad.
        person_id: whom the head named, with which ``score``.
    """

    box: tuple[float, float, float, float]
    quality: Mapping[str, Any]
    weight: float
    crop: bytes
    backbone_version: int
    vector: Float32 | None
    status: Status
    person_id: str | None
    score: float | None


@dataclass(frozen=True)
class Summary:
    """A job as it stands: how many files it came to, how many of these are no pictures, and what is on the others."""

    job: PhotoJob
    files: int
    broken: int
    photos: int
    faces: int
    people: int
    strangers: int


@dataclass(frozen=True)
class Region:
    """A named face on a file, as results tell it; ``box`` as in ``FoundFace``."""

    path: str
    width: int
    height: int
    orientation: int
    box: tuple[float, float, float, float]
    person_id: str
    name: str
    said: bool
    score: float | None


def add(session: Session, folder: str, *, uploaded: bool, wanted: Collection[Written] = ()) -> PhotoJob:
    """Add a job for a ``folder`` that is to be read, or for pictures that will be ``uploaded``."""
    job = PhotoJob(
        id=rules.new_id(),
        folder=folder,
        uploaded=uploaded,
        stage=PhotoStage.RECEIVING if uploaded else PhotoStage.QUEUED,
        wanted=sorted(each.value for each in wanted),
        beat=0,
        tries=0,
        created_at=time.time(),
    )
    session.add(job)
    session.flush()
    return job


def get(session: Session, job_id: str, *, lock: bool = False) -> PhotoJob:
    """Return a job, locked against other writers if asked.

    Raises:
        NotFound: there is none with that id.
    """
    job = session.get(PhotoJob, job_id, with_for_update=lock)
    if job is None:
        raise NotFound(f"there is no photo job {job_id}", code="photo_job_not_found")
    return job


def page(session: Session, limit: int, offset: int = 0) -> tuple[list[Summary], int]:
    """Return jobs, the newest first, and how many there are in all."""
    query = select(PhotoJob).order_by(PhotoJob.created_at.desc(), PhotoJob.id).limit(limit).offset(offset)
    total = session.scalar(select(func.count()).select_from(PhotoJob)) or 0
    return [summary(session, job.id) for job in session.scalars(query)], total


def summary(session: Session, job_id: str) -> Summary:
    """Return a job with what it has come to.

    Raises:
        NotFound: there is none with that id.
    """
    job = get(session, job_id)

    def count(what: Any, *conditions: ColumnElement[bool]) -> int:
        return session.scalar(select(func.count(what)).where(*conditions)) or 0

    return Summary(
        job=job,
        files=count(PhotoFile.path, PhotoFile.job_id == job_id),
        broken=count(PhotoFile.path, PhotoFile.job_id == job_id, PhotoFile.code.is_not(None)),
        photos=count(Photo.digest, Photo.job_id == job_id),
        faces=count(PhotoFace.id, PhotoFace.job_id == job_id),
        people=count(PhotoFace.person_id.distinct(), PhotoFace.job_id == job_id),
        strangers=count(PhotoFace.stranger_id.distinct(), PhotoFace.job_id == job_id),
    )


def pause(job: PhotoJob) -> None:
    """Have whoever works on a job leave it; what is done stays.

    Raises:
        Conflict: nobody has to work on it.
    """
    if not PhotoStage(job.stage).is_open:
        raise Conflict(f"the photo job is {job.stage}: there is nothing to pause", code="photo_job_not_running")
    job.stage, job.owner = PhotoStage.PAUSED, None


def resume(job: PhotoJob, wanted: Collection[Written] | None = None) -> None:
    """Have a job gone on with; one that was done looks for what has come since, and names everybody anew.

    Raises:
        Conflict: somebody works on it, or will.
    """
    if not PhotoStage(job.stage).may_go_on:
        raise Conflict(f"the photo job is {job.stage} already", code="photo_job_running")
    job.stage, job.owner, job.tries = PhotoStage.QUEUED, None, 0
    job.error_code = job.error_message = job.ended_at = None
    if wanted is not None:
        job.wanted = sorted(each.value for each in wanted)


def remove(session: Session, job_id: str) -> None:
    """Delete a job with all that it found, crops and embeddings included.

    An ``Erasure`` stays behind until the database's files have been cleaned.

    Raises:
        NotFound: there is none with that id.
    """
    job = get(session, job_id, lock=True)
    erasures.begin(session, job_id, in_heads=False)
    for table in (PhotoFace, Photo, PhotoFile):
        session.execute(delete(table).where(table.job_id == job_id))
    session.delete(job)
    session.flush()


def open_ones(session: Session) -> dict[str, tuple[str | None, int]]:
    """Return the jobs that somebody has to work on: by id, who does, None if nobody, and their last sign of life."""
    query = select(PhotoJob.id, PhotoJob.owner, PhotoJob.beat).where(PhotoJob.stage.in_(_OPEN))
    return {row.id: (row.owner, row.beat) for row in session.execute(query.order_by(PhotoJob.created_at))}


def claim(session: Session, job_id: str, owner: str) -> PhotoJob | None:
    """Take a job that is open, from whoever had it; None if there is nothing to take."""
    job = session.get(PhotoJob, job_id, with_for_update=True)
    if job is None or not PhotoStage(job.stage).is_open:
        return None
    job.tries += job.owner is not None
    job.stage, job.owner, job.beat = PhotoStage.SORTING, owner, job.beat + 1
    session.flush()
    return job


def step(session: Session, job_id: str, owner: str) -> PhotoJob:
    """Return a job for the next change to it, locked, with a sign of life.

    Raises:
        JobLost: it is not ``owner``'s (any more).
    """
    job = session.get(PhotoJob, job_id, with_for_update=True)
    if job is None or job.owner != owner or job.stage != PhotoStage.SORTING:
        raise JobLost(job_id)
    job.beat += 1
    return job


def end(job: PhotoJob, stage: PhotoStage, *, code: str | None = None, message: str | None = None) -> None:
    """Record how the work on a job ended."""
    job.stage, job.owner, job.next_path, job.tries = stage, None, None, 0
    job.error_code, job.error_message = code, message
    job.ended_at = time.time()


def leave(job: PhotoJob) -> None:
    """Leave a job to whoever goes on with it."""
    job.stage, job.owner = PhotoStage.QUEUED, None


def mourn(session: Session, job_id: str) -> None:
    """Leave a job to the next because whoever worked on it has died, perhaps of what was looked at."""
    job = session.get(PhotoJob, job_id, with_for_update=True)
    if job is not None and job.owner is not None and job.stage == PhotoStage.SORTING:
        job.stage, job.owner, job.tries = PhotoStage.QUEUED, None, job.tries + 1


def paths(session: Session, job_id: str) -> set[str]:
    """Return the files that a job need not look at any more.

    What could not be looked at may have been mended since, or may be there as a whole by now, unless it kills.
    """
    settled = PhotoFile.code.is_(None) | (PhotoFile.code == "picture_kills")
    return set(session.scalars(select(PhotoFile.path).where(PhotoFile.job_id == job_id, settled)))


def has(session: Session, job_id: str, digest: str) -> bool:
    """Whether a job has looked at a picture of that SHA-256."""
    return session.get(Photo, (job_id, digest)) is not None


def add_file(session: Session, job_id: str, path: str, *, digest: str | None = None, code: str | None = None) -> None:
    """Record what a file holds, or why it was not looked at."""
    session.merge(PhotoFile(job_id=job_id, path=path, digest=digest, code=code))
    session.flush()


def add_photo(session: Session, job_id: str, photo: SeenPhoto, faces: Sequence[FoundFace]) -> None:
    """Record a picture with its faces; one that is there already stays as it is."""
    if has(session, job_id, photo.digest):
        return
    session.add(
        Photo(job_id=job_id, digest=photo.digest, width=photo.width, height=photo.height, orientation=photo.orientation)
    )
    meant = people.meant(session, {face.person_id for face in faces if face.person_id is not None})
    for place, face in enumerate(faces):
        named = meant[face.person_id].id if face.person_id in meant else None
        session.add(
            PhotoFace(
                id=rules.new_id(),
                job_id=job_id,
                digest=photo.digest,
                place=place,
                box=list(face.box),
                quality=dict(face.quality),
                weight=face.weight,
                status=face.status if named or face.status is not Status.KNOWN else Status.UNKNOWN,
                person_id=named,
                said=False,
                score=face.score,
                backbone_version=face.backbone_version,
                vector=None if face.vector is None else to_blob(face.vector),
                crop=face.crop,
            )
        )
    session.flush()


def settle(
    session: Session,
    job_id: str,
    named: Mapping[str, tuple[str, float]],
    grouped: Mapping[str, str],
    scores: Mapping[str, float | None],
) -> None:
    """Say whose the unsaid faces of a job are.

    Args:
        session: of the transaction.
        job_id: of which job.
        named: person and score by face.
        grouped: stranger by face.
        scores: of those grouped, how alike they are to whom they are most like.
    """
    meant = people.meant(session, {person_id for person_id, _ in named.values()})
    rows = session.scalars(
        select(PhotoFace).where(PhotoFace.job_id == job_id, ~PhotoFace.said, PhotoFace.vector.is_not(None))
    )
    for face in rows:
        said, score = named.get(face.id, (None, scores.get(face.id)))
        person_id = meant[said].id if said in meant else None
        face.person_id, face.score = person_id, score
        face.status = Status.KNOWN if person_id else Status.UNKNOWN
        face.stranger_id = None if person_id else grouped.get(face.id)
    session.flush()


def files(
    session: Session, job_id: str, *, broken: bool, limit: int = 1000, offset: int = 0
) -> tuple[list[PhotoFile], int]:
    """Return the files of a job by path, all or those that could not be looked at, and how many there are in all."""
    mine = PhotoFile.job_id == job_id
    if broken:
        mine &= PhotoFile.code.is_not(None)
    query = select(PhotoFile).where(mine).order_by(PhotoFile.path).limit(limit).offset(offset)
    total = session.scalar(select(func.count()).select_from(PhotoFile).where(mine)) or 0
    return list(session.scalars(query)), total


def regions(session: Session, job_id: str) -> list[Region]:
    """Return who is where on which file of a job, by file and from the left."""
    rows = session.execute(
        select(PhotoFile.path, Photo, PhotoFace, Person.name)
        .join(Photo, (Photo.job_id == PhotoFile.job_id) & (Photo.digest == PhotoFile.digest))
        .join(PhotoFace, (PhotoFace.job_id == Photo.job_id) & (PhotoFace.digest == Photo.digest))
        .join(Person, Person.id == PhotoFace.person_id)
        .where(PhotoFile.job_id == job_id)
    )
    found = []
    for path, photo, face, name in rows:
        left, top, width, height = face.box
        found.append(
            Region(
                path, photo.width, photo.height, photo.orientation, (left, top, width, height), face.person_id or "",
                name, face.said, face.score,
            )
        )  # fmt: skip
    return sorted(found, key=lambda region: (region.path, region.box))
