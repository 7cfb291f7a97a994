"""Sightings: who came by, the newest first; their crops; and forgetting one."""

import contextlib
from typing import Protocol
from urllib.parse import urlencode

from flask import Blueprint, Response, jsonify, request, url_for
from sqlalchemy.orm import Session

from familiar.errors import DatabaseUnavailable, InvalidInput
from familiar.records import Action, Database, Sighting, audit, check_id, clean, letting_go, people, sightings
from familiar.scope import Scope
from familiar_gateway.remembering import queries, representations
from familiar_gateway.web import Json, asks_for, caller, payload, services, wants_csv


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database


blueprint = Blueprint("sightings", __name__, url_prefix="/v1/sightings")

_LIMIT = {"limit": (100, 1, 1000)}


@blueprint.get("")
@asks_for(Scope.SIGHTINGS)
def list_all() -> Response:
    """List sightings, the newest first, as JSON or CSV."""
    limit = payload.read_query(request, _LIMIT, (*queries.NARROWING, "after", "format"))["limit"]
    wanted, after, as_csv = queries.read_wanted(request.args), queries.read_place(request), wants_csv(request)
    with services(_Needs).database.read() as session:
        rows = sightings.page(session, wanted, limit + 1, after)
        more, rows = len(rows) > limit, rows[:limit]
        shown = show_all(session, rows)
    following = queries.place(rows[-1]) if more else None
    if not as_csv:
        return jsonify({"sightings": shown, "limit": limit, "next": following})
    answer = Response(representations.table(shown), mimetype="text/csv")
    answer.headers["Content-Disposition"] = 'attachment; filename="sightings.csv"'
    if following is not None:
        address = f"{url_for('sightings.list_all')}?{urlencode({**request.args, 'after': following})}"
        answer.headers["Link"] = f'<{address}>; rel="next"'
    return answer


@blueprint.get("/<sighting_id>")
@asks_for(Scope.SIGHTINGS)
def show(sighting_id: str) -> Json:
    """Show one sighting."""
    payload.read_query(request, {})
    check_id(sighting_id, "sighting")
    with services(_Needs).database.read() as session:
        (shown,) = show_all(session, [sightings.get(session, sighting_id)])
    return shown


@blueprint.get("/<sighting_id>/crops/<index>")
@asks_for(Scope.SIGHTINGS)
def show_crop(sighting_id: str, index: str) -> Response:
    """Show a crop as JPEG."""
    payload.read_query(request, {})
    check_id(sighting_id, "sighting")
    if not (index.isascii() and index.isdigit() and len(index) < 10):
        raise InvalidInput(f"{index[:40]!r} is not the index of a crop", code="invalid_id")
    with services(_Needs).database.read() as session:
        return Response(sightings.crop(session, sighting_id, int(index)), mimetype="image/jpeg")


@blueprint.delete("/<sighting_id>")
@asks_for(Scope.SIGHTINGS)
def erase(sighting_id: str) -> tuple[str, int]:
    """Delete one sighting; nothing of it is kept."""
    check_id(sighting_id, "sighting")
    database = services(_Needs).database

    def delete(session: Session) -> None:
        sightings.take_turns(session)
        sightings.get(session, sighting_id)
        letting_go.forget_sightings(session, [sighting_id])
        sightings.remove(session, [sighting_id], sighting_id)
        audit.note(session, caller(), Action.SIGHTING_ERASED, sighting_id)

    database.retry(delete)
    with contextlib.suppress(DatabaseUnavailable):
        clean(database)  # what cannot be cleaned now, the trainer cleans
    return "", 204


def show_all(session: Session, rows: list[Sighting]) -> list[Json]:
    """Show sightings with their crops, by a fixed number of queries; 1,000 of them at most."""
    meant = people.meant(session, representations.people_of(rows))
    crops = sightings.crops(session, [row.id for row in rows])
    return [representations.sighting(row, crops[row.id], meant) for row in rows]
