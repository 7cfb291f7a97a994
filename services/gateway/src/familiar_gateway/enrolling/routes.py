"""Enrolments: live capture step by step, or all at once."""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, TypeVar

from flask import Blueprint, Response, request, url_for
from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from familiar.errors import Busy, Conflict, DatabaseUnavailable, FamiliarError, InvalidInput, NotFound
from familiar.records import (
    Action,
    Database,
    Enrollment,
    EnrollmentStatus,
    IfKnown,
    IfNotAlike,
    audit,
    check_id,
    clean,
    clean_name,
    enrollments,
    people,
    samples,
    trainings,
    versions,
)
from familiar.scope import Scope
from familiar.seeing import Decoder
from familiar.settings import Settings
from familiar_gateway.enrolling import coaching, representations, uploads
from familiar_gateway.enrolling.capture import Capturer, Shot, Verdict, Verdicts
from familiar_gateway.enrolling.doubts import Answers
from familiar_gateway.enrolling.events import Streams
from familiar_gateway.enrolling.opening import check_idempotency_key, check_person, open_enrollment, request_digest
from familiar_gateway.operating import Inbox, Metrics, job
from familiar_gateway.people import require_free_name
from familiar_gateway.web import (
    Forbidden,
    Json,
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
    metrics: Metrics


blueprint = Blueprint("enrollments", __name__)

_MOST_TRIES = 20
_NO_ANSWERS = Answers()
_Answer = TypeVar("_Answer", IfKnown, IfNotAlike)
_FIELDS = ("name", "person_id", "if_known", "if_not_alike", "allow_same_name", "consent")
_MOST_CONSENT = 4000
"""Characters of what somebody agrees to."""


@blueprint.post("/v1/enrollments")
@asks_for(Scope.ENROLL)
def open_one() -> tuple[Json, int, dict[str, str]]:
    """Open a capture; with an ``Idempotency-Key`` sent before, answer with the one opened then."""
    body = payload.read_object(request, {"name": str, "person_id": str, "allow_same_name": bool, "consent": str})
    enrollment_id, new = _open(
        body.get("name"), body.get("person_id"), allow_same_name=body.get("allow_same_name", False),
        consent=body.get("consent"),
    )  # fmt: skip
    return _show(enrollment_id), 201 if new else 200, _location(enrollment_id)


@blueprint.post("/v1/enrollments/<enrollment_id>/frames")
@asks_for(Scope.ENROLL)
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
    return {**representations.verdicts(verdicts, measured=True), **_show(enrollment_id, verdicts)}


@blueprint.post("/v1/enrollments/<enrollment_id>/finish")
@asks_for(Scope.ENROLL)
def finish(enrollment_id: str) -> tuple[Json, int, dict[str, str]]:
    """End the capture and have it learned."""
    check_id(enrollment_id, "enrolment")
    body = payload.read_optional_object(request, {"if_known": str, "if_not_alike": str})
    services(_Needs).capturer.finish(enrollment_id, caller(), _answers(body))
    return _show(enrollment_id), 202, _location(enrollment_id)


@blueprint.get("/v1/enrollments/<enrollment_id>")
@asks_for(Scope.ENROLL)
def show(enrollment_id: str) -> Json:
    """Show how far an enrolment is."""
    payload.read_query(request, {})
    return _show(check_id(enrollment_id, "enrolment"))


@blueprint.delete("/v1/enrollments/<enrollment_id>")
@asks_for(Scope.ENROLL)
def discard(enrollment_id: str) -> tuple[str, int] | tuple[Json, int, dict[str, str]]:
    """Give up a capture, or take one back that failed; nothing of it is kept."""
    its = services(_Needs)
    check_id(enrollment_id, "enrolment")
    payload.read_query(request, {})

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
    _clean(its.database)
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
    return _show(enrollment_id)


@blueprint.get("/v1/enrollments/<enrollment_id>/events")
@asks_for(Scope.ENROLL)
def stream(enrollment_id: str) -> Response:
    """Stream an enrolment as server-sent events until it is live or has failed, or its listener is let in no more."""
    check_id(enrollment_id, "enrolment")
    payload.read_query(request, {})
    first = _show(enrollment_id)  # an enrolment that is not there is a 404, not an empty stream

    def show_again() -> Json:
        doors.look_again()
        return _show(enrollment_id)

    return services(_Needs).streams.respond(first, show_again)


@blueprint.post("/v1/enroll")
@asks_for(Scope.ENROLL)
def enroll() -> tuple[Json, int, dict[str, str]]:
    """Enrol somebody from pictures, one archive or one video, all in one request; all of it or nothing is kept.

    Of several that are the same, key included, each gets the answer that one alone would get.
    """
    fields, files = _read_upload()
    for _ in range(_MOST_TRIES):
        try:
            enrollment_id, verdicts = _enroll(fields, files)
        except NotFound as exc:
            # Another one like this has failed and given the enrolment up under our hands: find out why by ourselves.
            if exc.code != "enrollment_not_found":
                raise
            for file in files:
                file.stream.seek(0)
        else:
            shown = {**representations.verdicts(verdicts), **_show(enrollment_id)}
            return shown, 202, _location(enrollment_id)
    raise Busy("this enrolment is given up again and again by others; try again")


def _enroll(fields: dict[str, str], files: list[FileStorage]) -> tuple[str, Verdicts]:
    its = services(_Needs)
    answers = _answers(fields)
    same_name = payload.parse_flag("allow_same_name", fields.get("allow_same_name"))
    with uploads.open_shots(files, its.decoder, its.settings) as shots:
        enrollment_id, _ = _open(
            fields.get("name"), fields.get("person_id"), allow_same_name=same_name, consent=fields.get("consent"),
            answers=answers, files=files,
        )  # fmt: skip
        try:
            verdicts = _add_unless_closed(enrollment_id, shots)
            its.capturer.finish(enrollment_id, caller(), answers)
        except FamiliarError as exc:
            # With a key the same request, sent again, goes on where a part that was away stopped it.
            if not (exc.retryable and "Idempotency-Key" in request.headers):
                _withdraw(enrollment_id)
            exc.details.pop("enrollment_id", None)
            raise
        except BaseException:
            _withdraw(enrollment_id)
            raise
    return enrollment_id, _with_left_out(verdicts, enrollment_id)


def _read_upload() -> tuple[dict[str, str], list[FileStorage]]:
    request.max_content_length = services(_Needs).settings.max_body_bytes
    if request.mimetype != "multipart/form-data":
        raise UnsupportedMediaType(f"the body must be multipart/form-data, got {request.mimetype or 'no Content-Type'}")
    fields = payload.read_form(request, _FIELDS, ("frames", "frames[]"))
    return fields, [*request.files.getlist("frames"), *request.files.getlist("frames[]")]


def _open(
    name: object | None, person_id: str | None, *, allow_same_name: bool, consent: str | None,
    answers: Answers = _NO_ANSWERS, files: Sequence[FileStorage] = (),
) -> tuple[str, bool]:  # fmt: skip
    its = services(_Needs)
    key = check_idempotency_key(request.headers.get("Idempotency-Key"))
    name, person_id = check_person(name, person_id)
    consent = None if consent is None else payload.read_text("consent", consent, _MOST_CONSENT)
    said = {"name": name, "person_id": person_id, "allow_same_name": allow_same_name, **vars(answers)}
    if consent is not None:
        said["consent"] = consent
    digest = None if key is None else request_digest(request.path, said, files)
    return its.database.retry(
        lambda session: open_enrollment(
            session, name, person_id, key=key, digest=digest, allow_same_name=allow_same_name,
            consent=consent, opened_by=caller().key_id, most_open=its.settings.enroll_most_open,
        )
    )  # fmt: skip


def _add_unless_closed(enrollment_id: str, shots: Any) -> Verdicts:
    """Add the shots; if a request like this one has finished the enrolment, say of them what was said to that one."""
    its = services(_Needs)
    try:
        verdicts = its.capturer.add(enrollment_id, shots)
    except Conflict as exc:
        if exc.code != "enrollment_closed":
            raise
        return Verdicts(its.capturer.recall(enrollment_id))
    _count(verdicts)
    return verdicts


def _with_left_out(verdicts: Verdicts, enrollment_id: str) -> Verdicts:
    """Return what was said of the same frames, now that some may have been left out."""
    said = {each.index: each for each in services(_Needs).capturer.recall(enrollment_id)}
    told = Verdicts(said[each.index] for each in verdicts)
    told.cut_off = verdicts.cut_off
    return told


def _withdraw(enrollment_id: str) -> None:
    """Discard a capture that will not be finished; its error matters more than one on the way out."""
    # Closed or deleted by somebody else, or removed later as abandoned.
    with contextlib.suppress(FamiliarError):
        _discard(services(_Needs).database, enrollment_id)


def _discard(database: Database, enrollment_id: str) -> None:
    database.retry(lambda session: enrollments.discard(session, enrollments.get(session, enrollment_id, lock=True)))
    _clean(database)


def _clean(database: Database) -> None:
    with contextlib.suppress(DatabaseUnavailable):
        clean(database)  # what cannot be cleaned now, the trainer cleans


def _require_own(enrollment: Enrollment) -> None:
    """Check that an enrolment was opened with the caller's key, or that they may delete people anyway."""
    who = caller()
    if Scope.PEOPLE not in who.scopes and enrollment.opened_by != who.key_id:
        raise Forbidden("this enrolment was opened with another key", code="enrollment_not_yours")


def _answers(said: Mapping[str, str]) -> Answers:
    return Answers(_one_of(IfKnown, said, "if_known"), _one_of(IfNotAlike, said, "if_not_alike"))


def _one_of(answers: type[_Answer], said: Mapping[str, str], field: str) -> _Answer:
    """Return the answer that a field gives; left out, it is ``ask``."""
    text = said.get(field, "ask")
    try:
        return answers(text)
    except ValueError as exc:
        *most, last = answers
        wanted = f"{', '.join(most)} or {last}"
        raise InvalidInput(
            f"the field {field!r} must be {wanted}, got {text!r:.50}", code="invalid_field", field=field
        ) from exc


def _show(enrollment_id: str, verdicts: list[Verdict] | None = None) -> Json:
    its = services(_Needs)
    wanted = its.settings.enroll_frames
    with its.database.read() as session:
        state = enrollments.capture(session, enrollment_id)
        measured = samples.qualities(session, enrollment_id)
        first = state.head_version if state.status is EnrollmentStatus.LIVE else None
        told = versions.report_of(session, first, state.person_id) if first else None
        alike = people.meant(session, {state.alike_person_id}) if state.alike_person_id else {}
    poses = coaching.spread((float(each["yaw_deg"]), float(each["pitch_deg"])) for each in measured)
    last = verdicts[-1].reasons if verdicts else ()
    advised = coaching.coach(poses, state.usable, wanted, last)
    return representations.enrollment(state, advised, wanted, told, next(iter(alike.values()), None))


def _location(enrollment_id: str) -> dict[str, str]:
    return {"Location": url_for("enrollments.show", enrollment_id=enrollment_id)}


def _count(verdicts: list[Verdict]) -> None:
    services(_Needs).metrics.count_frames([each.reasons[0] if each.reasons else "accepted" for each in verdicts])
