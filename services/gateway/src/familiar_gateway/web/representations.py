"""What the API shows of anything, as JSON values; each room has its own nouns, ``openapi.json`` all of them."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

Json = dict[str, Any]


def page(name: str, rows: Sequence[Json], *, total: int, limit: int, offset: int) -> Json:
    """Show a part of a list, with where it stands in the whole."""
    return {name: list(rows), "total": total, "limit": limit, "offset": offset}


def error(code: str | None, message: str | None) -> Json | None:
    """Show why something ended badly, if it did."""
    return None if code is None else {"code": code, "message": message or ""}


def time(seconds: float | None) -> str | None:
    """Show a time, UTC seconds since 1970, in ISO 8601."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def reference(person_id: str, names: Mapping[str, str]) -> Json:
    """Show who is meant."""
    return {"id": person_id, "name": names[person_id]}
