"""People, what was captured of them, and their samples."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, deferred, mapped_column

from familiar.records.schema.base import ID, WORD, Base


class Person(Base):
    """Somebody who is, or is about to be, enrolled.

    Of all who are ``enrolled`` under names that look the same (``name_key``) the database admits one, but for those
    who may share theirs (``shares_name``).
    """

    __tablename__ = "people"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    name: Mapped[str] = mapped_column(Text, index=True)
    created_at: Mapped[float]
    name_key: Mapped[str] = mapped_column(Text, index=True)
    shares_name: Mapped[bool] = mapped_column(default=False)
    enrolled: Mapped[bool] = mapped_column(default=False)


class Enrollment(Base):
    """One capture of one person, from the first frame to being recognised.

    ``alike_person_id`` is who the person cannot be told from, if that is why it failed, as long as they are enrolled.
    ``request_digest`` tells what the ``idempotency_key`` was sent with, ``consent`` what the person agreed to when it
    was opened, ``opened_by`` is the id of the key with which that was done, if one was asked for.
    """

    __tablename__ = "enrollments"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    person_id: Mapped[str] = mapped_column(ID, ForeignKey("people.id"), index=True)
    status: Mapped[str] = mapped_column(WORD, index=True)
    idempotency_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    training_id: Mapped[str | None] = mapped_column(ID, ForeignKey("trainings.id"), index=True)
    head_version: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(WORD)
    error_message: Mapped[str | None] = mapped_column(Text)
    alike_person_id: Mapped[str | None] = mapped_column(ID)
    created_at: Mapped[float]
    updated_at: Mapped[float]
    request_digest: Mapped[str | None] = mapped_column(String(64))
    consent: Mapped[str | None] = mapped_column(Text)
    opened_by: Mapped[str | None] = mapped_column(ID)


class FrameVerdict(Base):
    """What was said of one frame of an enrolment; accepted frames have a sample as well."""

    __tablename__ = "frames"
    __table_args__ = (UniqueConstraint("enrollment_id", "digest"),)
    enrollment_id: Mapped[str] = mapped_column(ID, ForeignKey("enrollments.id"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    digest: Mapped[str] = mapped_column(String(64))
    reasons: Mapped[list[str]] = mapped_column(JSON)


class Sample(Base):
    """One accepted face of a person: the crop, how good it was, and when it was taken.

    One that is ``set_aside`` was said not to be theirs and is nobody's: it stays until that can no longer be undone.
    ``origin`` is how it came to be theirs; of one learned from use, ``learned_on`` is the day since 1970, by our clock.
    """

    __tablename__ = "samples"
    __table_args__ = (UniqueConstraint("enrollment_id", "position"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    enrollment_id: Mapped[str] = mapped_column(ID, ForeignKey("enrollments.id"))
    person_id: Mapped[str] = mapped_column(ID, ForeignKey("people.id"), index=True)
    position: Mapped[int]
    captured_at: Mapped[float]
    detector: Mapped[str] = mapped_column(WORD)
    quality: Mapped[dict[str, Any]] = mapped_column(JSON)
    crop: Mapped[bytes] = deferred(mapped_column(LargeBinary))
    set_aside: Mapped[bool] = mapped_column(default=False)
    origin: Mapped[str] = mapped_column(WORD, default="human")
    learned_on: Mapped[int | None]


class Embedding(Base):
    """A sample as one backbone version sees it."""

    __tablename__ = "embeddings"
    sample_id: Mapped[str] = mapped_column(ID, ForeignKey("samples.id", ondelete="CASCADE"), primary_key=True)
    backbone_version: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    vector: Mapped[bytes] = mapped_column(LargeBinary)


Index("ix_samples_person_time", Sample.person_id, Sample.captured_at)
_ONE_OF_A_NAME = text("enrolled AND NOT shares_name")
Index(
    "ix_people_one_of_a_name",
    Person.name_key,
    unique=True,
    sqlite_where=_ONE_OF_A_NAME,
    postgresql_where=_ONE_OF_A_NAME,
)
