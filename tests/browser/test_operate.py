"""What operators see, and what they can do about it."""

from collections.abc import Callable
from typing import Any

import pytest
from looking import check_access, fits, shoot
from page_gateway import Gateway

OpenPage = Callable[..., Any]
PHONE = {"viewport": {"width": 390, "height": 844}, "has_touch": True, "is_mobile": True}


def section(page: Any, title: str) -> Any:
    """Return a section of the operators' part."""
    return page.locator("#operate-parts section", has=page.get_by_role("heading", name=title, exact=True))


def test_parts_workers_room_and_versions_are_shown(shared_gateway: Gateway, open_page: OpenPage) -> None:
    page = open_page(shared_gateway, camera=False, at="#operate")
    section(page, "Workers").locator("td", has_text="trainer-1").wait_for()
    assert "waiting" in section(page, "Workers").inner_text()
    room = section(page, "Parts").locator(".tile", has_text="room for the models").inner_text()
    assert "24 MB" in room and "50 GB of 100 GB are free" in room
    made_of = section(page, "What it is made of").inner_text()
    assert "tensorflow 2.0.0" in made_of and "redis 7.0.0" in made_of and "does not say" in made_of
    link = section(page, "Trainings").get_by_role("link", name="rq-dashboard")
    assert link.get_attribute("href") == "http://127.0.0.1:9181/"
    check_access(page)


@pytest.mark.parametrize("look", [{}, {"color_scheme": "dark", **PHONE}], ids=["desk", "phone-by-night"])
def test_what_another_threshold_would_cost_is_drawn_and_told(
    shared_gateway: Gateway, open_page: OpenPage, look: dict[str, Any]
) -> None:
    page = open_page(shared_gateway, camera=False, at="#operate", **look)
    place = section(page, "What another threshold would cost")
    picture = place.get_by_role("img")
    picture.wait_for()
    assert "of strangers are named" in picture.get_attribute("aria-label")
    assert picture.locator("polyline").count() == 1 and picture.locator("circle").count() == 1
    assert picture.bounding_box()["width"] > 300
    assert "Of head 1 there is no curve" in place.inner_text()
    place.get_by_text("Figures").click()
    assert place.locator("tr").count() > 8
    check_access(page)
    assert fits(page)
    picture.scroll_into_view_if_needed()
    shoot(page, f"tradeoff{'-phone' if look else ''}")


def test_a_training_that_failed_says_why_and_is_tried_again(gateway: Gateway, open_page: OpenPage) -> None:
    person = gateway.names["person"]
    samples = gateway.ask(f"v1/people/{person}/samples")["samples"]
    gateway.let_the_next_training_fail()
    gateway.ask(f"v1/people/{person}/samples/{samples[0]['id']}", "DELETE")
    page = open_page(gateway, camera=False, at="#operate")
    jobs = section(page, "Trainings")
    failed = jobs.locator("tr", has_text="did not load the head")
    failed.wait_for()
    section(page, "What went wrong of late").locator("tr", has_text="load_failed").wait_for()
    failed.get_by_role("button", name="Try again").click()
    page.keyboard.press("Escape")
    assert len(gateway.ask("v1/jobs")["jobs"]) == 2, "asked first"
    failed.get_by_role("button", name="Try again").click()
    check_access(page)
    page.locator("#question[open]").get_by_role("button", name="Try again").click()
    jobs.locator("tr").nth(1).locator("td.live").wait_for()
    assert jobs.get_by_role("button", name="Try again").count() == 0
    section(page, "Who did what").locator("td", has_text="training tried again").wait_for()
    assert [each["status"] for each in gateway.ask("v1/jobs")["jobs"]] == ["live", "failed", "live"]


def test_long_lists_are_leafed_through_and_the_button_keeps_the_focus(gateway: Gateway, open_page: OpenPage) -> None:
    for number in range(23):
        gateway.give_key(f"key {number}", "people")
    page = open_page(gateway, camera=False, at="#operate")
    keys, audit = section(page, "Keys"), section(page, "Who did what")
    keys.get_by_text("1 to 20 of 25", exact=True).wait_for()  # with that of everything, and ada
    audit.get_by_role("button", name="Next").click()
    audit.get_by_text("21 to 24 of 24", exact=True).wait_for()
    assert audit.get_by_role("button", name="Next").is_disabled()
    keys.get_by_role("button", name="Next").press("Enter")
    keys.locator("td", has_text="everything").wait_for()
    keys.get_by_role("button", name="Back").press("Enter")
    keys.locator("td", has_text="key 22").wait_for()
    assert page.evaluate("document.activeElement.closest('section').querySelector('h2').textContent") == "Keys"
    assert keys.locator("tr").count() == 21
