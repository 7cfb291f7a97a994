"""The page in Chromium: its first view, how often it shows names, how long an enrolment takes, and what an hour leaves.

A film of a portrait that turns its head is before the camera; models, training and processes are real.
"""

import statistics
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import browsers
import filming
import numpy as np
import psutil

from bench.figures import Figures
from system import System

_SOMEBODY = "Eileen Collins"
_LOADS = 5
_WINDOWS = 3
_POINTS = 20
_PATIENCE_MS = 180_000
_READY = """
    new MutationObserver((_, observer) => {
        if (!document.querySelector("header:not([hidden])")) return;
        observer.disconnect();
        window.readyMs = performance.now();
    }).observe(document, { subtree: true, childList: true, attributes: true, attributeFilter: ["hidden"] });
"""
_COUNT = """() => {
    window.shown = 0;
    window.counting ??= new MutationObserver(() => { window.shown += 1; });
    window.counting.observe(document.querySelector("#recognise-facts"), { childList: true });
}"""


def page(system: System, seconds: float, minutes: float) -> Iterator[tuple[str, Figures]]:
    """Yield what the page does with a system that knows others, in Chromium.

    Args:
        seconds: for how long recognitions are counted, each time.
        minutes: for how long it is left open while it recognises somebody.
    """
    if browsers.CHROMIUM.program() is None:
        yield "the page", {"not measured": f"no Chromium here ({browsers.CHROMIUM.how_to_install})"}
        return
    from playwright.sync_api import sync_playwright

    with tempfile.TemporaryDirectory(prefix="familiar-bench-") as folder, sync_playwright() as playwright:
        film = filming.film(_SOMEBODY, Path(folder) / "film.mjpeg", filming.ALL_DIFFERENT)
        browser = browsers.CHROMIUM.launch(playwright, film)
        try:
            yield "the page, first view", _first_view(system, browser)
            yield "the page, enrolment", _enrolment(system, browser)
            yield "the page, recognition", _recognition(system, browser, seconds)
            yield f"the page, open for {minutes:g} minutes", _open(system, browser, minutes)
        finally:
            browser.close()


@contextmanager
def _opened(system: System, browser: Any, view: str) -> Iterator[Any]:
    """Open a view as somebody who was never here before."""
    context = browser.new_context(viewport={"width": 1280, "height": 800}, locale="en-GB")
    context.set_default_timeout(_PATIENCE_MS)
    context.add_init_script(_READY)
    opened = context.new_page()
    opened.goto(f"{system.url}/docs{view}")
    opened.locator("header").wait_for()
    try:
        yield opened
    finally:
        context.close()


def _first_view(system: System, browser: Any) -> Figures:
    ready_ms, sizes = [], []
    for _ in range(_LOADS):
        with _opened(system, browser, "") as opened:
            ready_ms.append(opened.evaluate("window.readyMs"))
            sizes = opened.evaluate(
                "performance.getEntriesByType('resource').concat(performance.getEntriesByType('navigation'))"
                ".filter(each => /docs/.test(each.name)).map(each => each.encodedBodySize)"
            )
    return {
        "bytes": sum(sizes),
        "requests": len(sizes),
        "ready_ms median/most": [round(statistics.median(ready_ms)), round(max(ready_ms))],
    }


def _enrolment(system: System, browser: Any) -> Figures:
    """Return how long it takes from the click that turns the camera on until the camera greets."""
    with _opened(system, browser, "#enrol") as opened:
        opened.click("#enrol-agree")
        opened.fill("#enrol-name", _SOMEBODY)
        start = time.perf_counter()
        opened.click("#enrol-camera")
        filming.vouch(opened)
        opened.locator("[data-step=learning]").wait_for()
        captured = time.perf_counter()
        opened.locator("[data-step=end]").wait_for()
        greeted = time.perf_counter()
        said = opened.inner_text("#enrol-greeting")
        assert said == f"Hello, {_SOMEBODY}!", said
    (person,) = system.client().call("GET", "/v1/people", params={"search": _SOMEBODY})["people"]
    return {
        "click to last frame, s": round(captured - start, 1),
        "last frame to greeting, s": round(greeted - captured, 1),
        "click to greeting, s": round(greeted - start, 1),
        "samples kept": person["samples"],
    }


def _recognition(system: System, browser: Any, seconds: float) -> Figures:
    with _opened(system, browser, "#recognise") as opened:
        opened.locator("#recognise-said", has_text=_SOMEBODY).wait_for()
        rates = [_shown_per_second(opened, seconds) for _ in range(_WINDOWS)]
    return {"answers shown a second": [round(rate, 1) for rate in rates]}


def _shown_per_second(opened: Any, seconds: float) -> float:
    opened.evaluate(_COUNT)
    start = time.perf_counter()
    opened.wait_for_timeout(1000 * seconds)
    return float(opened.evaluate("window.shown") / (time.perf_counter() - start))


def _open(system: System, browser: Any, minutes: float) -> Figures:
    """Return what the page holds, after a collection of garbage, while it is open."""
    taken: dict[str, list[float]] = {"heap_mb": [], "nodes": [], "listeners": [], "renderer_mb": []}
    shown = 0
    with _opened(system, browser, "#recognise") as opened:
        opened.locator("#recognise-said", has_text=_SOMEBODY).wait_for()
        inspector = opened.context.new_cdp_session(opened)
        inspector.send("Performance.enable")
        for _ in range(_POINTS):
            opened.evaluate(_COUNT)
            opened.wait_for_timeout(60_000 * minutes / _POINTS)
            shown += opened.evaluate("window.shown")
            for name, value in _held(browser, inspector).items():
                taken[name].append(value)
    figures: Figures = {"answers shown": shown}
    quarter = _POINTS // 4
    for name, values in taken.items():
        growth = np.mean(values[-quarter:]) - np.mean(values[quarter : 2 * quarter])
        figures[f"{name} over time"] = values
        figures[f"{name} growth, second to last quarter"] = round(float(growth), 2)
    return figures


def _held(browser: Any, inspector: Any) -> dict[str, float]:
    inspector.send("HeapProfiler.collectGarbage")
    measured = {each["name"]: each["value"] for each in inspector.send("Performance.getMetrics")["metrics"]}
    processes = browser.new_browser_cdp_session().send("SystemInfo.getProcessInfo")["processInfo"]
    renderers = [psutil.Process(each["id"]).memory_info().rss for each in processes if each["type"] == "renderer"]
    return {
        "heap_mb": round(measured["JSHeapUsedSize"] / 1e6, 2),
        "nodes": measured["Nodes"],
        "listeners": measured["JSEventListeners"],
        "renderer_mb": round(max(renderers) / 1e6),
    }
