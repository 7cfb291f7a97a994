"""Every route of the document, called by everybody: what they are answered is what the document and the page say."""

import pytest
from access_table import askers, operations, table
from openapi_judge import DOCUMENT

from architecture.rooms import ROOT
from familiar.scope import Scope
from familiar_gateway import web
from familiar_gateway.app import create_app
from familiar_gateway.web import doors

_PAGE = ROOT / "docs" / "access.md"


def _security(method: str, path: str) -> set[str]:
    said = DOCUMENT["paths"][path][method.lower()].get("security")
    assert said is not None, f"{method} {path} does not say in openapi.json which scopes it asks for"
    ways = [way for each in said for way in each.items()]
    assert {name for name, _ in ways} == (set(DOCUMENT["components"]["securitySchemes"]) if ways else set())
    scopes = {frozenset(wanted) for _, wanted in ways}
    assert len(scopes) < 2
    return set(*scopes)


def test_everybody_is_answered_as_the_document_says(make_world):
    asking = askers(make_world(access="keys"))
    for method, path in operations():
        wanted = _security(method, path)
        said = {name: ask(method, path) for name, ask in asking.items()}
        past = {name for name, status in said.items() if status not in (401, 403)}
        changes = method != "GET"
        if wanted:
            assert {said[name] for name in ("no key", "revoked", "expired")} == {401}, (method, path)
            assert past & set(Scope) == wanted, (method, path)
        else:
            assert past >= {"no key", "revoked", "expired", *Scope}, (method, path)
        assert ("page of another site" in past) is not changes, (method, path)
        if changes and path != "/v1/session":
            assert said["session without its token"] == 403, (method, path)


def test_the_page_shows_what_everybody_was_answered(make_world):
    shown = table(askers(make_world(access="keys")), operations())
    assert shown in _PAGE.read_text(), f"put into docs/access.md, under Who may what:\n{shown}"


def test_the_document_and_the_routes_ask_for_the_same_scopes(world):
    app = world.client.application
    addresses = app.url_map.bind("localhost")
    for method, path in operations():
        endpoint, _ = addresses.match(path.replace("{version}", "1"), method)
        assert doors.asked_of(app, endpoint) == _security(method, path), f"{method} {path}"


def test_a_route_that_says_nothing_of_scopes_keeps_the_application_from_starting(world, monkeypatch):
    monkeypatch.delattr(world.client.application.view_functions["people.list_all"], "_asks_for")
    with pytest.raises(LookupError, match=r"people.list_all \(/v1/people\).*asks_for"):
        create_app(world.services)


def test_a_word_that_is_no_scope_is_not_taken_for_one():
    with pytest.raises(ValueError, match="everything"):
        web.asks_for("everything")
