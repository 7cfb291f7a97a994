"""What the API, webhooks and MQTT show of events, as JSON values; and attendance as a table."""

import csv
import io
from collections.abc import Mapping, Sequence

from familiar.records import Attended, Event, Known
from familiar_gateway.web import Json, harmless, time

_COLUMNS = ("day", "person_id", "person", "first_seen", "last_seen", "visits")


def event(row: Event, meant: Mapping[str, Known], address: str = "") -> Json:
    """Show an event; ``meant`` is whom the ids of people mean, ``address`` where the gateway is reached."""
    person = meant.get(row.person_id or "")
    snapshot = None if row.sighting_id is None else f"{address}/v1/events/{row.id}/snapshot"
    return {
        "id": row.id,
        "number": row.number,
        "kind": row.kind,
        "at": time(row.at),
        "camera": row.camera,
        "person": None if person is None else person._asdict(),
        "score": None if row.score is None else round(row.score, 4),
        "visit": row.visit_id,
        "head_version": row.head_version,
        "snapshot": snapshot,
    }


def attended(row: Attended) -> Json:
    """Show when somebody was seen on a day."""
    return {
        "day": row.day.isoformat(),
        "person": row.person._asdict(),
        "first_seen": time(row.first_at),
        "last_seen": time(row.last_at),
        "visits": row.visits,
    }


def table(rows: Sequence[Attended]) -> str:
    """Return attendance as CSV."""
    text = io.StringIO()
    lines = csv.DictWriter(text, _COLUMNS, lineterminator="\r\n")
    lines.writeheader()
    for row in rows:
        told = {**attended(row), "person_id": row.person.id, "person": row.person.name}
        lines.writerow({name: harmless(value) for name, value in told.items()})
    return text.getvalue()
