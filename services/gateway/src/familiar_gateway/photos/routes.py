"""Photo jobs: a folder, or pictures that are sent, sorted by who is on them."""

import contextlib
import hashlib
import time
from collections.abc import Collection, Sequence
from typing import Any, Protocol

from flask import Blueprint, Response, request, send_file, url_for
from sqlalchemy.orm import Session

from familiar.errors import Conflict, DatabaseUnavailable, InvalidInput
from familiar.photos import Looker, Place, keeping, tables
from familiar.records import (
    Action,
    Database,
    Enrollment,
    PhotoFace,
    PhotoStage,
    Written,
    audit,
    check_id,
    clean,
    people,
    photo_faces,
    photos,
)
from familiar.scope import Scope
from familiar.seeing import Quality
from familiar.settings import Settings
from familiar_gateway.enrolling import SeenFace, enroll_seen
from familiar_gateway.photos import archive, representations
from familiar_gateway.web import Json, UnsupportedMediaType, asks_for, caller, page, payload, pictures, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    looker: Looker


blueprint = Blueprint("photos", __name__, url_prefix="/v1/photos")

_MOST_FOLDER = 1_000
_MOST_FACES = 1_000
_ENROLMENT = ("name", "person_id", "allow_same_name", "consent", "if_known", "if_not_alike")
_FIELDS = {
    "stranger": str, "faces": list, "name": str, "person_id": str, "allow_same_name": bool, "consent": str,
    "if_known": str, "if_not_alike": str,
}  # fmt: skip


@blueprint.post("")
@asks_for(Scope.PEOPLE)
def begin() -> tuple[Json, int, dict[str, str]]:
    """Ask for a folder to be sorted, or begin to send pictures."""
    body = payload.read_object(request, {"folder": str, "upload": str, "write": list})
    if ("folder" in body) == ("upload" in body):
        raise InvalidInput(
            "send folder, a folder where photos are sorted, or upload, what to call what will be sent",
            code="missing_field",
            field="folder",
        )
    uploaded = "upload" in body
    wanted = _wanted(body.get("write", []))
    if uploaded and wanted:
        raise InvalidInput("beside pictures that were sent nothing can be written", code="invalid_field", field="write")
    field = "upload" if uploaded else "folder"
    folder = payload.read_text(field, body[field], _MOST_FOLDER)
    if not folder or "\n" in folder:
        raise InvalidInput("the folder has no name", code="invalid_field", field=field)
    with services(_Needs).database.write() as session:
        job_id = photos.add(session, folder, uploaded=uploaded, wanted=wanted).id
    return _show(job_id), 201, {"Location": url_for("photos.show", job_id=job_id)}


@blueprint.get("")
@asks_for(Scope.PEOPLE)
def list_all() -> Json:
    """List jobs, the newest first."""
    query = payload.read_query(request, payload.PAGE)
    with services(_Needs).database.read() as session:
        found, total = photos.page(session, **query)
    return page("photos", [representations.job(each) for each in found], total=total, **query)


@blueprint.get("/<job_id>")
@asks_for(Scope.PEOPLE)
def show(job_id: str) -> Json:
    """Show how far a job is, and what it has come to."""
    payload.read_query(request, {})
    return _show(_checked(job_id))


@blueprint.delete("/<job_id>")
@asks_for(Scope.PEOPLE)
def remove(job_id: str) -> tuple[str, int]:
    """Delete a job with all faces that it found; whoever works on it leaves it."""
    _checked(job_id)
    database = services(_Needs).database

    def delete(session: Session) -> None:
        photos.remove(session, job_id)
        audit.note(session, caller(), Action.PHOTOS_REMOVED, job_id)

    database.retry(delete)
    with contextlib.suppress(DatabaseUnavailable):
        clean(database)  # what cannot be cleaned now, the trainer cleans
    return "", 204


@blueprint.post("/<job_id>/pause")
@asks_for(Scope.PEOPLE)
def pause(job_id: str) -> Json:
    """Have a job wait; what is done stays."""
    _checked(job_id)
    payload.read_optional_object(request, {})
    services(_Needs).database.retry(lambda session: photos.pause(photos.get(session, job_id, lock=True)))
    return _show(job_id)


@blueprint.post("/<job_id>/resume")
@asks_for(Scope.PEOPLE)
def resume(job_id: str) -> tuple[Json, int]:
    """Go on with a job, end the sending of pictures, or look anew for what has come and whom the head knows by now."""
    _checked(job_id)
    body = payload.read_optional_object(request, {"write": list})
    wanted = _wanted(body["write"]) if "write" in body else None

    def go_on(session: Session) -> None:
        job = photos.get(session, job_id, lock=True)
        if job.uploaded and wanted:
            raise InvalidInput(
                "beside pictures that were sent nothing can be written", code="invalid_field", field="write"
            )
        photos.resume(job, wanted)

    services(_Needs).database.retry(go_on)
    return _show(job_id), 202


@blueprint.post("/<job_id>/pictures")
@asks_for(Scope.PEOPLE)
@payload.reads_query("path")
def add_picture(job_id: str) -> tuple[Json, int]:
    """Look at a picture that is sent, under the name that it has where it comes from; it is not kept."""
    its = services(_Needs)
    _checked(job_id)
    path = _checked_path(request.args.get("path", ""))
    request.max_content_length = its.settings.max_image_bytes
    if not pictures.is_picture(request):
        raise UnsupportedMediaType(
            f"send a picture as the body (image/jpeg), got {request.mimetype or 'no Content-Type'}"
        )
    data = payload.read_body(request)
    digest = hashlib.sha256(data).hexdigest()
    with its.database.read() as session:
        _require_receiving(session, job_id)
        known = photos.has(session, job_id, digest)
    code, looked = None, None
    if not known:
        try:
            looked = its.looker.look(data, _meant_by)
        except InvalidInput as exc:
            code = exc.code

    def keep(session: Session) -> None:
        _require_receiving(session, job_id, lock=True)
        if looked is not None:
            keeping.keep(session, job_id, digest, looked)
        photos.add_file(session, job_id, path, digest=None if code else digest, code=code)

    its.database.retry(keep)
    return {"path": path, "code": code}, 200


@blueprint.get("/<job_id>/people")
@asks_for(Scope.PEOPLE)
def list_people(job_id: str) -> Json:
    """List who is on the pictures, people by name and strangers by how often they are there."""
    query = payload.read_query(request, payload.PAGE)
    _checked(job_id)
    with services(_Needs).database.read() as session:
        photos.get(session, job_id)
        known, unknown = photo_faces.people(session, job_id), photo_faces.strangers(session, job_id)
    part = slice(query["offset"], query["offset"] + query["limit"])
    return {
        **page("people", [representations.person(each) for each in known[part]], total=len(known), **query),
        "strangers": [representations.stranger(each) for each in unknown[part]],
        "total_strangers": len(unknown),
    }


@blueprint.get("/<job_id>/faces")
@asks_for(Scope.PEOPLE)
def list_faces(job_id: str) -> Json:
    """List faces with the files they are on, the best first: all, a person's, or a stranger's."""
    query = payload.read_query(request, payload.PAGE, ("person", "stranger"))
    _checked(job_id)
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


@blueprint.get("/<job_id>/faces/<face_id>")
@asks_for(Scope.PEOPLE)
def show_face(job_id: str, face_id: str) -> Response:
    """Show a face as JPEG."""
    payload.read_query(request, {})
    _checked(job_id)
    check_id(face_id, "face")
    with services(_Needs).database.read() as session:
        (row,) = photo_faces.chosen(session, job_id, [face_id])
        return Response(row.crop, mimetype="image/jpeg")


@blueprint.get("/<job_id>/files")
@asks_for(Scope.PEOPLE)
def list_files(job_id: str) -> Json:
    """List the files that could not be looked at, with the reason of each."""
    query = payload.read_query(request, payload.PAGE)
    _checked(job_id)
    with services(_Needs).database.read() as session:
        photos.get(session, job_id)
        found, total = photos.files(session, job_id, broken=True, **query)
    return page("files", [representations.file(each) for each in found], total=total, **query)


@blueprint.post("/<job_id>/name")
@asks_for(Scope.PEOPLE)
def name(job_id: str) -> tuple[Json, int, dict[str, str]]:
    """Say whose faces a stranger's, or single ones, are: the good ones become samples, as frames of an enrolment do."""
    _checked(job_id)
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


@blueprint.post("/<job_id>/unname")
@asks_for(Scope.PEOPLE)
def unname(job_id: str) -> Json:
    """Say of faces that they are not whose they are taken for; nobody is named for them until somebody is."""
    _checked(job_id)
    body = payload.read_object(request, {"faces": list}, required=("faces",))

    def say(session: Session) -> int:
        rows = _meant(session, job_id, body)
        photo_faces.say(session, [row.id for row in rows], None)
        audit.note(session, caller(), Action.FACES_UNNAMED, job_id)
        return len(rows)

    return {"faces": services(_Needs).database.retry(say)}


@blueprint.get("/<job_id>/faces.csv")
@asks_for(Scope.PEOPLE)
def table(job_id: str) -> Response:
    """Give who is where on which file as CSV."""
    payload.read_query(request, {})
    text = tables.to_csv(_places(_checked(job_id)))
    return Response(
        text.encode("utf-8-sig"),
        mimetype="text/csv",
        headers={"Content-Disposition": 'attachment; filename="faces.csv"'},
    )


@blueprint.get("/<job_id>/results.zip")
@asks_for(Scope.PEOPLE)
def results(job_id: str) -> Response:
    """Give links, sidecars and the table as a ZIP, to be unpacked in the folder of the pictures."""
    payload.read_query(request, {})
    file = archive.packed(_places(_checked(job_id)))
    return send_file(file, mimetype="application/zip", as_attachment=True, download_name="results.zip")


def _show(job_id: str) -> Json:
    with services(_Needs).database.read() as session:
        return representations.job(photos.summary(session, job_id))


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


def _require_receiving(session: Session, job_id: str, *, lock: bool = False) -> None:
    if photos.get(session, job_id, lock=lock).stage != PhotoStage.RECEIVING:
        raise Conflict("the photo job takes no pictures", code="photo_job_not_running")


def _meant_by(labels: Collection[str]) -> dict[str, str]:
    with services(_Needs).database.read() as session:
        return {label: known.id for label, known in people.meant(session, labels).items()}


def _wanted(words: list[Any]) -> list[Written]:
    try:
        return list(dict.fromkeys(Written(each) for each in words))
    except ValueError as exc:
        raise InvalidInput(f"'write' is a list of {', '.join(Written)}", code="invalid_field", field="write") from exc


def _checked(job_id: str) -> str:
    return check_id(job_id, "photo job")


def _checked_path(path: str) -> str:
    """Return the path of a picture as it is kept: relative, with slashes, without anything that leads upwards.

    Raises:
        InvalidInput: it is none.
    """
    parts = path.split("/")
    if (
        len(path.encode("utf-8", "replace")) > _MOST_FOLDER
        or not path.isprintable()
        or "\\" in path
        or ":" in path
        or any(part.strip() in ("", ".", "..") for part in parts)
    ):
        raise InvalidInput("'path' is no relative path of a file", code="invalid_query", field="path")
    return path
