"""Signing in, keys and the audit, at a gateway that asks for keys."""

import json
from collections.abc import Callable
from typing import Any

import pytest
from browsers import in_each
from looking import check_access, fits, shoot
from page_gateway import PASSWORD, Gateway

OpenPage = Callable[..., Any]
COLLINS = "Eileen Collins"


def open_signed_out(open_page: OpenPage, gateway: Gateway, at: str = "", who: str | None = None) -> Any:
    """Open the page of a gateway that asks for a key, with somebody before the camera, or without one."""
    page = open_page(gateway, who, camera=who is not None, at=at)
    page.locator("#sign-in").wait_for()
    return page


def sign_in(page: Any, secret: str, name: str = "") -> None:
    """Sign in with a key, or with a name and a password."""
    page.fill("#sign-in-name", name)
    page.fill("#sign-in-secret", secret)
    page.keyboard.press("Enter")


def offered(page: Any) -> list[str]:
    """Return the views that may be gone to."""
    return list(page.locator("nav a:visible").all_inner_texts())


@in_each()
def test_who_has_no_key_sees_nothing_else_and_who_has_one_what_it_allows(
    guarded_gateway: Gateway, open_page: OpenPage
) -> None:
    secret = guarded_gateway.give_key("front desk", "recognize", "people")
    page = open_signed_out(open_page, guarded_gateway, "#people")
    assert page.locator("main section:visible").count() == 1 and offered(page) == []
    check_access(page)
    assert fits(page)
    shoot(page, "sign-in")
    sign_in(page, "fam_wrong")
    page.locator("#sign-in-trouble", has_text="is not known here").wait_for()
    sign_in(page, secret)
    page.locator(".card").first.wait_for()  # where they wanted to go
    assert offered(page) == ["Do you know me?", "People", "Photos"]
    (cookie,) = page.context.cookies()
    assert cookie["httpOnly"] and cookie["sameSite"] == "Strict"
    page.click("header .brand")
    page.locator("#home h1").wait_for()
    assert page.locator("a.door:visible").count() == 1
    page.goto(guarded_gateway.address + "#people")
    guarded_gateway.revoke("front desk")
    page.fill("#people-search", "grace")
    page.locator("#sign-in").wait_for()
    sign_in(page, PASSWORD, "ada")
    page.locator(".card").first.wait_for()
    assert offered(page) == ["People", "Photos"]
    page.get_by_role("button", name="Sign out ada").click()
    page.locator("#sign-in").wait_for()
    page.reload()
    page.locator("#sign-in").wait_for()
    assert page.context.cookies() == []


def test_keys_are_made_shown_once_and_revoked_and_it_is_said_who_did(
    guarded_gateway: Gateway, open_page: OpenPage
) -> None:
    everything = guarded_gateway.names["key"]
    page = open_signed_out(open_page, guarded_gateway, "#operate")
    sign_in(page, everything)
    page.locator("td", has_text="127.0.0.1").first.wait_for()
    check_access(page)
    page.get_by_label("Name of a new key").fill("back door")
    page.get_by_label("recognise", exact=True).check()
    page.get_by_label("Its camera").fill("back door camera")
    page.get_by_label("Good until").fill("2090-12-30")
    # In another tab somebody signs in anew; the page learns of it when its header is refused.
    assert page.request.post(guarded_gateway.root + "v1/session", data={"key": everything}).status == 201
    page.get_by_role("button", name="Make a key").click()
    page.locator("#question-text", has_text="fam_").wait_for()
    secret = page.inner_text("#question-text").split()[-1]
    session = guarded_gateway.ask("v1/session", key=secret)
    assert session["scopes"] == ["recognize"] and session["who"]["camera"] == "back door camera"
    (made,) = [each for each in guarded_gateway.ask("v1/keys")["keys"] if each["name"] == "back door"]
    assert "2090-12-30T" < made["expires_at"] < "2091"
    whole = "document.querySelector('#question').scrollWidth <= document.querySelector('#question').clientWidth"
    assert page.evaluate(whole), "nobody can keep what is cut off"
    shoot(page, "key")
    page.get_by_role("button", name="I have kept it").click()
    from playwright.sync_api import expect

    expect(page.get_by_label("Name of a new key")).to_have_value("")  # ready for another one
    row = page.locator("tr", has=page.locator("td", has_text="back door")).first
    row.get_by_role("button", name="Revoke").click()
    assert secret not in page.content()
    page.locator("#question[open]").get_by_role("button", name="Revoke").click()
    page.locator("tr", has_text="back door").locator("td", has_text="revoked").first.wait_for()
    assert guarded_gateway.ask("v1/session", key=secret)["who"] is None
    done = guarded_gateway.ask("v1/audit")["entries"][:2]
    assert [(each["action"], each["name"], each["who"]["name"]) for each in done] == [
        ("key_revoked", "back door", "everything"),
        ("key_made", "back door", "everything"),
    ]


@pytest.mark.slow
def test_a_tablet_at_the_door_that_may_only_enrol_does(own_guarded_gateway: Gateway, open_page: OpenPage) -> None:
    secret = own_guarded_gateway.give_key("tablet", "enroll")
    page = open_signed_out(open_page, own_guarded_gateway, "#enrol", COLLINS)
    refused: list[str] = []
    sign_in(page, secret)
    page.on("response", lambda answer: refused.append(answer.url) if answer.status in (401, 403) else None)
    page.click("#enrol-agree")
    assert offered(page) == ["Get to know me"]
    page.fill("#enrol-name", COLLINS)
    page.click("#enrol-camera")
    page.locator("[data-step=end]").wait_for()
    assert page.inner_text("#enrol-greeting") == f"Hello, {COLLINS}!"
    assert page.inner_text("#enrol-ending") == "I know you now."
    assert page.get_by_role("link", name="Try it out").count() == 0
    assert refused == []


@pytest.mark.slow
def test_a_tablet_keeps_nothing_of_what_failed_each_time(own_guarded_gateway: Gateway, open_page: OpenPage) -> None:
    secret = own_guarded_gateway.give_key("other tablet", "enroll")
    page = open_signed_out(open_page, own_guarded_gateway, "#enrol", COLLINS)
    sign_in(page, secret)
    asked: list[tuple[str, str]] = []

    def fail(route: Any) -> None:
        address = route.request.url.replace("/events", "")
        error = {"code": "head_worse", "message": "m", "person": None}
        state = {**page.request.get(address).json(), "status": "failed", "error": error}
        route.fulfill(content_type="text/event-stream", body=f"event: state\ndata: {json.dumps(state)}\n\n")

    def take_back(route: Any) -> None:
        if route.request.method != "DELETE":
            return route.fallback()
        asked.append(("DELETE", route.request.url.rpartition("/")[2]))
        return route.fulfill(status=202, json={"job": {}})

    page.route("**/events", fail)
    page.route("**/v1/enrollments/*", take_back)
    page.click("#enrol-agree")
    page.fill("#enrol-name", "Somebody Else")
    page.click("#enrol-camera")
    page.get_by_role("button", name="Try again with new pictures").click()
    page.locator("[data-step=capture]").wait_for()
    page.get_by_role("button", name="Leave it, and keep nothing").click()
    page.locator("#home").wait_for()
    assert len(asked) == len(set(asked)) == 2


def test_what_is_open_to_all_says_so_in_red(open_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(open_gateway, camera=False)
    page.locator("#open-to-all").wait_for()
    page.locator("#home").wait_for()
    assert len(offered(page)) == 5
    check_access(page)
    shoot(page, "open")
