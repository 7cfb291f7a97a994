"""Replays: what another head, threshold or target would have said of past sightings."""

from collections.abc import Mapping
from typing import Any, Protocol

from flask import Blueprint, request, url_for
from sqlalchemy.orm import Session

from familiar.errors import Conflict, InvalidInput, ServingUnavailable
from familiar.records import Database, Replay, check_id, people, replays, versions
from familiar.scope import Scope
from familiar_gateway.operating import Inbox
from familiar_gateway.remembering import representations
from familiar_gateway.web import Json, asks_for, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    inbox: Inbox


blueprint = Blueprint("replays", __name__, url_prefix="/v1/replay")

_NUMBER = (int, float)
_FIELDS: Mapping[str, payload.Field] = {
    "head_version": int,
    "threshold": _NUMBER,
    "target": _NUMBER,
    "since": str,
    "until": str,
}
_LEAST_TARGET, _MOST_TARGET = 1e-6, 0.5
_MOST_VERSION = 10**9


@blueprint.post("")
@asks_for(Scope.OPERATE)
def ask() -> tuple[Json, int, dict[str, str]]:
    """Ask what a head, with its own thresholds or another one, would have said."""
    asked = _read()
    its = services(_Needs)

    def add(session: Session) -> Json:
        live = versions.live_head(session)
        if live is None:
            raise ServingUnavailable("no head is in service yet", code="model_not_ready")
        row = live if asked["head_version"] is None else versions.head(session, asked["head_version"])
        if row.weights is None:
            raise Conflict(f"the weights of version {row.version} are gone", code="no_weights")
        return _show(session, replays.ask(session, {**asked, "head_version": row.version}))

    shown = its.database.retry(add)
    its.inbox.put_replay(shown["id"])
    return {"replay": shown}, 202, {"Location": url_for("replays.show", replay_id=shown["id"])}


@blueprint.get("")
@asks_for(Scope.OPERATE)
def list_all() -> Json:
    """List replays, the newest first, without what came out."""
    query = payload.read_query(request, {"limit": (100, 1, 1000)})
    with services(_Needs).database.read() as session:
        return {"replays": [representations.replay(row) for row in replays.recent(session, query["limit"])]}


@blueprint.get("/<replay_id>")
@asks_for(Scope.OPERATE)
def show(replay_id: str) -> Json:
    """Show a replay, with what came out if it is done."""
    payload.read_query(request, {})
    check_id(replay_id, "replay")
    with services(_Needs).database.read() as session:
        return _show(session, replays.get(session, replay_id))


def _show(session: Session, row: Replay) -> Json:
    told = row.answer
    names = people.names(session, {each["person"] for each in told["people"]} if told else set())
    return {**representations.replay(row), "answer": None if told is None else representations.answer(told, names)}


def _read() -> dict[str, Any]:
    """Return what is asked for, all fields there; times in UTC seconds since 1970.

    Raises:
        InvalidInput: a field cannot be used, or there is nothing to try.
    """
    body = payload.read_object(request, _FIELDS)
    asked: dict[str, Any] = {name: body.get(name) for name in _FIELDS}
    if all(asked[name] is None for name in ("head_version", "threshold", "target")):
        raise InvalidInput("give 'head_version', 'threshold' or 'target'", code="missing_field", field="head_version")
    if asked["threshold"] is not None and asked["target"] is not None:
        raise InvalidInput("give 'threshold' or 'target', not both", code="invalid_field", field="target")
    _check_within("head_version", asked["head_version"], 1, _MOST_VERSION)
    _check_within("threshold", asked["threshold"], -1, 1)
    _check_within("target", asked["target"], _LEAST_TARGET, _MOST_TARGET)
    for name in ("since", "until"):
        asked[name] = None if asked[name] is None else payload.read_time(name, asked[name])
    return asked


def _check_within(name: str, value: float | None, least: float, most: float) -> None:
    if value is not None and not least <= value <= most:
        raise InvalidInput(f"{name!r} must be from {least:g} to {most:g}", code="invalid_field", field=name)
