"""Corrections: merge people, split one, move samples, see what was put right, and undo it."""

from collections.abc import Callable
from typing import Any, Protocol

from flask import Blueprint, request
from sqlalchemy.orm import Session

from familiar.errors import Conflict, InvalidInput
from familiar.records import (
    Action,
    Correction,
    Database,
    Terms,
    audit,
    check_id,
    clean_name,
    corrections,
    keys,
    people,
    reversals,
    trainings,
)
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.correcting import representations
from familiar_gateway.operating import job
from familiar_gateway.people import learn_anew, require_free_name
from familiar_gateway.web import Json, asks_for, caller, page, payload, services

_MOST_SAMPLES = 1000
Answer = tuple[Json, int, dict[str, str]]


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database


blueprint = Blueprint("corrections", __name__, url_prefix="/v1")


@blueprint.post("/people/<person_id>/merge")
@asks_for(Scope.PEOPLE)
def merge(person_id: str) -> Answer:
    """Make another person one with this one, who keeps name and id."""
    check_id(person_id, "person")
    other_id = check_id(
        payload.read_object(request, {"person_id": str}, required=("person_id",))["person_id"], "person"
    )
    if other_id == person_id:
        raise InvalidInput("a person cannot be merged with themselves", code="invalid_field", field="person_id")
    return merge_people(person_id, other_id)


@blueprint.post("/people/<person_id>/move")
@asks_for(Scope.PEOPLE)
def move(person_id: str) -> Answer:
    """Give samples of a person to another one, or to nobody."""
    check_id(person_id, "person")
    body = payload.read_object(request, {"samples": list, "to": (str, type(None))}, required=("samples", "to"))
    sample_ids, to = _sample_ids(body["samples"]), body["to"]
    if to is not None and check_id(to, "person") == person_id:
        raise InvalidInput("the samples are this person's already", code="invalid_field", field="to")
    return _correct(
        lambda session: corrections.move(session, person_id, sample_ids, to, _terms()), Action.SAMPLES_MOVED, person_id
    )


@blueprint.post("/people/<person_id>/split")
@asks_for(Scope.PEOPLE)
def split(person_id: str) -> Answer:
    """Make a new person of samples of this one."""
    check_id(person_id, "person")
    body = payload.read_object(
        request, {"samples": list, "name": str, "allow_same_name": bool}, required=("samples", "name")
    )
    sample_ids, name = _sample_ids(body["samples"]), clean_name(body["name"])
    shares_name, needed = body.get("allow_same_name", False), services(_Needs).settings.enroll_min_samples
    if len(sample_ids) < needed:
        raise Conflict(
            f"a person is learned from {needed} pictures at least: move these to somebody, or to nobody",
            code="too_few_samples",
            accepted=len(sample_ids),
            needed=needed,
        )

    def part(session: Session) -> Correction:
        if not shares_name:
            require_free_name(session, name)
        return corrections.split(session, person_id, sample_ids, name, _terms(), shares_name=shares_name)

    return _correct(part, Action.PERSON_SPLIT, person_id)


@blueprint.get("/corrections")
@asks_for(Scope.PEOPLE)
def list_all() -> Json:
    """List what was put right, the newest first; all, or what is about one person."""
    query = payload.read_query(request, payload.PAGE, ("person",))
    given = request.args.get("person")
    person_id = None if given is None else check_id(given, "person")
    with services(_Needs).database.read() as session:
        rows = _show(session, corrections.newest(session, **query, person_id=person_id))
        return page("corrections", rows, total=corrections.count(session, person_id), **query)


@blueprint.get("/corrections/<correction_id>")
@asks_for(Scope.PEOPLE)
def show(correction_id: str) -> Json:
    """Show what was put right."""
    payload.read_query(request, {})
    check_id(correction_id, "correction")
    with services(_Needs).database.read() as session:
        return _show(session, [corrections.get(session, correction_id)])[0]


@blueprint.post("/corrections/<correction_id>/undo")
@asks_for(Scope.PEOPLE)
def undo(correction_id: str) -> Answer:
    """Undo what was put right, unless something has happened since that stands in its way."""
    check_id(correction_id, "correction")
    payload.read_optional_object(request, {})

    def back(session: Session) -> Correction:
        correction = corrections.get(session, correction_id, lock=True)
        _require_free_name(session, correction)
        reversals.undo(session, correction, caller())
        return correction

    return _correct(back, Action.CORRECTION_UNDONE)


def merge_people(person_id: str, other_id: str) -> Answer:
    """Make another person one with this one, who keeps name and id.

    Raises as ``corrections.merge`` does.
    """
    return _correct(
        lambda session: corrections.merge(session, person_id, other_id, _terms()), Action.PEOPLE_MERGED, person_id
    )


def _correct(change: Callable[[Session], Correction], action: Action, target: str | None = None) -> Answer:
    """Do a change, note it, and ask for the training that learns it, all or nothing; then tell the trainer."""

    def correct(session: Session) -> tuple[Json, Json]:
        correction = change(session)
        audit.note(session, caller(), action, target or correction.person_id or correction.to_person_id)
        asked = job(trainings.ask(session))
        return _show(session, [correction])[0], asked

    shown, asked = services(_Needs).database.retry(correct)
    return learn_anew(asked, correction=shown)


def _terms() -> Terms:
    return Terms(caller(), services(_Needs).settings.correction_undo_s)


def _show(session: Session, rows: list[Correction]) -> list[Json]:
    names = people.names(session, {each for row in rows for each in (row.person_id, row.to_person_id) if each})
    known = keys.names(session, {row.key_id for row in rows if row.key_id})
    return [representations.correction(row, names, known) for row in rows]


def _sample_ids(given: list[Any]) -> list[str]:
    for each in given:
        payload.check_type("samples", each, str)
        check_id(each, "sample")
    if not 1 <= len(set(given)) == len(given) <= _MOST_SAMPLES:
        raise InvalidInput(
            f"'samples' takes 1 to {_MOST_SAMPLES} different ids, got {len(given)}",
            code="invalid_field",
            field="samples",
        )
    return given


def _require_free_name(session: Session, correction: Correction) -> None:
    """Check that nobody has taken the name meanwhile of whoever comes back."""
    back = (correction.before or {}).get("person")
    if back is None or back["shares_name"]:
        return
    others = [each for each in people.namesakes(session, back["name"]) if not each.shares_name]
    if others:
        raise Conflict(
            f"somebody else is enrolled as {back['name']} by now: give that person another name first",
            code="name_taken",
            people=[{"id": each.id, "name": each.name} for each in others],
        )
