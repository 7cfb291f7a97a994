"""Deliveries in the database: who tells a destination, how far it has been told, and what it keeps showing.

A destination is told of the events of each camera in their order. While one camera's wait, because the destination will
not take one of them, those of the others go on: ``Ahead`` has how far. Whether whoever delivers still lives is seen by
``beat`` being renewed, and judged by who looks, by a clock of its own.
"""

import time
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import and_, delete, func, or_, select, update
from sqlalchemy.orm import Session

from familiar.records import events
from familiar.records.engine import MOST_VARIABLES
from familiar.records.schema import Ahead, Destination, Event, Retained

Sign = tuple[str | None, int]
"""What whoever delivers shows of itself: its name, and how often it has given a sign of life."""
_DAY_S = 86_400.0
_MOST_CHARACTERS = 300


def enlist(session: Session, name: str) -> Destination:
    """Return a destination; a new one is told of what happens from now on."""
    found = session.get(Destination, name)
    if found is None:
        events.take_turns(session)
        found = Destination(name=name, number=events.newest(session), touched_at=time.time())
        session.add(found)
        session.flush()
    return found


def claim(session: Session, name: str, owner: str, silent: Sign | None) -> Sign | None:
    """Take a destination that nobody delivers to, or whose last sign was ``silent``; return the last sign of another.

    None: it is ours.
    """
    found = session.get(Destination, name, with_for_update=True)
    if found is None:
        found = enlist(session, name)
    sign = (found.owner, found.beat)
    if found.owner in (None, owner) or sign == silent:
        found.owner, found.beat, found.touched_at = owner, found.beat + 1, time.time()
        session.flush()
        return None
    return sign


def renew(session: Session, name: str, owner: str) -> bool:
    """Give a sign of life; False if somebody else has taken the destination over."""
    changed = session.execute(
        update(Destination)
        .where(Destination.name == name, Destination.owner == owner)
        .values(beat=Destination.beat + 1, touched_at=time.time())
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def release(session: Session, name: str, owner: str) -> None:
    """Leave a destination to whoever claims it next."""
    session.execute(update(Destination).where(Destination.name == name, Destination.owner == owner).values(owner=None))


def waiting(session: Session, name: str, limit: int, but: Collection[str] = ()) -> list[Event]:
    """Return the next events that a destination has not been told of, in order; ``but`` are cameras left out."""
    place = select(Destination.number).where(Destination.name == name).scalar_subquery()
    query = (
        select(Event)
        .outerjoin(Ahead, and_(Ahead.destination == name, Ahead.camera == func.coalesce(Event.camera, "")))
        .where(Event.number > place, Event.number > func.coalesce(Ahead.number, 0))
    )
    if but:
        query = query.where(func.coalesce(Event.camera, "").not_in(list(but)[:MOST_VARIABLES]))
    return list(session.scalars(query.order_by(Event.number).limit(limit)))


def settle(
    session: Session, name: str, owner: str, reached: Mapping[str, int], delivered: int, problem: str | None
) -> bool:
    """Record how far a destination has been told, by camera, and why no further; False if it is not ours any more.

    ``reached`` is the last settled number of each camera that got on.
    """
    if not renew(session, name, owner):
        return False
    for camera, number in reached.items():
        session.merge(Ahead(destination=name, camera=camera, number=number))
    session.flush()
    first = waiting(session, name, 1)
    last = session.scalar(select(func.max(Ahead.number)).where(Ahead.destination == name))
    found = session.get(Destination, name, populate_existing=True)
    assert found is not None  # it was renewed in this transaction
    found.number = max(found.number, first[0].number - 1 if first else last or 0)
    found.delivered += delivered
    found.problem = None if problem is None else problem[:_MOST_CHARACTERS]
    session.execute(delete(Ahead).where(Ahead.destination == name, Ahead.number <= found.number))
    session.flush()
    return True


def all_of(session: Session) -> list[Destination]:
    """Return all destinations, by name."""
    return list(session.scalars(select(Destination).order_by(Destination.name)))


def backlog(session: Session, destination: Destination) -> int:
    """Return how many events a destination has not been told of, those that are not for it among them."""
    ahead = select(Ahead.number).where(
        Ahead.destination == destination.name, Ahead.camera == func.coalesce(Event.camera, "")
    )
    beyond = Event.number > func.coalesce(ahead.scalar_subquery(), 0)
    query = select(func.count()).select_from(Event).where(Event.number > destination.number, beyond)
    return session.scalar(query) or 0


def drop_unused(session: Session, after_s: float) -> None:
    """Forget destinations to which nobody has delivered for so long: they are not named any more."""
    now = time.time()
    unused = or_(Destination.touched_at < now - after_s, Destination.touched_at > now + max(after_s, _DAY_S))
    gone = list(session.scalars(select(Destination.name).where(unused)))
    for table in (Ahead, Retained):
        session.execute(delete(table).where(table.destination.in_(gone)))
    session.execute(delete(Destination).where(Destination.name.in_(gone)))


def retain(session: Session, name: str, shown: Mapping[str, str]) -> None:
    """Record which event a destination keeps showing, by topic."""
    for topic, event_id in shown.items():
        session.merge(Retained(destination=name, topic=topic, event_id=event_id))


def outlived(session: Session, name: str) -> list[str]:
    """Return the topics under which a destination keeps showing an event that is no more."""
    there = select(Event.id).where(Event.id == Retained.event_id).exists()
    query = select(Retained.topic).where(Retained.destination == name, ~there)
    return list(session.scalars(query.order_by(Retained.topic)))


def retained(session: Session, name: str) -> list[str]:
    """Return the topics under which a destination keeps showing an event."""
    query = select(Retained.topic).where(Retained.destination == name)
    return list(session.scalars(query.order_by(Retained.topic)))


def cleared(session: Session, name: str, topics: Sequence[str]) -> None:
    """Record that nothing is shown under these topics any more."""
    session.execute(delete(Retained).where(Retained.destination == name, Retained.topic.in_(topics)))
