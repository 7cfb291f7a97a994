"""Putting right on the page: pictures are chosen and moved, people merged and split, and each undone."""

from collections.abc import Callable
from typing import Any

import pytest
from looking import check_access, fits, shoot
from page_gateway import Gateway

OpenPage = Callable[..., Any]


def card(gateway: Gateway, open_page: OpenPage, **context: Any) -> Any:
    page = open_page(gateway, camera=False, **context)
    page.goto(f"{gateway.address}#people/{gateway.names['person']}")
    page.locator(".choice").nth(11).wait_for()
    return page


def choose(page: Any, count: int) -> None:
    for number in range(count):
        page.locator(".choice").nth(number).click()


def listed(gateway: Gateway, search: str) -> list[tuple[str, int]]:
    return [(each["name"], each["samples"]) for each in gateway.ask(f"v1/people?search={search}")["people"]]


@pytest.mark.slow
def test_chosen_pictures_become_a_new_person_who_is_merged_back_and_each_is_undone(
    gateway: Gateway, open_page: OpenPage
) -> None:
    page = card(gateway, open_page)
    assert page.get_by_role("button", name="Make a new person of them").is_hidden()
    choose(page, 5)
    page.locator(".choice").nth(4).click()
    page.get_by_text("4 pictures chosen").wait_for()
    page.get_by_role("button", name="Make a new person of them").click()
    page.fill("#question-input", "Amazing Grace")
    page.keyboard.press("Enter")
    page.locator("#notice", has_text="too few pictures").wait_for()
    page.locator(".choice").nth(4).click()
    page.get_by_text("5 pictures chosen").wait_for()
    check_access(page)
    shoot(page, "choosing")
    page.get_by_role("button", name="Make a new person of them").click()
    page.fill("#question-input", "Amazing Grace")
    page.keyboard.press("Enter")
    page.get_by_text("5 pictures went to Amazing Grace").wait_for()
    assert listed(gateway, "grace") >= [("Amazing Grace", 5)] and ("Grace Hopper", 7) in listed(gateway, "grace")
    page.get_by_role("button", name="The same as somebody else").click()
    page.fill("#question-input", "amazing")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Amazing Grace (5 pictures)").click()
    page.get_by_role("dialog").get_by_role("button", name="The same as somebody else").click()
    page.locator("#people-one h1", has_text="Amazing Grace").wait_for()
    page.get_by_text("Grace Hopper was the same person").wait_for()
    assert ("Amazing Grace", 12) in listed(gateway, "amazing") and listed(gateway, "hopper") == []
    page.get_by_role("button", name="Undo").first.click()
    page.locator("#notice", has_text="as it was before").wait_for()
    page.get_by_text("undone", exact=True).wait_for()
    assert listed(gateway, "hopper") == [("Grace Hopper", 7)]
    page.get_by_role("button", name="Undo").click()
    page.locator("#people-one h1", has_text="Grace Hopper").wait_for()
    assert listed(gateway, "hopper") == [("Grace Hopper", 12)] and listed(gateway, "amazing") == []


@pytest.mark.slow
def test_pictures_are_put_aside_moved_to_somebody_found_by_name_and_taken_back(
    gateway: Gateway, open_page: OpenPage
) -> None:
    page = card(gateway, open_page, viewport={"width": 390, "height": 800})
    choose(page, 2)
    page.get_by_role("button", name="They show nobody I should know").click()
    page.get_by_role("dialog").get_by_text("These 2 pictures are not learned as Grace Hopper").wait_for()
    page.get_by_role("dialog").get_by_role("button", name="They show nobody I should know").click()
    page.get_by_text("2 pictures put aside").wait_for()
    assert listed(gateway, "hopper") == [("Grace Hopper", 10)] and fits(page)
    check_access(page)
    page.get_by_text("2 pictures put aside").scroll_into_view_if_needed()
    shoot(page, "put-right-phone")
    choose(page, 1)
    page.get_by_role("button", name="They show somebody else").click()
    page.fill("#question-input", "nobody of that name")
    page.keyboard.press("Enter")
    page.locator("#notice", has_text="Nobody's name has").wait_for()
    page.get_by_role("button", name="They show somebody else").click()
    page.fill("#question-input", "emile")
    page.keyboard.press("Enter")
    page.get_by_role("button", name="Émile Ball").click()
    page.locator("#notice", has_text="not enrolled").or_(page.locator("#notice", has_text="not finished")).wait_for()
    page.get_by_role("button", name="Undo").first.click()
    page.locator("#notice", has_text="as it was before").wait_for()
    assert listed(gateway, "hopper") == [("Grace Hopper", 12)]
