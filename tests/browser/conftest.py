"""A real browser before the page: one of the machine's own, whose camera plays films of public-domain portraits.

That is Chromium, unless a test asks for another one (``browsers.FIREFOX``).
"""

import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

_HERE = Path(__file__).parent
sys.path[:0] = [str(_HERE), str(_HERE.parent / "integration")]

import browsers  # noqa: E402
import filming  # noqa: E402
from page_gateway import Gateway, serving  # noqa: E402

_PATIENCE_MS = 30_000


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Start nothing for a browser that is not here."""
    if _HERE not in item.path.parents or "open_page" not in getattr(item, "fixturenames", ()):
        return
    browser = _browser_of(getattr(item, "callspec", None))
    if browser.program() is None:
        pytest.skip(f"no {browser.name} here ({browser.how_to_install}): the page is not shown in it")
    pytest.importorskip("playwright", reason="no Playwright here, which requirements-dev.lock has")


def _browser_of(call: Any) -> browsers.Browser:
    """Return the one that a test asks for."""
    return call.params.get("open_page", browsers.CHROMIUM) if call else browsers.CHROMIUM


@dataclass
class Seen:
    """What a page did that somebody might have to know."""

    errors: list[str] = field(default_factory=list)
    requests: list[str] = field(default_factory=list)


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Callable[[str | None, int], Path]:
    """Return the film of somebody, made once."""
    folder = tmp_path_factory.mktemp("films")
    made: dict[tuple[str | None, int], Path] = {}

    def give(name: str | None, rounds: int) -> Path:
        if (name, rounds) not in made:
            file = folder / f"{name}-{rounds}.mjpeg".replace(" ", "-")
            made[name, rounds] = filming.film(name, file, rounds)
        return made[name, rounds]

    return give


@pytest.fixture(scope="session")
def shared_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One for those who only look."""
    with serving(tmp_path_factory.mktemp("gateway")) as gateway:
        yield gateway


@pytest.fixture(scope="session")
def guarded_gateway(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gateway]:
    """One that asks for keys."""
    with serving(tmp_path_factory.mktemp("guarded"), "keys") as gateway:
        yield gateway


@pytest.fixture
def own_guarded_gateway(tmp_path: Path) -> Iterator[Gateway]:
    """One that asks for keys, for those who enrol somebody."""
    with serving(tmp_path, "keys") as gateway:
        yield gateway


@pytest.fixture
def open_gateway(tmp_path: Path) -> Iterator[Gateway]:
    """One that is open to all, as it was told to be."""
    with serving(tmp_path, "open") as gateway:
        yield gateway


@pytest.fixture
def gateway(tmp_path: Path) -> Iterator[Gateway]:
    """One for those who change something."""
    with serving(tmp_path) as gateway:
        yield gateway


@pytest.fixture
def remembering_gateway(tmp_path: Path) -> Iterator[Gateway]:
    """One that keeps whom it recognises."""
    with serving(tmp_path, sightings="on") as gateway:
        yield gateway


@pytest.fixture(scope="module")
def playwright() -> Iterator[Any]:
    """What drives the browsers; while it is there nobody else can run an event loop in this thread."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        yield driver


@pytest.fixture
def open_page(
    request: pytest.FixtureRequest, playwright: Any, films: Callable[[str | None, int], Path]
) -> Iterator[Callable[..., Any]]:
    """Open the page with somebody before the camera; ``page.seen`` tells what went wrong and what was asked for.

    After the test nothing may have gone wrong, and nothing been asked for but of the gateway.
    """
    browser: browsers.Browser = getattr(request, "param", browsers.CHROMIUM)
    started: list[Any] = []
    pages: list[Any] = []

    def give(
        gateway: Gateway,
        who: str | None = None,
        *,
        at: str = "",
        camera: bool = True,
        rounds: int = 1,
        **context: Any,
    ) -> Any:
        film = films(who, rounds) if camera else None
        started.append(browser.launch(playwright, film))
        made = started[-1].new_context(**{"viewport": {"width": 1280, "height": 800}, "locale": "en-GB", **context})
        made.set_default_timeout(_PATIENCE_MS)
        browser.prepare(made, film)
        page = made.new_page()
        page.seen = Seen()
        page.on("pageerror", lambda error: page.seen.errors.append(str(error)))
        page.on("console", lambda said: page.seen.errors.append(_of_interest(said)))
        page.on("request", lambda request: page.seen.requests.append(request.url))
        page.goto(gateway.address + at)
        page.locator("header").wait_for()
        pages.append((page, gateway))
        return page

    yield give
    for page, gateway in pages:
        elsewhere = [url for url in page.seen.requests if not url.startswith((gateway.root, "data:", "blob:"))]
        assert elsewhere == []
        assert list(filter(None, page.seen.errors)) == []
    for each in started:
        each.close()


def _of_interest(said: Any) -> str:
    """Return a message of the console that tells of something wrong; answers that refuse are what they should be."""
    if said.type not in ("error", "warning") or "status of 4" in said.text:
        return ""
    return f"{said.type}: {said.text}"
