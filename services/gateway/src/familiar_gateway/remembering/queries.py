"""Queries: which sightings somebody wants to see, and where in their list an answer goes on."""

import re
from collections.abc import Mapping

from flask import Request

from familiar.errors import InvalidInput
from familiar.records import Sighting, check_id, clean_name, sightings
from familiar_gateway.web import payload

NARROWING = ("person", "unknown", "stranger", "camera", "since", "until")
_PLACE = re.compile(r"(\d{1,12}\.\d{1,9})-([0-9a-f]{32})")


def read_wanted(said: Mapping[str, str]) -> sightings.Wanted:
    """Return the sightings that a query is for.

    Raises:
        InvalidInput: a parameter has a value that cannot be used, or two exclude each other.
    """
    unknown = payload.parse_flag("unknown", said.get("unknown"))
    if unknown and "person" in said:
        raise InvalidInput("give 'person' or 'unknown', not both", code="invalid_query", field="unknown")
    since, until = (payload.read_time(name, said[name]) if name in said else None for name in ("since", "until"))
    return sightings.Wanted(
        person_id=check_id(said["person"], "person") if "person" in said else None,
        unknown=unknown,
        stranger_id=check_id(said["stranger"], "stranger") if "stranger" in said else None,
        camera=clean_name(said["camera"]) if "camera" in said else None,
        since=since,
        until=until,
    )


def read_number(name: str, text: str | None, default: int, least: int, most: int) -> int:
    """Return a whole number that a query or a field gives.

    Raises:
        InvalidInput: it is none, or out of range.
    """
    if text is None:
        return default
    if text.isascii() and text.isdigit() and len(text) < 10 and least <= int(text) <= most:
        return int(text)
    raise InvalidInput(
        f"{name!r} must be a whole number from {least} to {most}, got {text!r:.50}", code="invalid_query", field=name
    )


def read_place(request: Request) -> sightings.Place | None:
    """Return where the list is to go on; None for its beginning.

    Raises:
        InvalidInput: ``after`` is none of ours.
    """
    text = request.args.get("after")
    if text is None:
        return None
    found = _PLACE.fullmatch(text)
    if found is None:
        raise InvalidInput("'after' must be the 'next' of an answer before", code="invalid_query", field="after")
    return float(found[1]), found[2]


def place(row: Sighting) -> str:
    """Return what says where a list goes on after this row."""
    return f"{row.captured_at:.9f}-{row.id}"
