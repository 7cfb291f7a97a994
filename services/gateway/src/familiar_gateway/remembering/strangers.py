"""Strangers: who came by and is not known, grouped; and saying who one of them is."""

from typing import Protocol

from flask import Blueprint, request
from sqlalchemy.orm import Session

from familiar.records import Action, Database, Enrollment, audit, check_id, sightings, strangers
from familiar.scope import Scope
from familiar.seeing import Quality
from familiar.settings import Settings
from familiar_gateway.enrolling import SeenFace, enroll_seen
from familiar_gateway.remembering import representations
from familiar_gateway.web import Json, asks_for, caller, page, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database


blueprint = Blueprint("strangers", __name__, url_prefix="/v1/strangers")

_PAGE = {**payload.PAGE, "least": (1, 1, 10**6)}
_MOST_LOOKED_THROUGH = 1_000
_FIELDS = {
    "name": str, "person_id": str, "allow_same_name": bool, "consent": str, "if_known": str, "if_not_alike": str
}  # fmt: skip


@blueprint.get("")
@asks_for(Scope.SIGHTINGS)
def list_all() -> Json:
    """List strangers, the one seen last first."""
    query = payload.read_query(request, _PAGE)
    with services(_Needs).database.read() as session:
        found, total = strangers.page(session, **query)
    query.pop("least")
    return page("strangers", [representations.stranger(each) for each in found], total=total, **query)


@blueprint.get("/<stranger_id>")
@asks_for(Scope.SIGHTINGS)
def show(stranger_id: str) -> Json:
    """Show one stranger, with what went into them or came out of them."""
    payload.read_query(request, {})
    check_id(stranger_id, "stranger")
    with services(_Needs).database.read() as session:
        found, changes = strangers.get(session, stranger_id), strangers.changes(session, stranger_id)
        return {**representations.stranger(found), "changes": [representations.change(each) for each in changes]}


@blueprint.post("/<stranger_id>/name")
@asks_for(Scope.SIGHTINGS)
def name(stranger_id: str) -> tuple[Json, int, dict[str, str]]:
    """Say who a stranger is: somebody new, or a person who is there; the best crops become samples, as frames do."""
    check_id(stranger_id, "stranger")
    body = payload.read_object(request, _FIELDS)
    its = services(_Needs)
    with its.database.read() as session:
        strangers.get(session, stranger_id)
        faces = _best_faces(session, stranger_id, its.settings.enroll_frames)
    author = caller()

    def settle(session: Session, enrollment: Enrollment) -> None:
        strangers.name(session, stranger_id, enrollment.person_id, enrollment.id)
        audit.note(session, author, Action.STRANGER_NAMED, enrollment.person_id)

    return enroll_seen(body, faces, settle)


def _best_faces(session: Session, stranger_id: str, most: int) -> list[SeenFace]:
    rows = sightings.page(session, sightings.Wanted(stranger_id=stranger_id), _MOST_LOOKED_THROUGH)
    crops = [crop for each in sightings.crops(session, [row.id for row in rows]).values() for crop in each]
    best = sorted(crops, key=lambda crop: -crop.weight)[:most]
    return [
        SeenFace(sightings.crop(session, each.sighting_id, each.position), Quality(**each.quality), each.captured_at)
        for each in sorted(best, key=lambda crop: crop.captured_at)
    ]
