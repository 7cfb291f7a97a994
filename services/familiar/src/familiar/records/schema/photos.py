"""Folders of photos, and the faces on them."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column

from familiar.records.schema.base import ID, WORD, Base


class PhotoJob(Base):
    """A folder of photos, or photos that were sent, to be sorted by who is on them, see ``familiar.records.photos``.

    ``folder`` is a path on the machine where photos are sorted, or a name for what was ``uploaded``. ``found`` is how
    many pictures there are, where that is known. ``wanted`` says what is to be written beside them, ``written`` what
    was. ``owner`` works on it and counts up ``beat`` with each step; ``next_path`` is what it looks at now, after
    ``tries`` in which others died.
    """

    __tablename__ = "photo_jobs"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    folder: Mapped[str] = mapped_column(Text)
    uploaded: Mapped[bool]
    stage: Mapped[str] = mapped_column(WORD, index=True)
    found: Mapped[int | None]
    wanted: Mapped[list[str]] = mapped_column(JSON)
    written: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True))
    error_code: Mapped[str | None] = mapped_column(WORD)
    error_message: Mapped[str | None] = mapped_column(Text)
    owner: Mapped[str | None] = mapped_column(String(100))
    beat: Mapped[int] = mapped_column(default=0)
    next_path: Mapped[str | None] = mapped_column(Text)
    tries: Mapped[int] = mapped_column(default=0)
    created_at: Mapped[float]
    ended_at: Mapped[float | None]


class PhotoFile(Base):
    """A file that a job came to: which picture it holds, or by its ``code`` why none that could be looked at."""

    __tablename__ = "photo_files"
    __table_args__ = (Index("ix_photo_files_digest", "job_id", "digest"),)
    job_id: Mapped[str] = mapped_column(ID, ForeignKey("photo_jobs.id"), primary_key=True)
    path: Mapped[str] = mapped_column(Text, primary_key=True)
    digest: Mapped[str | None] = mapped_column(String(64))
    code: Mapped[str | None] = mapped_column(WORD)


class Photo(Base):
    """A picture that a job has looked at, however many files hold it; its size is that of the upright picture."""

    __tablename__ = "photos"
    job_id: Mapped[str] = mapped_column(ID, ForeignKey("photo_jobs.id"), primary_key=True)
    digest: Mapped[str] = mapped_column(String(64), primary_key=True)
    width: Mapped[int]
    height: Mapped[int]
    orientation: Mapped[int]


class PhotoFace(Base):
    """A face on a picture of a job: whose the head thinks it is, or somebody ``said`` it is.

    ``person_id`` is who that is, said by an enrolment that learns it where there is one; ``stranger_id`` is which of
    the job's strangers it is of otherwise. ``vector`` is missing where the face was too bad to be asked about.
    """

    __tablename__ = "photo_faces"
    __table_args__ = (
        UniqueConstraint("job_id", "digest", "place"),
        Index("ix_photo_faces_person", "person_id", "job_id"),
        Index("ix_photo_faces_stranger", "job_id", "stranger_id"),
    )
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    job_id: Mapped[str] = mapped_column(ID, ForeignKey("photo_jobs.id"))
    digest: Mapped[str] = mapped_column(String(64))
    place: Mapped[int]
    box: Mapped[list[float]] = mapped_column(JSON)
    quality: Mapped[dict[str, Any]] = mapped_column(JSON)
    weight: Mapped[float]
    status: Mapped[str] = mapped_column(WORD)
    person_id: Mapped[str | None] = mapped_column(ID, ForeignKey("people.id"))
    enrollment_id: Mapped[str | None] = mapped_column(ID)
    said: Mapped[bool] = mapped_column(default=False)
    score: Mapped[float | None]
    stranger_id: Mapped[str | None] = mapped_column(ID)
    backbone_version: Mapped[int]
    vector: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    crop: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
