"""Attendance: when people were first and last seen on each day, from their visits."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta, tzinfo

from sqlalchemy import select
from sqlalchemy.orm import Session

from familiar.records import people
from familiar.records.people import Known
from familiar.records.schema import Visit


@dataclass(frozen=True)
class Attended:
    """One person on one day; times are UTC seconds since 1970."""

    day: date
    person: Known
    first_at: float
    last_at: float
    visits: int


def midnight(day: date, zone: tzinfo) -> float:
    """Return when a day begins, in UTC seconds since 1970."""
    return datetime(day.year, day.month, day.day, tzinfo=zone).timestamp()


def of_days(session: Session, first: date, last: date, zone: tzinfo, camera: str | None = None) -> list[Attended]:
    """Return who was seen on the days from ``first`` to ``last``, by day and name; before all cameras, or one.

    A visit over midnight counts on both days: it was seen on the first until it ended, and on the second from its
    beginning. Whoever was merged is who they are now.
    """
    begins, ends = midnight(first, zone), midnight(last + timedelta(days=1), zone)
    query = select(Visit.person_id, Visit.begun_at, Visit.last_at).where(
        Visit.person_id.is_not(None), Visit.last_at >= begins, Visit.begun_at < ends
    )
    rows = session.execute(query if camera is None else query.where(Visit.camera == camera)).all()
    meant = people.meant(session, {person_id for person_id, _, _ in rows if person_id is not None})
    found: dict[tuple[date, Known], Attended] = {}
    for person_id, begun_at, last_at in rows:
        person = meant.get(person_id or "")
        if person is None:
            continue
        for day, start, end in _by_day(max(begun_at, begins), min(last_at, ends), zone):
            if not first <= day <= last:
                continue
            before = found.get((day, person), Attended(day, person, start, end, 0))
            found[day, person] = Attended(
                day, person, min(before.first_at, start), max(before.last_at, end), before.visits + 1
            )
    return sorted(found.values(), key=lambda each: (each.day, each.person.name, each.person.id))


def _by_day(start: float, end: float, zone: tzinfo) -> Iterator[tuple[date, float, float]]:
    """Yield the part of a stretch of time that lies on each day."""
    day = datetime.fromtimestamp(start, UTC).astimezone(zone).date()
    while start <= end:
        over = midnight(day + timedelta(days=1), zone)
        yield day, start, min(end, over)
        start, day = over, day + timedelta(days=1)
