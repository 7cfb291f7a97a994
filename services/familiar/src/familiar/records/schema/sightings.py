"""Who came by, and what another head would have said of them."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, LargeBinary, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from familiar.records.schema.base import ID, WORD, Base


class Stranger(Base):
    """Somebody who came by and whom nobody has named: a group of unknown sightings that look like one person.

    ``into_id`` is the stranger who took all of these sightings over when both turned out to be one.
    """

    __tablename__ = "strangers"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    created_at: Mapped[float]
    into_id: Mapped[str | None] = mapped_column(ID)
    ended_at: Mapped[float | None] = mapped_column(index=True)


class StrangerChange(Base):
    """A line of how strangers were told apart: ``stranger_id`` went into, or came out of, ``other_id``."""

    __tablename__ = "stranger_changes"
    id: Mapped[int] = mapped_column(primary_key=True)
    at: Mapped[float] = mapped_column(index=True)
    kind: Mapped[str] = mapped_column(WORD)
    stranger_id: Mapped[str] = mapped_column(ID, index=True)
    other_id: Mapped[str] = mapped_column(ID, index=True)
    sightings: Mapped[int]


class Sighting(Base):
    """One face that came by, on one frame or on several shortly after each other, and what was said of it.

    ``person_id`` is who it is of: whom the head named (``status``), or whom somebody named at ``named_at``, by an
    enrolment that learns of it. ``vector`` is the mean of all ``frames``, of which ``agreeing`` said what the sighting
    says. ``captured_at`` and ``last_at`` are when the first and the last of them were taken, by whoever sent them;
    ``kept_at`` is by our clock.
    """

    __tablename__ = "sightings"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    captured_at: Mapped[float]
    last_at: Mapped[float]
    kept_at: Mapped[float] = mapped_column(index=True)
    camera: Mapped[str | None] = mapped_column(Text)
    status: Mapped[str] = mapped_column(WORD)
    person_id: Mapped[str | None] = mapped_column(ID, ForeignKey("people.id"))
    named_at: Mapped[float | None]
    enrollment_id: Mapped[str | None] = mapped_column(ID)
    stranger_id: Mapped[str | None] = mapped_column(ID, ForeignKey("strangers.id"), index=True)
    score: Mapped[float | None]
    candidates: Mapped[list[list[Any]]] = mapped_column(JSON)
    head_version: Mapped[int]
    backbone_version: Mapped[int]
    frames: Mapped[int]
    agreeing: Mapped[int]
    vector: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class SightingCrop(Base):
    """One of the best frames of a sighting: the crop, and which face of which request it was."""

    __tablename__ = "sighting_crops"
    sighting_id: Mapped[str] = mapped_column(ID, ForeignKey("sightings.id", ondelete="CASCADE"), primary_key=True)
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    captured_at: Mapped[float]
    request_id: Mapped[str] = mapped_column(String(64), index=True)
    face: Mapped[int]
    weight: Mapped[float]
    box: Mapped[list[float]] = mapped_column(JSON)
    quality: Mapped[dict[str, Any]] = mapped_column(JSON)
    crop: Mapped[bytes] = mapped_column(LargeBinary, deferred=True)


class SightedFace(Base):
    """Which face of which request was one of a sighting's; of a long sighting these are the newest."""

    __tablename__ = "sighted_faces"
    sighting_id: Mapped[str] = mapped_column(ID, ForeignKey("sightings.id", ondelete="CASCADE"), primary_key=True)
    place: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    request_id: Mapped[str] = mapped_column(String(64), index=True)
    face: Mapped[int]


class Replay(Base):
    """What another head, or another threshold, would have said of past sightings: asked for, under way, or answered."""

    __tablename__ = "replays"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    stage: Mapped[str] = mapped_column(WORD, index=True)
    asked: Mapped[dict[str, Any]] = mapped_column(JSON)
    answer: Mapped[dict[str, Any] | None] = mapped_column(JSON(none_as_null=True), deferred=True)
    error_code: Mapped[str | None] = mapped_column(WORD)
    error_message: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[float]
    ended_at: Mapped[float | None]


Index("ix_sightings_time", Sighting.captured_at, Sighting.id)
Index("ix_sightings_person_time", Sighting.person_id, Sighting.captured_at, Sighting.id)
Index("ix_sightings_camera_time", Sighting.camera, Sighting.last_at)
