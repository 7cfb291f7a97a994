"""Sessions: signing in on the page, who has, and signing out."""

import logging
import time
from typing import Protocol

from flask import Blueprint, Response, g, jsonify, request

from familiar.errors import InvalidInput
from familiar.records import AccessKey, Database, KeyStatus, clean_name, sessions
from familiar.records import key as rules
from familiar.records import keys as all_keys
from familiar.settings import Settings
from familiar_gateway.access import passwords, representations
from familiar_gateway.access.guard import COOKIE, Guard, known_caller, require_csrf
from familiar_gateway.access.keyring import Keyring
from familiar_gateway.access.rates import Rates
from familiar_gateway.web import Caller, Json, Unauthorized, asks_for, payload, services

log = logging.getLogger(__name__)


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    keyring: Keyring
    rates: Rates
    guard: Guard


blueprint = Blueprint("session", __name__, url_prefix="/v1/session")


@blueprint.get("")
@asks_for()
def show() -> Json:
    """Say who asks, what they may do, and whether anything is asked for here."""
    payload.read_query(request, {})
    return _show(known_caller())


@blueprint.post("")
@asks_for()
def sign_in() -> tuple[Response, int]:
    """Begin a session with a key, or with a name and a password."""
    its = services(_Needs)
    body = payload.read_object(request, {"key": str, "name": str, "password": str})
    if set(body) not in ({"key"}, {"name", "password"}):
        raise InvalidInput("give 'key', or 'name' and 'password'", code="missing_field", field="key")
    for field in ("key", "password"):
        _require_characters(field, body.get(field, ""))
    name = clean_name(body["name"]) if "name" in body else None
    its.rates.require_attempts_left(request.remote_addr, name)
    row = _found(its.database, body, name)
    if row is None or rules.status(row, time.time()) is not KeyStatus.VALID:
        its.rates.count_failure(request.remote_addr, name)
        log.warning("a failed attempt to sign in from %s (request %s)", request.remote_addr, g.request_id)
        raise Unauthorized("that is not a key, or not a name and its password", code="sign_in_failed")
    token, _ = its.database.retry(lambda session: sessions.begin(session, row, its.settings.session_s))
    answer = jsonify(_show(its.keyring.of_session(token)))
    answer.set_cookie(
        COOKIE, token, max_age=int(sessions.LONGEST_S), path=f"{request.script_root}/", secure=request.is_secure,
        httponly=True, samesite="Strict",
    )  # fmt: skip
    return answer, 201


@blueprint.delete("")
@asks_for()
def sign_out() -> Response:
    """End the session, if there is one."""
    its = services(_Needs)
    caller, token = known_caller(), request.cookies.get(COOKIE)
    if caller is not None and caller.csrf is not None and token:
        require_csrf(caller)
        its.database.retry(lambda session: sessions.end(session, rules.digest(token)))
        its.keyring.forget()
    answer = Response(status=204)
    answer.delete_cookie(
        COOKIE, path=f"{request.script_root}/", secure=request.is_secure, httponly=True, samesite="Strict"
    )
    return answer


def _show(caller: Caller | None) -> Json:
    its = services(_Needs)
    kept_s = its.settings.sightings_keep_s if its.settings.keeps_sightings else None
    return representations.session(its.guard.mode_here(), caller, kept_s)


def _require_characters(field: str, text: str) -> None:
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise InvalidInput(f"the field {field!r} has half a character", code="invalid_field", field=field)


def _found(database: Database, body: Json, name: str | None) -> AccessKey | None:
    """Return the key that somebody shows; their password has been tried then."""
    with database.read() as session:
        if name is None:
            return all_keys.by_digest(session, rules.digest(body["key"]))
        row = all_keys.by_name(session, name)
    return row if passwords.matches(None if row is None else row.password, body["password"]) else None
