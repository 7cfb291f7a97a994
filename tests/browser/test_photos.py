"""A folder of photos, sent from the page, followed, and deleted again."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

from looking import check_access, fits, shoot
from page_gateway import Gateway

import portraits

OpenPage = Callable[..., Any]


def test_a_folder_is_sent_followed_and_deleted(gateway: Gateway, open_page: OpenPage, tmp_path: Path) -> None:
    folder = tmp_path / "holidays"
    folder.mkdir()
    for name in ("Eileen Collins", "Grace Hopper"):
        (folder / f"{name}.jpg").write_bytes(portraits.jpeg(name))
    (folder / "broken.jpg").write_bytes(b"nothing")
    (folder / "notes.txt").write_text("no picture")
    page = open_page(gateway, camera=False, at="#photos")
    page.locator("#photos-shown", has_text="No folder").wait_for()
    page.set_input_files("#photos-files", str(folder))
    page.locator("#photos-one h1", has_text="holidays").wait_for()
    page.locator(
        "#photos-one", has_text="Pictures: 2 · faces: 2 · people: 1 · strangers: 0 · not readable: 1"
    ).wait_for()
    (job,) = gateway.ask("v1/photos")["photos"]
    assert (job["status"], job["files"], job["uploaded"]) == ("queued", 3, True)
    check_access(page)
    assert fits(page)
    shoot(page, "album")
    page.get_by_role("button", name="Pause").click()
    page.locator("#photos-one", has_text="paused").wait_for()
    page.get_by_role("button", name="Go on").click()
    page.locator("#photos-one", has_text="waiting").wait_for()
    page.get_by_role("button", name="Delete").click()
    page.locator("#question-answers button", has_text="Delete").click()
    page.locator("#photos-shown", has_text="No folder").wait_for()
    assert gateway.ask("v1/photos")["total"] == 0
    assert page.seen.errors == []
