"""Frames of people before cameras, written down as the gateway would."""

from itertools import count

from familiar.records import EventKind, Glimpse, events, people, visits
from familiar.records.engine import Database
from familiar.records.person import new_id
from familiar.records.schema import Event
from familiar.records.visits import Terms

NOON = 1_760_000_000.0
TERMS = Terms(gap_s=60, unknown_frames=5)
_requests = count()


def enrolled(database: Database, name: str) -> str:
    """Return the id of somebody enrolled."""
    with database.write() as session:
        person = people.add(session, name)
        person.enrolled = True
        return person.id


def frame(at: float, *who: str | None, camera: str | None = "door", sightings: tuple[str | None, ...] = ()) -> list:
    """Return the faces of one frame, taken ``at`` seconds after noon; ``who`` is None for somebody unknown."""
    request_id = f"request-{next(_requests)}"
    return [
        Glimpse(
            NOON + at, camera, person_id, 0.9 if person_id else None, request_id, face, 7,
            sightings[face] if face < len(sightings) else None,
        )
        for face, person_id in enumerate(who)
    ]  # fmt: skip


def see(database: Database, *frames: list, terms: Terms = TERMS) -> list[Event]:
    """Note frames, each in a transaction of its own; return the events that came of it."""
    told = []
    for each in frames:
        with database.write() as session:
            told += visits.note(session, each, terms)
    return told


def tell(database: Database, *cameras: str | None) -> list[Event]:
    """Add an event for each camera, of somebody unknown who was not there before."""
    with database.write() as session:
        frames = (frame(0, None, camera=camera, sightings=(new_id(),)) for camera in cameras)
        return [event for each in frames for event in visits.note(session, each, Terms(60, 1))]


def listed(database: Database, **wanted: object) -> list[Event]:
    """Return the events that are there."""
    with database.read() as session:
        return events.page(session, events.Wanted(**wanted), 0, 1000)


def kinds(told: list[Event]) -> list[tuple[EventKind, str | None]]:
    """Return what events tell, and of whom."""
    return [(EventKind(each.kind), each.person_id) for each in told]
