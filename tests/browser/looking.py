"""Looking at the page: screenshots for the docs, and what axe says of those who cannot look."""

import os
from pathlib import Path
from typing import Any

import cv2
import numpy as np

_DOCS = Path(__file__).parent.parent.parent / "docs" / "page"
_QUALITY = 80


def shoot(page: Any, name: str) -> None:
    """Show a view in the docs, where FAMILIAR_SCREENSHOTS asks for it; otherwise only see that it can be shown.

    Only in Chromium: in Firefox a style is put into the page for it, which the page forbids.
    """
    if page.context.browser.browser_type.name != "chromium":
        return
    png = page.screenshot(animations="disabled", caret="hide")
    picture = cv2.imdecode(np.frombuffer(png, np.uint8), cv2.IMREAD_COLOR)
    assert picture.std() > 5, f"{name} is empty"
    if os.environ.get("FAMILIAR_SCREENSHOTS"):
        _DOCS.mkdir(exist_ok=True)
        cv2.imwrite(str(_DOCS / f"{name}.webp"), picture, [cv2.IMWRITE_WEBP_QUALITY, _QUALITY])


def check_access(page: Any) -> None:
    """Check that whoever uses a keyboard or a screen reader is not left out, as far as axe can tell."""
    from axe_playwright_python.sync_playwright import Axe

    found = Axe().run(page).response["violations"]
    assert [(each["id"], [node["html"][:120] for node in each["nodes"]]) for each in found] == []


def fits(page: Any) -> bool:
    """Whether nothing is wider than the screen."""
    return bool(page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"))
