"""The guard: the one place where it is decided whether a request may go on to its route."""

import hmac
from collections.abc import Callable
from dataclasses import replace

from flask import current_app, request

from familiar.scope import Scope
from familiar_gateway.access.keyring import Keyring
from familiar_gateway.access.mode import Mode
from familiar_gateway.access.rates import Rates
from familiar_gateway.web import Caller, Forbidden, Unauthorized, doors, proxies

COOKIE = "familiar-session"
CSRF_HEADER = "X-CSRF-Token"
EVERYTHING = frozenset(Scope)
_SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})


class Guard:
    """Stands before all routes."""

    def __init__(self, mode: Mode, keyring: Keyring, rates: Rates) -> None:
        """Ask for what ``mode`` says."""
        self._mode = mode
        self._keyring = keyring
        self._rates = rates

    def admit(self) -> None:
        """Let the request that is being answered go on.

        Raises:
            Unauthorized: nothing was shown, or nothing that is good for anything.
            Forbidden: who asks may not do this, or a browser may have been led to ask.
            RateLimited: it is one too many.
            DatabaseUnavailable: nobody knows whose the key is.
        """
        doors.set_caller(self._identify)
        rule = request.url_rule
        if rule is None or request.method == "OPTIONS":
            return  # there is nothing to be had, or a browser asks whether it may ask
        wanted = doors.asked_of(current_app, rule.endpoint)
        if not wanted:
            return
        if self._key_is_to_come():
            self._count(Caller(request.remote_addr))
            return
        try:
            caller = doors.caller()
        except Unauthorized:
            self._count(Caller(request.remote_addr))
            raise
        self._count(caller)
        if not wanted & caller.scopes:
            names = [each.value for each in Scope if each in wanted]
            raise Forbidden(f"this needs the scope {' or '.join(names)}", code="scope_missing", scopes=names)
        require_csrf(caller)

    def mode_here(self) -> Mode:
        """Return what is asked for of the request that is being answered.

        Where only this machine can come, a proxy on it may let others in.
        """
        passed_on = self._mode is Mode.LOOPBACK and proxies.passed_on(request.environ)
        return Mode.KEYS if passed_on else self._mode

    def _identify(self) -> Caller:
        address = request.remote_addr
        if self.mode_here() is not Mode.KEYS:
            return Caller(address, EVERYTHING)
        if secret := _key_in_head() or _key_in_body():
            found = self._keyring.of_secret(secret)
        elif token := request.cookies.get(COOKIE):
            found = self._keyring.of_session(token)
        else:
            raise Unauthorized("a key is needed: Authorization: Bearer fam_..., or sign in on the page")
        return replace(found, address=address)

    def _key_is_to_come(self) -> bool:
        """Whether the body that has not come yet may bring the key, and nothing was shown in the head."""
        if not doors.body_is_to_come(request.environ) or _key_finder() is None:
            return False
        return self.mode_here() is Mode.KEYS and not (_key_in_head() or request.cookies.get(COOKIE))

    def _count(self, caller: Caller) -> None:
        if self.mode_here() is not Mode.LOOPBACK and not doors.was_let_in(request.environ):
            self._rates.count(caller)


def _key_in_head() -> str | None:
    shown = request.authorization
    bearer = shown.token if shown is not None and shown.type == "bearer" else None
    return bearer or request.headers.get("X-API-Key")


def _key_in_body() -> str | None:
    find = None if doors.body_is_to_come(request.environ) else _key_finder()
    return None if find is None else find()


def _key_finder() -> Callable[[], str | None] | None:
    return None if request.endpoint is None else doors.key_finder_of(current_app, request.endpoint)


def require_csrf(caller: Caller) -> None:
    """Check that a change by a session was asked for by our page.

    Raises:
        Forbidden: it may not have been.
    """
    if caller.csrf is None or request.method in _SAFE_METHODS:
        return
    if not hmac.compare_digest(request.headers.get(CSRF_HEADER, "").encode(), caller.csrf.encode()):
        raise Forbidden(f"a change by a session needs the header {CSRF_HEADER}", code="csrf_failed")


def known_caller() -> Caller | None:
    """Return who asks, None if they have shown nothing that is good for anything."""
    try:
        return doors.caller()
    except Unauthorized:
        return None
