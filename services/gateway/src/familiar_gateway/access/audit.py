"""The audit: who enrolled, renamed and erased people, rolled back, made and revoked keys."""

from typing import Protocol

from flask import Blueprint, request

from familiar.records import Database, audit, keys
from familiar.scope import Scope
from familiar_gateway.access import representations
from familiar_gateway.web import Json, asks_for, page, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database


blueprint = Blueprint("audit", __name__, url_prefix="/v1/audit")


@blueprint.get("")
@asks_for(Scope.OPERATE)
def list_all() -> Json:
    """List what was done, the newest first."""
    query = payload.read_query(request, payload.PAGE)
    with services(_Needs).database.read() as session:
        lines = audit.newest(session, **query)
        told = {each.target for each in lines} | {each.key_id for each in lines}
        known = keys.names(session, {each for each in told if each is not None})
        people = audit.people_of(session, lines)
        rows = [representations.audit_entry(each, people, known) for each in lines]
        return page("entries", rows, total=audit.count(session), **query)
