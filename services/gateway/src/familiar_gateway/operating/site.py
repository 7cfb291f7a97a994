"""Site: what strangers before the site's own camera taught, and how to give that up."""

from typing import Protocol

from flask import Blueprint, request, url_for

from familiar.errors import NotFound
from familiar.records import Action, Database, audit, site_corrections, trainings
from familiar.scope import Scope
from familiar_gateway.operating import representations
from familiar_gateway.operating.inbox import Inbox
from familiar_gateway.web import Json, asks_for, caller, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    inbox: Inbox


blueprint = Blueprint("site", __name__, url_prefix="/v1/site")


@blueprint.get("")
@asks_for(Scope.OPERATE)
def show() -> Json:
    """Show the correction that is kept and what it rests on; null if no strangers were handed in."""
    payload.read_query(request, {})
    with services(_Needs).database.read() as session:
        row = site_corrections.current(session)
        return {"correction": None if row is None else representations.site_correction(row)}


@blueprint.delete("")
@asks_for(Scope.OPERATE)
def forget() -> tuple[Json, int, dict[str, str]]:
    """Delete the correction and ask for a head without it."""
    its = services(_Needs)
    with its.database.write() as session:
        if not site_corrections.drop(session):
            raise NotFound("no strangers were handed in, so nothing is corrected")
        audit.note(session, caller(), Action.SITE_FORGOTTEN)
        shown = representations.job(trainings.ask(session))
    its.inbox.put(shown["id"])
    return {"job": shown}, 202, {"Location": url_for("jobs.show", job_id=shown["id"])}
