"""Wording: the texts of the page that tells how to trust the root certificate, one file for each language."""

import json
from pathlib import Path
from typing import Any

DEFAULT = "en"

TEXTS: dict[str, dict[str, Any]] = {
    file.stem: json.loads(file.read_text("utf-8")) for file in sorted((Path(__file__).parent / "texts").glob("*.json"))
}
"""By language (ISO 639-1); the default first, all with the same keys."""
TEXTS = {DEFAULT: TEXTS.pop(DEFAULT), **TEXTS}

# The first that a browser's name for itself holds; that of Android has "Linux" in it, that of iOS "like Mac OS X".
_SYSTEMS = (
    ("Android", "android"), ("iPhone", "ios"), ("iPad", "ios"), ("Windows", "windows"), ("Macintosh", "macos"),
    ("Linux", "linux"),
)  # fmt: skip


def system_of(user_agent: str) -> str | None:
    """Return the key of the system that a browser says it runs on; an iPad may say that it is a Macintosh."""
    return next((system for word, system in _SYSTEMS if word in user_agent), None)
