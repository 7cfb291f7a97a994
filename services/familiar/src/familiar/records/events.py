"""Events in the database: what others are told, in the order in which it was written down.

Whoever adds or removes events takes turns (``take_turns``), so a lower number is never seen after a higher one.
"""

import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, delete, func, or_, select, text
from sqlalchemy.orm import Session

from familiar.errors import NotFound
from familiar.records.engine import MOST_VARIABLES
from familiar.records.event import EventKind
from familiar.records.person import new_id
from familiar.records.schema import Ahead, Destination, Enrollment, Event, Person, Visit

_FAR_AHEAD_S = 86_400.0
# Any number will do; it keeps two processes from adding events to one PostgreSQL database at once.
_ADVISORY_LOCK = 7_263_948_117


@dataclass(frozen=True)
class Wanted:
    """Which events: all that fit all that is given.

    Attributes:
        kind: of this kind.
        person_ids: of whom one of these ids is.
        camera: before this camera.
        since, until: that happened from then on, and before then; UTC seconds since 1970.
    """

    kind: EventKind | None = None
    person_ids: Collection[str] | None = None
    camera: str | None = None
    since: float | None = None
    until: float | None = None

    def conditions(self) -> list[ColumnElement[bool]]:
        """Return what is true of these events only."""
        told = (
            None if self.kind is None else Event.kind == self.kind,
            None if self.person_ids is None else Event.person_id.in_(self.person_ids),
            None if self.camera is None else Event.camera == self.camera,
            None if self.since is None else Event.at >= self.since,
            None if self.until is None else Event.at < self.until,
        )
        return [each for each in told if each is not None]


def take_turns(session: Session) -> None:
    """Let whoever changes events or visits pass one after the other; on SQLite whoever writes does so anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})


def announce(session: Session, visit: Visit, head_version: int) -> Event:
    """Add the event that somebody has come."""
    visit.announced = True
    kind = EventKind.UNKNOWN_SEEN if visit.person_id is None else EventKind.PERSON_SEEN
    return _add(
        session, kind, visit.begun_at, camera=visit.camera, person_id=visit.person_id, score=visit.score,
        visit_id=visit.id, sighting_id=visit.sighting_id, head_version=head_version,
    )  # fmt: skip


def enrolled(session: Session, enrollment_ids: Sequence[str], head_version: int) -> None:
    """Add the events that people are recognised from now on, one for each of whom one of these enrolments is."""
    take_turns(session)
    found: set[str] = set()
    for start in range(0, len(enrollment_ids), MOST_VARIABLES):
        these = Enrollment.id.in_(enrollment_ids[start : start + MOST_VARIABLES])
        found |= set(session.scalars(select(Enrollment.person_id).join(Person).where(these)))
    for person_id in sorted(found):
        _add(session, EventKind.PERSON_ENROLLED, time.time(), person_id=person_id, head_version=head_version)


def _add(session: Session, kind: EventKind, at: float, **its: object) -> Event:
    event = Event(id=new_id(), kind=kind, at=at, written_at=time.time(), **its)
    session.add(event)
    session.flush()
    return event


def page(session: Session, wanted: Wanted, after: int, limit: int) -> list[Event]:
    """Return events, the oldest first, from the one after the number ``after`` on."""
    query = select(Event).where(*wanted.conditions(), Event.number > after)
    return list(session.scalars(query.order_by(Event.number).limit(limit)))


def get(session: Session, event_id: str) -> Event:
    """Return an event.

    Raises:
        NotFound: there is none with that id (any more).
    """
    found = session.scalars(select(Event).where(Event.id == event_id)).first()
    if found is None:
        raise NotFound(f"there is no event {event_id}", code="event_not_found")
    return found


def newest(session: Session) -> int:
    """Return the number of the last event, 0 if there is none."""
    return session.scalar(select(func.max(Event.number))) or 0


def count(session: Session, wanted: Wanted, up_to: int | None = None) -> int:
    """Return how many of these events there are, of all or of those up to a number."""
    told = [] if up_to is None else [Event.number <= up_to]
    return session.scalar(select(func.count()).select_from(Event).where(*wanted.conditions(), *told)) or 0


def cameras(session: Session) -> list[str]:
    """Return the names of the cameras before which somebody was, as far as is kept."""
    named = select(Visit.camera).where(Visit.camera.is_not(None)).distinct().order_by(Visit.camera)
    return [camera for camera in session.scalars(named) if camera is not None]


def due(session: Session, keep_s: float, most: int) -> bool:
    """Whether there is something to prune."""
    old_event = select(Event.number).where(_stale(keep_s)).limit(1)
    old_visit = select(Visit.id).where(_over(keep_s)).limit(1)
    return (
        any(session.scalars(query).first() is not None for query in (old_event, old_visit))
        or count(session, Wanted()) > most
    )


def prune(session: Session, keep_s: float, most: int) -> int:
    """Remove events and visits that are older than ``keep_s``, and the oldest events beyond ``most``; return how many.

    For each destination that was not told of one it is noted that it was dropped.
    """
    take_turns(session)
    doomed = _stale(keep_s)
    if (left := count(session, Wanted())) > most:
        last = select(Event.number).order_by(Event.number).offset(left - most - 1).limit(1).scalar_subquery()
        doomed = or_(doomed, Event.number <= last)
    for destination in session.scalars(select(Destination)):
        known = select(Ahead.number).where(
            Ahead.destination == destination.name, Ahead.camera == func.coalesce(Event.camera, "")
        )
        beyond = Event.number > func.coalesce(known.scalar_subquery(), destination.number)
        destination.dropped += session.scalar(select(func.count()).select_from(Event).where(doomed, beyond)) or 0
    session.flush()
    removed = session.execute(delete(Event).where(doomed)).rowcount  # type: ignore[attr-defined]
    session.execute(delete(Visit).where(_over(keep_s)))
    return int(removed)


def forget_people(session: Session, person_ids: Collection[str], sighting_ids: Sequence[str] = ()) -> None:
    """Remove all events and visits of people, told or not, and of these sightings, whoever those were said to be of."""
    take_turns(session)
    for table in (Event, Visit):
        session.execute(delete(table).where(table.person_id.in_(person_ids)))
        for start in range(0, len(sighting_ids), MOST_VARIABLES):
            session.execute(delete(table).where(table.sighting_id.in_(sighting_ids[start : start + MOST_VARIABLES])))


def _stale(keep_s: float) -> ColumnElement[bool]:
    now = time.time()
    # From far ahead by this clock is what was written while it was wrong: nobody knows how old it is.
    return or_(Event.written_at < now - keep_s, Event.written_at > now + max(keep_s, _FAR_AHEAD_S))


def _over(keep_s: float) -> ColumnElement[bool]:
    now = time.time()
    return or_(Visit.noted_at < now - keep_s, Visit.noted_at > now + max(keep_s, _FAR_AHEAD_S))
