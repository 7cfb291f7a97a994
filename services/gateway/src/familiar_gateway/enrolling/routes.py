"""Enrolments: live capture step by step, or all at once."""

from typing import Protocol

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from familiar.errors import Conflict
from familiar.records import (
    Action,
    Database,
    Enrollment,
    EnrollmentStatus,
    audit,
    check_id,
    clean_name,
    enrollments,
    people,
    trainings,
)
from familiar.scope import Scope
from familiar.seeing import Decoder
from familiar.settings import Settings
from familiar_gateway.enrolling import at_once, choosing, representations, steps
from familiar_gateway.enrolling.capture import Capturer
from familiar_gateway.enrolling.events import States
from familiar_gateway.enrolling.frames import Shot
from familiar_gateway.enrolling.steps import Opening
from familiar_gateway.operating import Inbox, job
from familiar_gateway.people import require_free_name
from familiar_gateway.web import (
    Forbidden,
    Json,
    Streams,
    UnsupportedMediaType,
    asks_for,
    caller,
    doors,
    payload,
    pictures,
    services,
)


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    decoder: Decoder
    capturer: Capturer
    inbox: Inbox
    streams: Streams


blueprint = Blueprint("enrollments", __name__)

_FIELDS = ("name", "person_id", "if_known", "if_not_alike", "allow_same_name", "consent", "face")


@blueprint.post("/v1/enrollments")
@asks_for(Scope.ENROLL)
def open_one() -> tuple[Json, int, dict[str, str]]:
    """Open a capture; with an ``Idempotency-Key`` sent before, answer with the one opened then."""
    body = payload.read_object(request, {"name": str, "person_id": str, "allow_same_name": bool, "consent": str})
    enrollment_id, new = steps.open_one(
        Opening(
            body.get("name"), body.get("person_id"), allow_same_name=body.get("allow_same_name", False),
            consent=body.get("consent"),
        )
    )  # fmt: skip
    return steps.show(enrollment_id), 201 if new else 200, steps.location(enrollment_id)


@blueprint.post("/v1/enrollments/<enrollment_id>/frames")
@asks_for(Scope.ENROLL)
@payload.reads_query("face")
def add_frames(enrollment_id: str) -> Json:
    """Judge one or several frames and say what to do next."""
    its = services(_Needs)
    check_id(enrollment_id, "enrolment")
    request.max_content_length = its.settings.max_body_bytes
    if pictures.is_picture(request):
        request.max_content_length = its.settings.max_image_bytes
    elif request.mimetype == "application/json":
        request.max_content_length = min(its.settings.max_body_bytes, 2 * its.settings.max_image_bytes)
    several = pictures.read_several(request, "frames", its.settings.max_image_bytes, beside="face")
    choice = choosing.of(several.beside)
    verdicts = its.capturer.add(
        enrollment_id, (Shot.of_picture(data, its.decoder, choice) for data in several.pictures)
    )
    steps.count(verdicts)
    return {**representations.verdicts(verdicts, measured=True), **steps.show(enrollment_id, verdicts)}


@blueprint.post("/v1/enrollments/<enrollment_id>/finish")
@asks_for(Scope.ENROLL)
def finish(enrollment_id: str) -> tuple[Json, int, dict[str, str]]:
    """End the capture and have it learned."""
    check_id(enrollment_id, "enrolment")
    body = payload.read_optional_object(request, {"if_known": str, "if_not_alike": str})
    services(_Needs).capturer.finish(enrollment_id, caller(), steps.read_answers(body))
    return steps.show(enrollment_id), 202, steps.location(enrollment_id)


@blueprint.get("/v1/enrollments/<enrollment_id>")
@asks_for(Scope.ENROLL, Scope.PEOPLE, Scope.SIGHTINGS)  # who has named a stranger, or faces on photos
def show(enrollment_id: str) -> Json:
    """Show how far an enrolment is."""
    payload.read_query(request, {})
    return steps.show(check_id(enrollment_id, "enrolment"))


@blueprint.delete("/v1/enrollments/<enrollment_id>")
@asks_for(Scope.ENROLL, Scope.PEOPLE, Scope.SIGHTINGS)
def discard(enrollment_id: str) -> tuple[str, int] | tuple[Json, int, dict[str, str]]:
    """Give up a capture, or take one back that failed; nothing of it is kept."""
    its = services(_Needs)
    check_id(enrollment_id, "enrolment")

    def delete(session: Session) -> Json | None:
        enrollment = enrollments.get(session, enrollment_id, lock=True)
        _require_own(enrollment)
        if enrollment.status != EnrollmentStatus.FAILED:
            enrollments.discard(session, enrollment)
            return None
        person_id = enrollment.person_id
        gone = enrollments.withdraw(session, enrollment)
        audit.note(session, caller(), Action.PERSON_ERASED if gone else Action.SAMPLE_REMOVED, person_id)
        return job(trainings.ask(session))  # for heads that were tried with it

    asked = its.database.retry(delete)
    steps.clean_up()
    if asked is None:
        return "", 204
    its.inbox.put(asked["id"])
    return {"job": asked}, 202, {"Location": url_for("jobs.show", job_id=asked["id"])}


@blueprint.patch("/v1/enrollments/<enrollment_id>")
@asks_for(Scope.ENROLL)
def rename(enrollment_id: str) -> Json:
    """Give the person of an open capture, who is not enrolled yet, another name."""
    check_id(enrollment_id, "enrolment")
    body = payload.read_object(request, {"name": str, "allow_same_name": bool}, required=("name",))
    name, shares_name = clean_name(body["name"]), body.get("allow_same_name", False)

    def give_name(session: Session) -> None:
        enrollment = enrollments.get(session, enrollment_id, lock=True)
        _require_own(enrollment)
        enrollments.require_capturing(enrollment)
        person = people.get(session, enrollment.person_id)
        if person.enrolled:
            raise Conflict(f"{person.name} is enrolled already, and renamed by PATCH /v1/people/{person.id}")
        if not shares_name:
            require_free_name(session, name, enrollment_id=enrollment_id)
        people.rename(session, person, name, shares_name=shares_name)

    services(_Needs).database.retry(give_name)
    return steps.show(enrollment_id)


@blueprint.get("/v1/enrollments/<enrollment_id>/events")
@asks_for(Scope.ENROLL)
def stream(enrollment_id: str) -> Response:
    """Stream an enrolment as server-sent events until it is live or has failed, or its listener is let in no more."""
    check_id(enrollment_id, "enrolment")
    payload.read_query(request, {})
    first = steps.show(enrollment_id)  # an enrolment that is not there is a 404, not an empty stream

    def show_again() -> Json:
        doors.look_again()
        return steps.show(enrollment_id)

    return services(_Needs).streams.respond(States(first, show_again).news, "poll the enrolment instead")


@blueprint.post("/v1/enroll")
@asks_for(Scope.ENROLL)
def enroll() -> at_once.Answer:
    """Enrol somebody from pictures, one archive or one video, all in one request; all of it or nothing is kept."""
    fields, files = _read_upload()
    return at_once.enroll(fields, files)


def _read_upload() -> tuple[dict[str, str], list[FileStorage]]:
    request.max_content_length = services(_Needs).settings.max_body_bytes
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(f"the body must be multipart/form-data, got {request.mimetype or 'no Content-Type'}")
    fields = payload.read_form(request, _FIELDS, ("frames", "frames[]"))
    return fields, [*request.files.getlist("frames"), *request.files.getlist("frames[]")]


def _require_own(enrollment: Enrollment) -> None:
    """Check that an enrolment was opened with the caller's key, or that they may delete people anyway."""
    who = caller()
    if Scope.PEOPLE not in who.scopes and enrollment.opened_by != who.key_id:
        raise Forbidden("this enrolment was opened with another key", code="enrollment_not_yours")
