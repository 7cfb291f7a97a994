"""Enrolments: live capture step by step, or all at once."""

from typing import Any, Protocol

from flask import Blueprint, Response, request, url_for
from werkzeug.datastructures import FileStorage

from familiar.errors import FamiliarError, InvalidInput
from familiar.records import Database, EnrollmentStatus, IfKnown, check_id, enrollments, people, samples, versions
from familiar.seeing import Decoder
from familiar.settings import Settings
from familiar_gateway.enrolling import coaching, representations, uploads
from familiar_gateway.enrolling.capture import Capturer, Shot, Verdict
from familiar_gateway.enrolling.events import Streams
from familiar_gateway.enrolling.opening import check_idempotency_key, check_person, open_enrollment
from familiar_gateway.operating import Metrics
from familiar_gateway.web import Json, UnsupportedMediaType, payload, pictures, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    decoder: Decoder
    capturer: Capturer
    streams: Streams
    metrics: Metrics


blueprint = Blueprint("enrollments", __name__)


@blueprint.post("/v1/enrollments")
def open_one() -> tuple[Json, int, dict[str, str]]:
    """Open a capture; with an ``Idempotency-Key`` sent before, answer with the one opened then."""
    body = payload.read_object(request, {"name": str, "person_id": str, "allow_same_name": bool})
    enrollment_id, new = _open(
        body.get("name"), body.get("person_id"), allow_same_name=body.get("allow_same_name", False)
    )
    return _show(enrollment_id), 201 if new else 200, _location(enrollment_id)


@blueprint.post("/v1/enrollments/<enrollment_id>/frames")
def add_frames(enrollment_id: str) -> Json:
    """Judge one or several frames and say what to do next."""
    its = services(_Needs)
    check_id(enrollment_id, "enrolment")
    request.max_content_length = its.settings.max_body_bytes
    if pictures.is_picture(request):
        request.max_content_length = its.settings.max_image_bytes
    elif request.mimetype == "application/json":
        request.max_content_length = min(its.settings.max_body_bytes, 2 * its.settings.max_image_bytes)
    datas = pictures.read_several(request, "frames", its.settings.max_image_bytes)
    verdicts = its.capturer.add(enrollment_id, (Shot.of_picture(data, its.decoder) for data in datas))
    _count(verdicts)
    return {"frames": [representations.verdict(each) for each in verdicts], **_show(enrollment_id, verdicts)}


@blueprint.post("/v1/enrollments/<enrollment_id>/finish")
def finish(enrollment_id: str) -> tuple[Json, int, dict[str, str]]:
    """End the capture and have it learned."""
    check_id(enrollment_id, "enrolment")
    body = payload.read_optional_object(request, {"if_known": str})
    services(_Needs).capturer.finish(enrollment_id, _if_known(body.get("if_known")))
    return _show(enrollment_id), 202, _location(enrollment_id)


@blueprint.get("/v1/enrollments/<enrollment_id>")
def show(enrollment_id: str) -> Json:
    """Show how far an enrolment is."""
    payload.read_query(request, {})
    return _show(check_id(enrollment_id, "enrolment"))


@blueprint.delete("/v1/enrollments/<enrollment_id>")
def discard(enrollment_id: str) -> tuple[str, int]:
    """Give up a capture; nothing of it is kept."""
    its = services(_Needs)
    check_id(enrollment_id, "enrolment")
    its.database.retry(lambda session: enrollments.discard(session, enrollments.get(session, enrollment_id, lock=True)))
    its.database.scrub()
    return "", 204


@blueprint.get("/v1/enrollments/<enrollment_id>/events")
def stream(enrollment_id: str) -> Response:
    """Stream an enrolment as server-sent events until it is live or has failed."""
    check_id(enrollment_id, "enrolment")
    payload.read_query(request, {})
    first = _show(enrollment_id)  # an enrolment that is not there is a 404, not an empty stream
    return services(_Needs).streams.respond(first, lambda: _show(enrollment_id))


@blueprint.post("/v1/enroll")
def enroll() -> tuple[Json, int, dict[str, str]]:
    """Enrol somebody from pictures, one archive or one video, all in one request; all of it or nothing is kept."""
    its = services(_Needs)
    fields, files = _read_upload()
    if_known = _if_known(fields.get("if_known"))
    same_name = payload.parse_flag("allow_same_name", fields.get("allow_same_name"))
    with uploads.open_shots(files, its.decoder, its.settings) as shots:
        enrollment_id, _ = _open(fields.get("name"), fields.get("person_id"), allow_same_name=same_name)
        try:
            verdicts = _add_unless_closed(enrollment_id, shots)
            its.capturer.finish(enrollment_id, if_known)
        except FamiliarError as exc:
            # With a key the same request, sent again, goes on where a part that was away stopped it.
            if not (exc.retryable and "Idempotency-Key" in request.headers):
                _withdraw(enrollment_id)
            exc.details.pop("enrollment_id", None)
            raise
    shown = {"frames": [representations.verdict(each) for each in verdicts], **_show(enrollment_id)}
    return shown, 202, _location(enrollment_id)


def _read_upload() -> tuple[dict[str, str], list[FileStorage]]:
    request.max_content_length = services(_Needs).settings.max_body_bytes
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(f"the body must be multipart/form-data, got {request.mimetype or 'no Content-Type'}")
    fields = payload.read_form(request, ("name", "person_id", "if_known", "allow_same_name"), ("frames", "frames[]"))
    return fields, [*request.files.getlist("frames"), *request.files.getlist("frames[]")]


def _open(name: object | None, person_id: str | None, *, allow_same_name: bool) -> tuple[str, bool]:
    key = check_idempotency_key(request.headers.get("Idempotency-Key"))
    name, person_id = check_person(name, person_id)
    return services(_Needs).database.retry(
        lambda session: open_enrollment(session, name, person_id, key=key, allow_same_name=allow_same_name)
    )


def _add_unless_closed(enrollment_id: str, shots: Any) -> list[Verdict]:
    """Add the shots; an upload that was repeated after it had been answered adds nothing."""
    its = services(_Needs)
    with its.database.read() as session:
        if not enrollments.capture(session, enrollment_id).status.takes_frames:
            return []
    verdicts = its.capturer.add(enrollment_id, shots)
    _count(verdicts)
    return verdicts


def _withdraw(enrollment_id: str) -> None:
    """Discard a capture that will not be finished; its error matters more than one on the way out."""
    try:
        services(_Needs).database.retry(
            lambda session: enrollments.discard(session, enrollments.get(session, enrollment_id, lock=True))
        )
    except FamiliarError:
        return  # closed or deleted by somebody else, or removed later as abandoned


def _if_known(text: str | None) -> IfKnown:
    try:
        return IfKnown(IfKnown.ASK if text is None else text)
    except ValueError as exc:
        raise InvalidInput(
            f"the field 'if_known' must be ask, add or new, got {text!r:.50}", code="invalid_field", field="if_known"
        ) from exc


def _show(enrollment_id: str, verdicts: list[Verdict] | None = None) -> Json:
    its = services(_Needs)
    wanted = its.settings.enroll_frames
    with its.database.read() as session:
        state = enrollments.capture(session, enrollment_id)
        measured = samples.qualities(session, enrollment_id)
        first = state.head_version if state.status is EnrollmentStatus.LIVE else None
        told = versions.report_of(session, first, state.person_id) if first else None
        names = people.names(session, {state.alike_person_id} if state.alike_person_id else set())
    poses = coaching.spread((float(each["yaw_deg"]), float(each["pitch_deg"])) for each in measured)
    last = verdicts[-1].reasons if verdicts else ()
    advised = coaching.coach(poses, state.usable, wanted, last)
    return representations.enrollment(state, advised, wanted, told, names)


def _location(enrollment_id: str) -> dict[str, str]:
    return {"Location": url_for("enrollments.show", enrollment_id=enrollment_id)}


def _count(verdicts: list[Verdict]) -> None:
    services(_Needs).metrics.count_frames([each.reasons[0] if each.reasons else "accepted" for each in verdicts])
