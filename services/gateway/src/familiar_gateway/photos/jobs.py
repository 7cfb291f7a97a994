"""Photo jobs: asking for a folder, or pictures that are sent, to be sorted, and following that."""

import contextlib
import hashlib
from collections.abc import Collection
from typing import Any, Protocol

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session

from familiar.errors import Conflict, DatabaseUnavailable, InvalidInput
from familiar.photos import Looker, keeping
from familiar.records import Action, Database, PhotoStage, Written, audit, check_id, clean, people, photos
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.photos import representations
from familiar_gateway.web import Json, UnsupportedMediaType, asks_for, caller, page, payload, pictures, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    looker: Looker


blueprint = Blueprint("photos", __name__, url_prefix="/v1/photos")

_MOST_FOLDER = 1_000


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
    return _show(check_id(job_id, "photo job"))


@blueprint.delete("/<job_id>")
@asks_for(Scope.PEOPLE)
def remove(job_id: str) -> tuple[str, int]:
    """Delete a job with all faces that it found; whoever works on it leaves it."""
    check_id(job_id, "photo job")
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
    check_id(job_id, "photo job")
    payload.read_optional_object(request, {})
    services(_Needs).database.retry(lambda session: photos.pause(photos.get(session, job_id, lock=True)))
    return _show(job_id)


@blueprint.post("/<job_id>/resume")
@asks_for(Scope.PEOPLE)
def resume(job_id: str) -> tuple[Json, int]:
    """Go on with a job, end the sending of pictures, or look anew for what has come and whom the head knows by now."""
    check_id(job_id, "photo job")
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
    check_id(job_id, "photo job")
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


@blueprint.get("/<job_id>/files")
@asks_for(Scope.PEOPLE)
def list_files(job_id: str) -> Json:
    """List the files that could not be looked at, with the reason of each."""
    query = payload.read_query(request, payload.PAGE)
    check_id(job_id, "photo job")
    with services(_Needs).database.read() as session:
        photos.get(session, job_id)
        found, total = photos.files(session, job_id, broken=True, **query)
    return page("files", [representations.file(each) for each in found], total=total, **query)


def _show(job_id: str) -> Json:
    with services(_Needs).database.read() as session:
        return representations.job(photos.summary(session, job_id))


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
