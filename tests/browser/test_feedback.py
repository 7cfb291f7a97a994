"""On the page one says that a recognition is not right, and it is so from then on."""

import sqlite3
from collections.abc import Callable
from typing import Any

import pytest
from looking import check_access, fits, shoot
from page_gateway import Gateway

import portraits
from familiar.seeing import encode_jpeg

OpenPage = Callable[..., Any]


def recognise(page: Any, gateway: Gateway) -> None:
    picture = encode_jpeg(portraits.frame("Grace Hopper")[:512])
    page.goto(f"{gateway.address}#recognise")
    page.locator("#recognise").wait_for()
    page.set_input_files("#recognise-file", [{"name": "her.jpg", "mimeType": "image/jpeg", "buffer": picture}])
    page.locator("#recognise-said", has_text="Grace Hopper").wait_for()


def waits(gateway: Gateway, sightings: int) -> bool:
    return len(gateway.ask("v1/sightings")["sightings"]) == sightings


@pytest.mark.slow
def test_what_is_said_of_a_recognition_is_so_and_what_waits_is_asked_about(
    remembering_gateway: Gateway, open_page: OpenPage
) -> None:
    gateway = remembering_gateway
    page = open_page(gateway, camera=False)
    recognise(page, gateway)
    page.wait_for_function("fetch('v1/sightings').then((it) => it.json()).then((it) => it.sightings.length === 1)")
    page.get_by_role("button", name="Not right?").click()
    page.get_by_text("Is this Grace Hopper?").wait_for()
    check_access(page)
    shoot(page, "not-right")
    page.get_by_role("button", name="Nobody I know").click()
    page.locator("#notice", has_text="I will keep to that").wait_for()
    (said,) = gateway.ask("v1/feedback")["feedback"]
    assert (said["verdict"], said["named"]["name"]) == ("stranger", "Grace Hopper")

    gateway.ask(f"v1/feedback/{said['id']}", "DELETE")
    with sqlite3.connect(next(gateway.folder.rglob("*.db"))) as database:  # as the trainer proposes a face
        database.execute(
            "INSERT INTO quarantine (id, sighting_id, position, named_id, score, frames, agreeing, disagreeing, day, "
            "captured_at, quality, crop, created_at, proposed, standing) SELECT s.id, s.id, c.position, s.person_id, "
            "s.score, 1, 1, 0, 1, s.captured_at, c.quality, c.crop, s.kept_at, 1, 'waiting' "
            "FROM sightings s JOIN sighting_crops c ON c.sighting_id = s.id"
        )
    page.goto(f"{gateway.address}#visitors")
    card = page.locator("#visitors-asked .card")
    card.get_by_text("Is this Grace Hopper?").wait_for()
    check_access(page)
    assert fits(page)
    shoot(page, "asked")
    card.get_by_role("button", name="Yes", exact=True).click()
    page.locator("#notice", has_text="I will keep to that").wait_for()
    card.wait_for(state="detached")
    assert gateway.ask("v1/feedback")["feedback"][0]["verdict"] == "right"
    assert waits(gateway, 1)
