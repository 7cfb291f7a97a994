"""The examples of docs/integrations.md, as they stand there."""

import json
import re
import secrets
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

PAGE = (Path(__file__).parents[3] / "docs" / "integrations.md").read_text()
PATIENCE_S = 30.0


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


EVENTS_FILE, HOME_ASSISTANT = blocks("yaml")
EVENT, NODE_RED = map(json.loads, blocks("json"))
FRIGATE, DOOR = blocks("python")


def event(kind: str = "person_seen", ago_s: float = 0.0, **its: Any) -> dict[str, Any]:
    """Return an event of so many seconds ago, of the page's shape."""
    at = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(timespec="milliseconds")
    nobody = {"person": None, "score": None} if kind == "unknown_seen" else {}
    return {**EVENT, "id": secrets.token_hex(16), "kind": kind, "at": at, **nobody, **its}
