"""What is asked for in the queries of events and attendance."""

from datetime import date, datetime, timedelta

from flask import Request
from sqlalchemy.orm import Session

from familiar.errors import InvalidInput
from familiar.records import EventKind, check_id, clean_name, events, people
from familiar.settings import Settings
from familiar_gateway.web import camera, payload

FILTERS = ("kind", "person", "camera", "since", "until")
MOST_DAYS = 366
_MOST_NUMBER = 10**9 - 1
PAGE = {"after": (0, 0, _MOST_NUMBER), "limit": (100, 1, 1000)}


def read_filters(request: Request, session: Session) -> events.Wanted:
    """Return which events are asked for; with a key of one camera they are those of that one.

    Raises:
        InvalidInput: a filter cannot be used.
        Forbidden: the key is for another camera.
    """
    said = request.args
    kind = said.get("kind")
    if kind is not None and kind not in list(EventKind):
        raise InvalidInput(f"the query parameter 'kind' must be one of {', '.join(EventKind)}", code="invalid_query")
    person = said.get("person")
    return events.Wanted(
        kind=None if kind is None else EventKind(kind),
        person_ids=None if person is None else people.all_of(session, check_id(person, "person")),
        camera=read_camera(request),
        since=payload.read_time("since", said["since"]) if "since" in said else None,
        until=payload.read_time("until", said["until"]) if "until" in said else None,
    )


def read_camera(request: Request) -> str | None:
    """Return the camera that is asked about, that of the key if it is bound to one.

    Raises:
        Forbidden: the key is for another camera.
    """
    named = request.args.get("camera")
    return camera(None if named is None else clean_name(named))


def read_days(request: Request, settings: Settings) -> tuple[date, date]:
    """Return the first and the last day that are asked about; of which today is the last unless ``until`` says so.

    Raises:
        InvalidInput: they cannot be used, or are too many.
    """
    today = datetime.now(settings.zone).date()
    said = request.args
    if "day" in said and ("since" in said or "until" in said):
        raise InvalidInput("give 'day', or 'since' and 'until'", code="invalid_query", field="day")
    if "day" in said:
        return (day := _day("day", said["day"])), day
    last = _day("until", said["until"]) if "until" in said else today
    first = _day("since", said["since"]) if "since" in said else last
    if not first <= last < first + timedelta(days=MOST_DAYS):
        raise InvalidInput(f"from 'since' to 'until' there must be 1 to {MOST_DAYS} days", code="invalid_query")
    return first, last


def _day(name: str, text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        day = None
    if day is None or not 1970 < day.year < 9999:
        raise InvalidInput(
            f"the query parameter {name!r} must be a day, as 2026-11-26", code="invalid_query", field=name
        )
    return day
