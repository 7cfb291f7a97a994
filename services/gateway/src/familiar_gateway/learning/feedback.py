"""Feedback: saying of a face whether it is whom it was taken for, who it is instead, and taking that back."""

from typing import Any, Protocol

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session

from familiar.errors import Conflict, InvalidInput, NotFound
from familiar.records import (
    Action,
    Database,
    QuarantinedFace,
    Said,
    Verdict,
    audit,
    check_id,
    feedback,
    keys,
    people,
    quarantine,
    trainings,
)
from familiar.records import Feedback as Row
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.learning import representations
from familiar_gateway.operating import Inbox, job
from familiar_gateway.web import Json, asks_for, caller, page, payload, services


class _Writes(Protocol):
    """Whoever writes down what was recognised, a moment later."""

    def flush(self, timeout_s: float) -> bool:
        """Wait until that is done; tell whether it is."""


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    inbox: Inbox
    witness: _Writes


blueprint = Blueprint("feedback", __name__, url_prefix="/v1/feedback")

_FIELDS: dict[str, payload.Field] = {
    "request_id": str, "sighting": str, "quarantined": str, "face": int, "verdict": str, "person": str
}  # fmt: skip
_WHICH = ("request_id", "sighting", "quarantined")
_MOST_REQUEST_ID, _MOST_FACE = 64, 1000
_WRITTEN_S = 3.0
"""Somebody who speaks of a face as soon as it is named waits for so long, at most, until it is written down."""
Answer = tuple[Json, int, dict[str, str]]


@blueprint.post("")
@asks_for(Scope.SIGHTINGS)
def give() -> Answer:
    """Say of a face that was kept whether it is whom it was taken for."""
    body = payload.read_object(request, _FIELDS, required=("verdict",))
    which, face, verdict = _which(body), _face(body), _verdict(body["verdict"])
    person_id = check_id(body["person"], "person") if "person" in body else None
    its = services(_Needs)
    if which != "quarantined" and not its.settings.keeps_sightings:
        raise Conflict(
            "no faces are kept here (SIGHTINGS is off), so there is nothing to say something of", code="sightings_off"
        )

    def say(session: Session) -> tuple[Said, Json | None]:
        kept = _kept(session, which, body[which], face)
        said = feedback.give(session, kept, verdict, person_id, caller())
        if said.changed:
            about = said.feedback.named_id or said.feedback.person_id
            audit.note(session, caller(), Action.FEEDBACK_GIVEN, about)
        return said, job(trainings.ask(session)) if said.asks_for_training else None

    try:
        said = its.database.retry(say)
    except NotFound as exc:
        if exc.code != "sighting_not_found" or which != "request_id" or not its.witness.flush(_WRITTEN_S):
            raise
        said = its.database.retry(say)
    return _answer(*said, made=201)


@blueprint.get("")
@asks_for(Scope.SIGHTINGS)
def list_all() -> Json:
    """List what was said, the newest first; all, or what is about one person."""
    query = payload.read_query(request, payload.PAGE, ("person",))
    given = request.args.get("person")
    person_id = None if given is None else check_id(given, "person")
    with services(_Needs).database.read() as session:
        rows = _show(session, feedback.newest(session, **query, person_id=person_id))
        return page("feedback", rows, total=feedback.count(session, person_id), **query)


@blueprint.get("/<feedback_id>")
@asks_for(Scope.SIGHTINGS)
def show(feedback_id: str) -> Json:
    """Show what somebody said."""
    payload.read_query(request, {})
    check_id(feedback_id, "feedback")
    with services(_Needs).database.read() as session:
        return _show(session, [feedback.get(session, feedback_id)])[0]


@blueprint.delete("/<feedback_id>")
@asks_for(Scope.SIGHTINGS)
def withdraw(feedback_id: str) -> Answer:
    """Take back what somebody said, with what was learned of it."""
    check_id(feedback_id, "feedback")

    def end(session: Session) -> tuple[Said, Json | None]:
        said = feedback.withdraw(session, feedback_id, caller())
        if said.changed:
            about = said.feedback.named_id or said.feedback.person_id
            audit.note(session, caller(), Action.FEEDBACK_WITHDRAWN, about)
        return said, job(trainings.ask(session)) if said.asks_for_training else None

    return _answer(*services(_Needs).database.retry(end), made=200)


def _answer(said: Said, asked: Json | None, *, made: int) -> Answer:
    """Show what came of it; the trainer is told of the training that was asked for, if there is one."""
    its = services(_Needs)
    with its.database.read() as session:
        (shown,) = _show(session, [said.feedback])
    if asked is not None:
        its.inbox.put(asked["id"])
    where = {"Location": url_for("feedback.show", feedback_id=said.feedback.id)}
    return {"feedback": shown, "job": asked}, made if said.changed else 200, where


def _kept(session: Session, which: str, value: str, face: int) -> QuarantinedFace:
    """Return the face that somebody speaks of, kept from now on."""
    if which == "quarantined":
        return quarantine.get(session, value)
    of = feedback.face_of_request if which == "request_id" else feedback.face_of_sighting
    return feedback.keep(session, *of(session, value, face))


def _which(body: dict[str, Any]) -> str:
    given = [name for name in _WHICH if name in body]
    if len(given) != 1:
        raise InvalidInput(
            "give one of 'request_id', 'sighting' and 'quarantined'", code="invalid_field", field="sighting"
        )
    if given[0] != "request_id":
        check_id(body[given[0]], given[0])
    elif not 1 <= len(body["request_id"]) <= _MOST_REQUEST_ID:
        raise InvalidInput("'request_id' is none", code="invalid_field", field="request_id")
    return given[0]


def _face(body: dict[str, Any]) -> int:
    face: int = body.get("face", 0)
    if not 0 <= face <= _MOST_FACE:
        raise InvalidInput(f"'face' must be from 0 to {_MOST_FACE}", code="invalid_field", field="face")
    return face


def _verdict(given: str) -> Verdict:
    try:
        return Verdict(given)
    except ValueError as exc:
        raise InvalidInput(
            f"'verdict' is right, wrong or stranger, got {given!r:.50}", code="invalid_field", field="verdict"
        ) from exc


def _show(session: Session, rows: list[Row]) -> list[Json]:
    meant = people.meant(session, representations.people_of(rows))
    known = keys.names(session, {row.key_id for row in rows if row.key_id})
    return [representations.feedback(row, meant, known) for row in rows]
