"""The quarantine: faces that were seen and that somebody may say something of before they are learned."""

from typing import Protocol

from flask import Blueprint, Response, request

from familiar.records import Database, check_id, people, quarantine
from familiar.scope import Scope
from familiar_gateway.learning import representations
from familiar_gateway.web import Json, asks_for, page, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database


blueprint = Blueprint("quarantine", __name__, url_prefix="/v1/quarantine")


@blueprint.get("")
@asks_for(Scope.SIGHTINGS)
def list_all() -> Json:
    """List the faces that wait, those of whom the head was least sure first; all, or those of one person."""
    query = payload.read_query(request, payload.PAGE, ("person",))
    given = request.args.get("person")
    person_id = None if given is None else check_id(given, "person")
    with services(_Needs).database.read() as session:
        rows = quarantine.cards(session, **query, person_id=person_id)
        meant = people.meant(session, {row.named_id for row in rows if row.named_id})
        total = quarantine.waiting(session, person_id)
    return page("faces", [representations.face(row, meant) for row in rows], total=total, **query)


@blueprint.get("/<face_id>/crop")
@asks_for(Scope.SIGHTINGS)
def show_crop(face_id: str) -> Response:
    """Show a face as JPEG."""
    payload.read_query(request, {})
    check_id(face_id, "face")
    with services(_Needs).database.read() as session:
        return Response(quarantine.get(session, face_id).crop, mimetype="image/jpeg")
