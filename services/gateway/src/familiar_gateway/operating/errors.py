"""Errors: what went wrong of late in any part, and which trainings failed, for operators."""

from typing import Protocol

from flask import Blueprint, request

from familiar.records import Database, Mishap, Recorder, recent_errors, trainings
from familiar.scope import Scope
from familiar_gateway.operating import representations
from familiar_gateway.web import Json, asks_for, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    recorder: Recorder


blueprint = Blueprint("errors", __name__, url_prefix="/v1/errors")


@blueprint.get("")
@asks_for(Scope.OPERATE)
def list_all() -> Json:
    """List what went wrong, each kind once, the last one first."""
    limit = payload.read_query(request, {"limit": (100, 1, 1000)})["limit"]
    its = services(_Needs)
    waiting = its.recorder.waiting()
    with its.database.read() as session:
        mishaps = _together([*recent_errors.newest(session), *waiting])
        failures = trainings.failures(session, limit)
    rows = [*map(representations.mishap, mishaps), *map(representations.failure, failures)]
    return {"errors": sorted(rows, key=lambda row: row["last_at"] or "", reverse=True)[:limit]}


def _together(mishaps: list[Mishap]) -> list[Mishap]:
    """Return all of one kind as one, in the order in which they came."""
    kinds: dict[str, Mishap] = {}
    for each in mishaps:
        kinds[each.kind] = kinds[each.kind].and_later(each) if each.kind in kinds else each
    return list(kinds.values())
