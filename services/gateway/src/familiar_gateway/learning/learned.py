"""What was learned from use: by day and by person, and taking it back, all with one training."""

from collections.abc import Mapping
from typing import Any, Protocol

from flask import Blueprint, request
from sqlalchemy.orm import Session

from familiar.errors import InvalidInput
from familiar.records import Action, Database, LearnedWanted, Origin, audit, check_id, learned, people
from familiar.scope import Scope
from familiar_gateway.learning import representations
from familiar_gateway.operating import Inbox, job
from familiar_gateway.web import Json, asks_for, caller, page, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    inbox: Inbox


blueprint = Blueprint("learned", __name__, url_prefix="/v1/learned")

_NARROWING = ("person", "day", "origin")
_MOST_DAYS = 1000


@blueprint.get("")
@asks_for(Scope.SIGHTINGS)
def list_all() -> Json:
    """List the samples that were learned from use, the last ones first, and how many that were by day and person."""
    query = payload.read_query(request, payload.PAGE, _NARROWING)
    wanted = _wanted(request.args, None)
    with services(_Needs).database.read() as session:
        rows = learned.page(session, wanted, **query)
        days = learned.by_day(session, wanted, _MOST_DAYS)
        total = learned.count(session, wanted)
        names = people.names(session, {*(row.person_id for row in rows), *(each.person_id for each in days)})
    shown = page("learned", [representations.sample(row, names) for row in rows], total=total, **query)
    return {**shown, "days": representations.days(days, names)}


@blueprint.post("/take-back")
@asks_for(Scope.SIGHTINGS)
def take_back() -> tuple[Json, int]:
    """Take back what was learned from use: of a day, of a person, or ``all`` of it."""
    body = payload.read_object(request, {"day": str, "person": str, "origin": str, "all": bool})
    if not body.get("all", False) and "day" not in body and "person" not in body:
        raise InvalidInput("give 'day', 'person' or 'all': true", code="missing_field", field="day")
    wanted, its = _wanted(body, Origin.AUTOMATIC), services(_Needs)

    def unlearn(session: Session) -> tuple[int, Json | None]:
        count, training = learned.take_back(session, wanted, caller())
        if count:
            audit.note(session, caller(), Action.LEARNED_TAKEN_BACK, wanted.person_id)
        return count, None if training is None else job(training)

    count, asked = its.database.retry(unlearn)
    if asked is not None:
        its.inbox.put(asked["id"])
    return {"taken_back": count, "job": asked}, 200 if asked is None else 202


def _wanted(said: Mapping[str, Any], origin: Origin | None) -> LearnedWanted:
    """Return what a query or a body is for; ``origin`` where it does not say."""
    if "origin" in said:
        try:
            origin = Origin(said["origin"])
        except ValueError:
            origin = Origin.HUMAN
        if origin is Origin.HUMAN:
            raise InvalidInput("'origin' is confirmed or automatic", code="invalid_query", field="origin")
    day = None
    if "day" in said:
        try:
            day = representations.parse_day(said["day"])
        except ValueError as exc:
            raise InvalidInput("'day' is a date, as 2026-11-26", code="invalid_query", field="day") from exc
    person_id = check_id(said["person"], "person") if "person" in said else None
    return LearnedWanted(person_id=person_id, day=day, origin=origin)
