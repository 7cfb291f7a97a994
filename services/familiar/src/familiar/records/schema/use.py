"""What was said of faces that came by, and which of them may be learned."""

from typing import Any

from sqlalchemy import JSON, Index, LargeBinary, String, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column

from familiar.records.schema.base import ID, WORD, Base


class QuarantinedFace(Base):
    """A face of a sighting, copied from it: one that may be learned, or that somebody has said something of.

    ``named_id`` is whom the head took it for, or whom it found it most like. ``frames``, ``agreeing``, ``score`` and
    ``day`` (since 1970, by our clock) are of the sighting; ``disagreeing`` counts the frames that named somebody else
    meanwhile (``disputes``). Those that are ``proposed`` wait to be asked about or to be taken; others are there only
    for what was said of them. ``vector`` is of this crop, by ``backbone_version``; None where that has not seen it
    yet, or cannot. Of one that is a sample, ``sample_id`` says which, and ``learned_at`` since when. The crop of one
    that is out and of which nobody has said anything is empty.
    """

    __tablename__ = "quarantine"
    __table_args__ = (UniqueConstraint("sighting_id", "position"),)
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    sighting_id: Mapped[str] = mapped_column(ID)
    position: Mapped[int]
    named_id: Mapped[str | None] = mapped_column(ID, index=True)
    score: Mapped[float | None]
    frames: Mapped[int]
    agreeing: Mapped[int]
    disagreeing: Mapped[int]
    day: Mapped[int]
    captured_at: Mapped[float]
    quality: Mapped[dict[str, Any]] = mapped_column(JSON)
    crop: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)
    vector: Mapped[bytes | None] = mapped_column(LargeBinary, deferred=True)
    backbone_version: Mapped[int | None]
    created_at: Mapped[float] = mapped_column(index=True)
    proposed: Mapped[bool]
    standing: Mapped[str] = mapped_column(WORD)
    sample_id: Mapped[str | None] = mapped_column(ID, index=True)
    learned_at: Mapped[float | None]


class Feedback(Base):
    """What somebody said of a face; ``number`` counts them. Of each face the database lets one be in force.

    The face was taken for ``named_id``; it is ``person_id``'s, as far as that was said. Before anything was said of it,
    the sighting was ``was_id``'s. It is in force until ``ended_at``: until something else was said in its place
    (``replaced``), or it was withdrawn. ``conflict`` names the person and the sample that it contradicts.
    """

    __tablename__ = "feedback"
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(ID, unique=True)
    face_id: Mapped[str | None] = mapped_column(ID, index=True)
    sighting_id: Mapped[str] = mapped_column(ID)
    verdict: Mapped[str] = mapped_column(WORD)
    named_id: Mapped[str | None] = mapped_column(ID, index=True)
    person_id: Mapped[str | None] = mapped_column(ID, index=True)
    was_id: Mapped[str | None] = mapped_column(ID)
    key_id: Mapped[str | None] = mapped_column(ID)
    address: Mapped[str | None] = mapped_column(String(64))
    created_at: Mapped[float]
    ended_at: Mapped[float | None]
    ended_by: Mapped[str | None] = mapped_column(ID)
    replaced: Mapped[bool] = mapped_column(default=False)
    conflict: Mapped[dict[str, str] | None] = mapped_column(JSON(none_as_null=True))


_IN_FORCE = text("ended_at IS NULL")
Index(
    "ix_feedback_one_in_force",
    Feedback.face_id,
    unique=True,
    sqlite_where=_IN_FORCE,
    postgresql_where=_IN_FORCE,
)
