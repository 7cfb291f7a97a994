"""Events: ``GET /v1/events``, to page through and to follow; attendance: ``GET /v1/attendance``."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

from flask import Blueprint, Response, request

from familiar.errors import InvalidInput, NotFound
from familiar.records import Database, attendance, check_id, events, people, sightings
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.events import queries, representations
from familiar_gateway.web import Json, Streams, Told, asks_for, caller, doors, payload, services, wants_csv


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    streams: Streams


blueprint = Blueprint("events", __name__)
_AT_ONCE = 100


@blueprint.get("/v1/events")
@asks_for(Scope.EVENTS)
def list_all() -> Json:
    """List events, the oldest first; ``next`` is what to ask ``after`` for the ones that follow, also for none yet."""
    query = payload.read_query(request, queries.PAGE, queries.FILTERS)
    with services(_Needs).database.read() as session:
        wanted = queries.read_filters(request, session)
        rows = events.page(session, wanted, query["after"], query["limit"])
        meant = people.meant(session, {row.person_id for row in rows if row.person_id is not None})
    shown = [representations.event(row, meant) for row in rows]
    return {"events": shown, "next": rows[-1].number if rows else query["after"]}


@blueprint.get("/v1/events/stream")
@asks_for(Scope.EVENTS)
def follow() -> Response:
    """Stream events as they happen, from now on, or from the one after the number that is named."""
    query = payload.read_query(request, {"after": (0, 0, queries.PAGE["after"][2])}, queries.FILTERS)
    its = services(_Needs)
    with its.database.read() as session:
        wanted = queries.read_filters(request, session)
        newest = events.newest(session)
    after = _last_event_id()
    if after is None:
        after = query["after"] if "after" in request.args else newest
    return its.streams.respond(_Following(its.database, wanted, after).news, "ask GET /v1/events meanwhile")


@blueprint.get("/v1/events/<event_id>/snapshot")
@asks_for(Scope.SIGHTINGS)
def snapshot(event_id: str) -> Response:
    """Show the best picture that is kept of whoever came, as JPEG."""
    payload.read_query(request, {})
    check_id(event_id, "event")
    with services(_Needs).database.read() as session:
        found = events.get(session, event_id)
        if caller().camera not in (None, found.camera):
            raise NotFound(f"there is no event {event_id} of that camera", code="event_not_found")
        kept = sightings.crops(session, [found.sighting_id], pictures=True) if found.sighting_id is not None else {}
        crops = kept.get(found.sighting_id or "", [])
    if not crops:
        raise NotFound(f"no picture of event {event_id} is kept", code="snapshot_not_found")
    return Response(max(crops, key=lambda each: each.weight).crop, mimetype="image/jpeg")


@blueprint.get("/v1/attendance")
@asks_for(Scope.EVENTS)
def attended() -> Json | Response:
    """Tell when people were first and last seen on each day, as JSON or CSV."""
    payload.read_query(request, {}, ("day", "since", "until", "camera", "format"))
    its = services(_Needs)
    days, camera = queries.read_days(request, its.settings), queries.read_camera(request)
    as_table = wants_csv(request)
    with its.database.read() as session:
        rows = attendance.of_days(session, *days, its.settings.zone, camera)
    if as_table:
        return Response(representations.table(rows), content_type="text/csv; charset=utf-8; header=present")
    return {"attendance": [representations.attended(each) for each in rows], "time_zone": its.settings.time_zone}


@dataclass
class _Following:
    """Events from a place on; each is told once."""

    database: Database
    wanted: events.Wanted
    after: int

    def news(self) -> Iterator[Told]:
        """Yield what has happened since."""
        doors.look_again()
        with self.database.read() as session:
            rows = events.page(session, self.wanted, self.after, _AT_ONCE)
            meant = people.meant(session, {row.person_id for row in rows if row.person_id is not None})
        for row in rows:
            self.after = row.number
            yield Told(row.kind, representations.event(row, meant), place=str(row.number))


def _last_event_id() -> int | None:
    """Return where a browser says that it was when its stream ended."""
    text = request.headers.get("Last-Event-ID")
    if text is None or text == "":
        return None
    if not (text.isascii() and text.isdigit() and len(text) < 10):
        raise InvalidInput(f"Last-Event-ID {text!r:.50} is no number of an event", code="invalid_query")
    return int(text)
