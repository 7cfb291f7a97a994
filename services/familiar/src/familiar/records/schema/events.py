"""Who came before which camera, what others are told of it, and how far each destination has been told.

Ids of people in them are what was said at the time; whom they mean today is asked of ``people.meant``, as for the
labels of heads, so that a merge moves all of it, and undoing the merge moves it back.
"""

from sqlalchemy import Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from familiar.records.schema.base import ID, WORD, Base


class Visit(Base):
    """Somebody before a camera, from the first frame until they have not been seen for a while.

    Without ``person_id`` it is of somebody unknown: of the one of ``sighting_id`` where faces are kept, of whoever is
    unknown there where they are not. ``noted_at`` is when it was written down last, whatever cameras say.
    """

    __tablename__ = "visits"
    id: Mapped[str] = mapped_column(ID, primary_key=True)
    camera: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[str | None] = mapped_column(ID, index=True)
    sighting_id: Mapped[str | None] = mapped_column(ID)
    begun_at: Mapped[float]
    last_at: Mapped[float] = mapped_column(index=True)
    noted_at: Mapped[float] = mapped_column(index=True)
    frames: Mapped[int]
    score: Mapped[float | None]
    announced: Mapped[bool]


class Event(Base):
    """Something that others are told, once; ``number`` counts them and is never given twice.

    ``at`` is when it happened, ``written_at`` when it was written down, both UTC.
    """

    __tablename__ = "events"
    __table_args__ = ({"sqlite_autoincrement": True},)
    number: Mapped[int] = mapped_column(primary_key=True)
    id: Mapped[str] = mapped_column(ID, unique=True)
    kind: Mapped[str] = mapped_column(WORD)
    at: Mapped[float] = mapped_column(index=True)
    written_at: Mapped[float] = mapped_column(index=True)
    camera: Mapped[str | None] = mapped_column(Text)
    person_id: Mapped[str | None] = mapped_column(ID, index=True)
    score: Mapped[float | None]
    visit_id: Mapped[str | None] = mapped_column(ID)
    sighting_id: Mapped[str | None] = mapped_column(ID)
    head_version: Mapped[int | None]


class Destination(Base):
    """Somebody who is told; all events up to ``number`` are settled for them: told, or not for them.

    Whoever delivers renews ``beat`` as a sign of life. ``problem`` is why the last attempt failed, None if it did not;
    ``dropped`` counts events that were pruned before they could be told.
    """

    __tablename__ = "destinations"
    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    number: Mapped[int]
    owner: Mapped[str | None] = mapped_column(String(100))
    beat: Mapped[int] = mapped_column(default=0)
    delivered: Mapped[int] = mapped_column(default=0)
    dropped: Mapped[int] = mapped_column(default=0)
    problem: Mapped[str | None] = mapped_column(Text)
    touched_at: Mapped[float]


class Ahead(Base):
    """A camera of whose events a destination knows more than of all others', up to ``number``; none is named ''."""

    __tablename__ = "destinations_ahead"
    destination: Mapped[str] = mapped_column(String(40), primary_key=True)
    camera: Mapped[str] = mapped_column(Text, primary_key=True)
    number: Mapped[int]


class Retained(Base):
    """An event that a destination keeps showing, under a topic, until another one takes its place."""

    __tablename__ = "retained_events"
    destination: Mapped[str] = mapped_column(String(40), primary_key=True)
    topic: Mapped[str] = mapped_column(String(300), primary_key=True)
    event_id: Mapped[str] = mapped_column(ID)


Index("ix_visits_camera_last", Visit.camera, Visit.last_at)
