"""Doors: what each route asks of whoever comes, said beside it, and who has come.

Who that is, and whether it is enough, is decided in one place before any route is called; a route that says nothing of
it keeps the application from starting.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar, cast

from flask import Flask, g

from familiar.scope import Scope
from familiar_gateway.web.errors import Forbidden

Route = TypeVar("Route", bound=Callable[..., Any])
_ASKED = "_asks_for"
_SHOWN = "_takes_key"

HEAD_ALONE = "familiar.head_alone"
"""What the environment says of a request of which the head is here and the body is still to come."""
WANTED = "familiar.body_wanted"
"""What it says when somebody has found that the body is worth reading: such a request was let in, and counted."""


@dataclass(frozen=True)
class Caller:
    """Who asks.

    Attributes:
        address: where they are, as far as is known.
        scopes: what they may do.
        key_id, name: of the key that they have shown; None where none was asked for.
        camera: the camera that the key is bound to, if it is.
        csrf: what a change has to bring along, because a browser sends the session by itself; None for a key.
        session_until: when the session ends if it is not used, in UTC seconds since 1970; None for a key.
    """

    address: str | None
    scopes: frozenset[Scope] = frozenset()
    key_id: str | None = None
    name: str | None = None
    camera: str | None = None
    csrf: str | None = None
    session_until: float | None = None


def asks_for(*scopes: Scope) -> Callable[[Route], Route]:
    """Let in who has one of the ``scopes``; without any: everybody."""
    wanted = frozenset(Scope(each) for each in scopes)

    def declare(route: Route) -> Route:
        setattr(route, _ASKED, wanted)
        return route

    return declare


def takes_key(find: Callable[[], str | None]) -> Callable[[Route], Route]:
    """Have a key looked for by ``find`` as well, in a body that is there; what is shown as everywhere comes first."""

    def declare(route: Route) -> Route:
        setattr(route, _SHOWN, find)
        return route

    return declare


def key_finder_of(app: Flask, endpoint: str) -> Callable[[], str | None] | None:
    """Return what looks for a key in the body of a route, if anything does."""
    return cast(Callable[[], str | None] | None, getattr(app.view_functions[endpoint], _SHOWN, None))


def asked_of(app: Flask, endpoint: str) -> frozenset[Scope]:
    """Return of which scopes one is needed; none: everybody may come."""
    return cast(frozenset[Scope], getattr(app.view_functions[endpoint], _ASKED))


def require_declared(app: Flask) -> None:
    """Check that each route says what it asks for.

    Raises:
        LookupError: one does not.
    """
    for rule in app.url_map.iter_rules():
        if not hasattr(app.view_functions[rule.endpoint], _ASKED):
            raise LookupError(f"{rule.endpoint} ({rule.rule}) does not say what it asks for: add web.asks_for(...)")


def body_is_to_come(environ: Mapping[str, Any]) -> bool:
    """Whether there is nothing of a request yet but its head, so that the question is only whether to go on."""
    return HEAD_ALONE in environ


def was_let_in(environ: Mapping[str, Any]) -> bool:
    """Whether a request was let in when there was nothing of it but its head."""
    return WANTED in environ


def set_caller(find_out: Callable[[], Caller]) -> None:
    """Have ``find_out`` tell who sent this request, when somebody asks for the first time."""
    g.find_out = find_out


def caller() -> Caller:
    """Return who sent the request that is being answered.

    Raises:
        Unauthorized: what they have shown is good for nothing.
    """
    if "caller" not in g:
        g.caller = g.find_out()
    return cast(Caller, g.caller)


def look_again() -> None:
    """Find out anew who sent the request that is being answered, for an answer that takes its time.

    Raises:
        Unauthorized: what they have shown is good for nothing any more.
    """
    g.caller = g.find_out()


def camera(named: str | None) -> str | None:
    """Return the camera that the caller speaks for: that of their key, the one ``named`` where it is bound to none.

    Raises:
        Forbidden: the key is bound to another camera than the one that is named.
    """
    bound = caller().camera
    if bound is not None and named not in (None, bound):
        raise Forbidden(f"this key is for the camera {bound}, not for {named}", code="camera_not_yours", camera=bound)
    return named if bound is None else bound
