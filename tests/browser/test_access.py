"""Signing in, keys and the audit, against what docs/access.md promises; the answers are made here."""

import json
from collections.abc import Callable
from typing import Any

from looking import check_access, fits, shoot

from conftest import Gateway

OpenPage = Callable[..., Any]
SCOPES = ["recognize", "enroll", "people", "operate"]
NOBODY = {"access": "keys", "who": None, "scopes": [], "csrf": None, "expires_at": None}
KEY = {"id": "0" * 32, "name": "front desk", "kind": "key", "scopes": ["recognize", "enroll"], "camera": "door",
       "status": "valid", "created_at": "2026-11-01T08:00:00.000+00:00", "used_at": "2026-11-26T08:00:00.000+00:00",
       "expires_at": None, "revoked_at": None}  # fmt: skip
ENTRY = {"id": 1, "at": "2026-11-26T08:00:00.000+00:00", "who": {"id": "0" * 32, "name": "front desk"},
         "address": "192.0.2.7", "action": "person_renamed", "target": "1" * 32, "name": "Ada Lovelace"}  # fmt: skip


def somebody(*scopes: str, csrf: str = "first") -> dict[str, Any]:
    """Return the session of one who may do this."""
    who = {"id": "0" * 32, "name": "front desk", "camera": None}
    return {"access": "keys", "who": who, "scopes": list(scopes), "csrf": csrf, "expires_at": "2026-11-27T07:30:00Z"}


class Door:
    """What the gateway would answer to a page that signs in; ``said`` is what it was told."""

    def __init__(self, scopes: list[str]) -> None:
        self.session = dict(NOBODY)
        self.said: list[tuple[str, str, Any]] = []
        self._scopes = scopes
        self._csrf = "first"

    def stand_before(self, page: Any) -> None:
        """Answer in the place of the gateway, where it is about who may do what."""
        page.route("**/v1/session", self._answer)
        page.route("**/v1/keys*", lambda route: self._keys(route))
        page.route("**/v1/audit*", lambda route: route.fulfill(json={"entries": [ENTRY], "total": 1}))
        page.route("**/v1/people?*", self._guard)

    def end(self) -> None:
        """End the session behind the page's back."""
        self.session = dict(NOBODY)

    def renew(self) -> None:
        """Have another session, whose header the page does not know."""
        self._csrf = "second"
        self.session = somebody(*self._scopes, csrf=self._csrf)

    def _answer(self, route: Any) -> None:
        request = route.request
        if request.method == "POST":
            given = request.post_data_json
            self.said.append(("sign in", "", given))
            if given not in ({"key": "fam_right"}, {"name": "ada", "password": "fam right"}):
                route.fulfill(status=401, json=refusal("sign_in_failed"))
                return
            self.session = somebody(*self._scopes)
        elif request.method == "DELETE":
            self.said.append(("sign out", request.headers.get("x-csrf-token", ""), None))
            self.end()
        route.fulfill(status={"POST": 201, "DELETE": 200}.get(request.method, 200), json=self.session)

    def _guard(self, route: Any) -> None:
        if self.session["who"]:
            route.continue_()
        else:
            route.fulfill(status=401, json=refusal("session_over"))

    def _keys(self, route: Any) -> None:
        request = route.request
        if request.method == "GET":
            route.fulfill(json={"keys": [KEY], "total": 1, "limit": 20, "offset": 0})
            return
        token = request.headers.get("x-csrf-token", "")
        self.said.append(("make", token, request.post_data_json))
        if token != self._csrf:
            route.fulfill(status=403, json=refusal("csrf_failed"))
        else:
            route.fulfill(status=201, json={"key": KEY, "secret": "fam_only_now"})


def refusal(code: str) -> dict[str, Any]:
    """Return an error body."""
    return {"error": {"code": code, "message": code, "retryable": False, "request_id": "1", "details": {}}}


def open_signed_out(open_page: OpenPage, gateway: Gateway, door: Door, at: str = "") -> Any:
    """Open the page of a gateway that asks for a key."""
    page = open_page(gateway, camera=False)
    door.stand_before(page)
    page.goto(gateway.address + "?keys" + at)
    page.locator("#sign-in").wait_for()
    return page


def test_who_has_no_key_sees_nothing_else_and_who_has_one_what_it_allows(
    shared_gateway: Gateway, open_page: OpenPage
) -> None:
    door = Door(["recognize", "people"])
    page = open_signed_out(open_page, shared_gateway, door, "#people")
    assert page.locator("main section:visible").count() == 1 and page.locator("nav a:visible").count() == 0
    check_access(page)
    assert fits(page)
    shoot(page, "sign-in")
    page.fill("#sign-in-secret", "fam_wrong")
    page.keyboard.press("Enter")
    page.locator("#sign-in-trouble", has_text="is not known here").wait_for()
    page.fill("#sign-in-secret", "fam_right")
    page.keyboard.press("Enter")
    page.locator(".card").first.wait_for()  # where they wanted to go
    assert page.locator("nav a:visible").all_inner_texts() == ["Do you know me?", "People"]
    door.end()
    page.fill("#people-search", "grace")
    page.locator("#sign-in").wait_for()
    page.fill("#sign-in-name", "ada")
    page.fill("#sign-in-secret", "fam right")
    page.keyboard.press("Enter")
    page.locator(".card").first.wait_for(state="attached")
    page.get_by_role("button", name="Sign out front desk").click()
    page.locator("#sign-in").wait_for()
    assert [what for what, *_ in door.said] == ["sign in"] * 3 + ["sign out"] and door.said[-1][1] == "first"


def test_keys_are_made_with_the_header_of_the_session_and_shown_once(
    shared_gateway: Gateway, open_page: OpenPage
) -> None:
    door = Door(SCOPES)
    page = open_signed_out(open_page, shared_gateway, door, "#operate")
    page.fill("#sign-in-secret", "fam_right")
    page.keyboard.press("Enter")
    page.locator("td", has_text="192.0.2.7").wait_for()
    check_access(page)
    page.get_by_label("Name of a new key").fill("back door")
    page.get_by_label("recognise", exact=True).check()
    door.renew()
    page.get_by_role("button", name="Make a key").click()
    page.locator("#question-text", has_text="fam_only_now").wait_for()
    shoot(page, "key")
    page.get_by_role("button", name="I have kept it").click()
    made = {"name": "back door", "scopes": ["recognize"]}
    assert [each for each in door.said if each[0] == "make"] == [("make", "first", made), ("make", "second", made)]
    assert "fam_only_now" not in page.content() or page.locator("#question[open]").count() == 0


def test_what_is_open_to_all_says_so_in_red(shared_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(shared_gateway, camera=False)
    everything = json.dumps({**NOBODY, "access": "open", "scopes": SCOPES})
    page.route("**/v1/session", lambda route: route.fulfill(content_type="application/json", body=everything))
    page.goto(shared_gateway.address + "?open")
    page.locator("#open-to-all").wait_for()
    page.locator("#home").wait_for()
    assert page.locator("nav a:visible").count() == 4
    check_access(page)
    shoot(page, "open")
