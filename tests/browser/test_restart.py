"""The gateway ends under the page and is started again, as in an update or a crash: the page goes on by itself.

All of the system is real here: processes, models, and a training.
"""

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from filming import ALL_DIFFERENT, vouch
from page_gateway import Gateway

from system import System

OpenPage = Callable[..., Any]
COLLINS = "Eileen Collins"
PATIENCE_MS = 120_000
"""For all 150 frames and a training, and a start of the gateway between, on a machine that has other things to do."""


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """A running system that knows nobody."""
    running = System(tmp_path_factory.mktemp("system"))
    try:
        yield running.up()
    finally:
        running.down()


def restart(system: System, page: Any, end: Callable[[str], object]) -> None:
    """End the gateway, wait until the page has noticed, and start it at the same address."""
    end("gateway")
    page.locator("#readiness.missing").wait_for()
    system.start("gateway")


@pytest.mark.slow
def test_the_gateway_is_restarted_under_both_doors(system: System, open_page: OpenPage) -> None:
    page = open_page(Gateway(system.ports["gateway"], {}, system.folder), COLLINS, at="#enrol", rounds=ALL_DIFFERENT)
    page.set_default_timeout(PATIENCE_MS)
    page.click("#enrol-agree")
    page.fill("#enrol-name", COLLINS)
    page.click("#enrol-camera")
    page.locator("#enrol-count", has_text=re.compile(r"^[2-9]\d of 150")).wait_for()
    restart(system, page, system.kill)  # while frames are on their way
    vouch(page)
    page.locator("[data-step=learning]").wait_for()
    restart(system, page, system.stop)  # while it is told how the learning goes
    page.locator("[data-step=end]").wait_for()
    assert page.inner_text("#enrol-greeting") == f"Hello, {COLLINS}!"
    assert [person["name"] for person in system.client().call("GET", "/v1/people")["people"]] == [COLLINS]
    page.get_by_role("link", name="Try it out").click()
    for end in (system.kill, system.stop):
        page.locator("#recognise-said", has_text=f"Hello, {COLLINS}.").wait_for()
        restart(system, page, end)
        page.locator("#recognise-trouble").wait_for(state="hidden")
    page.locator("#recognise-said", has_text=f"Hello, {COLLINS}.").wait_for()
    page.locator("#readiness.ok").wait_for()
    page.goto(f"{system.url}/docs#people")
    page.locator(".card", has_text=COLLINS).wait_for()
    restart(system, page, system.kill)
    page.locator("#readiness.ok").wait_for()
    page.fill("#people-search", "eileen")
    page.locator("#people-shown", has_text="1 to 1 of 1").wait_for()
    page.seen.errors.clear()  # the browser notes each request that failed
