"""What the API shows of a correction, as JSON values."""

import time as clock
from collections.abc import Mapping

from familiar.records import Correction, correction_status
from familiar_gateway.web import Json, reference, time


def correction(row: Correction, people: Mapping[str, str], keys: Mapping[str, str]) -> Json:
    """Show what was put right.

    ``people`` and ``keys`` are the names that those it tells of have today; of somebody who was merged, the name comes
    from the correction itself for as long as it can be undone.
    """
    names = dict(people)
    gone = (row.before or {}).get("person")
    if gone is not None and row.person_id is not None:
        names[row.person_id] = gone["name"]
    return {
        "id": row.id,
        "kind": row.kind,
        "status": correction_status(row, clock.time()).value,
        "person": _person(row.person_id, names),
        "to": _person(row.to_person_id, names),
        "samples": row.samples,
        "enrollment": row.enrollment_id,
        "who": None if row.key_id is None else {"id": row.key_id, "name": keys[row.key_id]},
        "created_at": time(row.created_at),
        "undoable_until": time(row.undoable_until),
        "undone_at": time(row.undone_at),
    }


def _person(person_id: str | None, names: Mapping[str, str]) -> Json | None:
    return None if person_id is None or person_id not in names else reference(person_id, names)
