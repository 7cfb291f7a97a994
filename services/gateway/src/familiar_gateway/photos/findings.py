"""What a photo job found: whose faces are on the pictures, putting that right, and taking it home."""

import time
from collections.abc import Sequence
from typing import Any, Protocol

from flask import Blueprint, Response, request, send_file
from sqlalchemy.orm import Session

from familiar.errors import InvalidInput
from familiar.photos import Place, keeping, tables
from familiar.records import Action, Database, Enrollment, PhotoFace, audit, check_id, people, photo_faces, photos
from familiar.scope import Scope
from familiar.seeing import Quality
from familiar.settings import Settings
from familiar_gateway.enrolling import SeenFace, enroll_seen
from familiar_gateway.photos import archive, representations
from familiar_gateway.web import Json, asks_for, caller, page, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database


blueprint = Blueprint("photo_findings", __name__, url_prefix="/v1/photos/<job_id>")

_MOST_FACES = 1_000
_ENROLMENT = ("name", "person_id", "allow_same_name", "consent", "if_known", "if_not_alike")
_FIELDS = {
    "stranger": str, "faces": list, "name": str, "person_id": str, "allow_same_name": bool, "consent": str,
    "if_known": str, "if_not_alike": str,
}  # fmt: skip


@blueprint.get("/people")
@asks_for(Scope.PEOPLE)
def list_people(job_id: str) -> Json:
    """List who is on the pictures, people by name and strangers by how often they are there."""
    query = payload.read_query(request, payload.PAGE)
    check_id(job_id, "photo job")
    with services(_Needs).database.read() as session:
        photos.get(session, job_id)
        known, unknown = photo_faces.people(session, job_id), photo_faces.strangers(session, job_id)
    part = slice(query["offset"], query["offset"] + query["limit"])
    return {
        **page("people", [representations.person(each) for each in known[part]], total=len(known), **query),
        "strangers": [representations.stranger(each) for each in unknown[part]],
        "total_strangers": len(unknown),
    }


@blueprint.get("/faces")
@asks_for(Scope.PEOPLE)
def list_faces(job_id: str) -> Json:
    """List faces with the files they are on, the best first: all, a person's, or a stranger's."""
    query = payload.read_query(request, payload.PAGE, ("person", "stranger"))
    check_id(job_id, "photo job")
    person_id, stranger_id = request.args.get("person"), request.args.get("stranger")
    if person_id is not None:
        check_id(person_id, "person")
    if stranger_id is not None:
        check_id(stranger_id, "stranger")
    with services(_Needs).database.read() as session:
        photos.get(session, job_id)
        found, total = photo_faces.faces(session, job_id, person_id=person_id, stranger_id=stranger_id, **query)
        names = people.names(session, {row.person_id for row, _ in found if row.person_id is not None})
    return page("faces", [representations.face(row, files, names) for row, files in found], total=total, **query)


@blueprint.get("/faces/<face_id>")
@asks_for(Scope.PEOPLE)
def show_face(job_id: str, face_id: str) -> Response:
    """Show a face as JPEG."""
    payload.read_query(request, {})
    check_id(job_id, "photo job")
    check_id(face_id, "face")
    with services(_Needs).database.read() as session:
        (row,) = photo_faces.chosen(session, job_id, [face_id])
        return Response(row.crop, mimetype="image/jpeg")


@blueprint.post("/name")
@asks_for(Scope.PEOPLE)
def name(job_id: str) -> tuple[Json, int, dict[str, str]]:
    """Say whose faces a stranger's, or single ones, are: the good ones become samples, as frames of an enrolment do."""
    check_id(job_id, "photo job")
    body = payload.read_object(request, _FIELDS)
    its = services(_Needs)
    with its.database.read() as session:
        photos.get(session, job_id)
        rows = _meant(session, job_id, body)
        seen = [SeenFace(row.crop, Quality(**row.quality), time.time()) for row in rows[: its.settings.enroll_frames]]
    ids, author = [row.id for row in rows], caller()

    def say(session: Session, enrollment: Enrollment) -> None:
        photo_faces.say(session, ids, enrollment.person_id, enrollment.id)
        audit.note(session, author, Action.FACES_NAMED, enrollment.person_id)

    return enroll_seen({field: body[field] for field in _ENROLMENT if field in body}, seen, say)


@blueprint.post("/unname")
@asks_for(Scope.PEOPLE)
def unname(job_id: str) -> Json:
    """Say of faces that they are not whose they are taken for; nobody is named for them until somebody is."""
    check_id(job_id, "photo job")
    body = payload.read_object(request, {"faces": list}, required=("faces",))

    def say(session: Session) -> int:
        rows = _meant(session, job_id, body)
        photo_faces.say(session, [row.id for row in rows], None)
        audit.note(session, caller(), Action.FACES_UNNAMED, job_id)
        return len(rows)

    return {"faces": services(_Needs).database.retry(say)}


@blueprint.get("/faces.csv")
@asks_for(Scope.PEOPLE)
def table(job_id: str) -> Response:
    """Give who is where on which file as CSV."""
    payload.read_query(request, {})
    text = tables.to_csv(_places(check_id(job_id, "photo job")))
    return Response(
        text.encode("utf-8-sig"),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="faces.csv"'},
    )


@blueprint.get("/results.zip")
@asks_for(Scope.PEOPLE)
def results(job_id: str) -> Response:
    """Give links, sidecars and the table as a ZIP, to be unpacked in the folder of the pictures."""
    payload.read_query(request, {})
    file = archive.packed(_places(check_id(job_id, "photo job")))
    return send_file(file, mimetype="application/zip", as_attachment=True, download_name="results.zip")


def _places(job_id: str) -> list[Place]:
    with services(_Needs).database.read() as session:
        photos.get(session, job_id)
        return [keeping.place_of(region) for region in photos.regions(session, job_id)]


def _meant(session: Session, job_id: str, body: dict[str, Any]) -> list[PhotoFace]:
    """Return the faces that are spoken of, with their crops; one stranger's, or single ones."""
    if ("stranger" in body) == ("faces" in body):
        raise InvalidInput("send stranger, or faces", code="missing_field", field="faces")
    if "stranger" in body:
        rows = photo_faces.of_stranger(session, job_id, check_id(body["stranger"], "stranger"))
    else:
        rows = photo_faces.chosen(session, job_id, _checked_faces(body["faces"]))
    return rows


def _checked_faces(ids: list[Any]) -> Sequence[str]:
    if not 1 <= len(ids) <= _MOST_FACES:
        raise InvalidInput(f"1 to {_MOST_FACES} faces are taken at once", code="invalid_field", field="faces")
    for each in ids:
        payload.check_type("faces", each, str)
        check_id(each, "face")
    return list(dict.fromkeys(ids))
