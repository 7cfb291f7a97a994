"""Keys: which there are, making one, revoking one."""

import time
from typing import Any, Protocol

from flask import Blueprint, request
from sqlalchemy.orm import Session

from familiar.errors import InvalidInput
from familiar.records import Action, Database, audit, check_id, clean_name
from familiar.records import key as rules
from familiar.records import keys as all_keys
from familiar.scope import Scope
from familiar_gateway.access import representations
from familiar_gateway.access.keyring import Keyring
from familiar_gateway.web import Forbidden, Json, asks_for, caller, camera, page, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database
    keyring: Keyring


blueprint = Blueprint("keys", __name__, url_prefix="/v1/keys")


@blueprint.get("")
@asks_for(Scope.OPERATE)
def list_all() -> Json:
    """List the keys that were ever made, the newest first."""
    query = payload.read_query(request, payload.PAGE)
    with services(_Needs).database.read() as session:
        rows = [representations.key(each) for each in all_keys.newest(session, **query)]
        return page("keys", rows, total=all_keys.count(session), **query)


@blueprint.post("")
@asks_for(Scope.OPERATE)
def make() -> tuple[Json, int]:
    """Make a key; its secret is in this answer and nowhere else."""
    body = payload.read_object(
        request, {"name": str, "scopes": list, "camera": (str, type(None)), "expires_at": (str, type(None))},
        required=("name", "scopes"),
    )  # fmt: skip
    scopes = read_scopes(body["scopes"])
    beyond = [each.value for each in Scope if each in scopes - caller().scopes]
    if beyond:
        raise Forbidden("nobody gives what they do not have", code="scope_missing", scopes=beyond)
    name = clean_name(body["name"])
    # Whoever is bound to a camera gives keys to that one only.
    its_camera = camera(None if body.get("camera") is None else clean_name(body["camera"]))
    expires_at = None if body.get("expires_at") is None else read_time(body["expires_at"])
    secret = rules.new_secret()

    def add(session: Session) -> Json:
        row = all_keys.add(session, name, scopes, digest=rules.digest(secret), camera=its_camera, expires_at=expires_at)
        audit.note(session, caller(), Action.KEY_MADE, row.id)
        return representations.key(row)

    return {"key": services(_Needs).database.retry(add), "secret": secret}, 201


@blueprint.delete("/<key_id>")
@asks_for(Scope.OPERATE)
def revoke(key_id: str) -> tuple[str, int]:
    """Revoke a key and end its sessions."""
    check_id(key_id, "key")
    its = services(_Needs)

    def end(session: Session) -> None:
        if all_keys.revoke(session, all_keys.get(session, key_id)):
            audit.note(session, caller(), Action.KEY_REVOKED, key_id)

    its.database.retry(end)
    its.keyring.forget()
    return "", 204


def read_scopes(given: list[Any]) -> frozenset[Scope]:
    """Return the scopes that were named.

    Raises:
        InvalidInput: there are none, or one is not known.
    """
    words = [each.value for each in Scope]
    if not given or any(each not in words for each in given):
        raise InvalidInput(
            f"scopes are some of {', '.join(words)}; got {given!r:.100}", code="invalid_field", field="scopes"
        )
    return frozenset(Scope(each) for each in given)


def read_time(text: str) -> float:
    """Return a time to come, given in ISO 8601, in UTC seconds since 1970; without a zone it is UTC.

    Raises:
        InvalidInput: it is no time, or past.
    """
    seconds = payload.read_time("expires_at", text)
    if seconds <= time.time():
        raise InvalidInput(f"{text!r:.50} is past already", code="invalid_field", field="expires_at")
    return seconds
