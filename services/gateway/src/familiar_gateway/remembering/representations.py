"""What the API shows of sightings, as JSON values and as a table."""

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from familiar.records import Known, Replay, Sighting, SightingCrop, StrangerChange, StrangerSummary
from familiar_gateway.web import Json, error, harmless, reference, time

_BOX = ("x_min", "y_min", "x_max", "y_max")
_COLUMNS = (
    "id", "captured_at", "last_at", "camera", "status", "person_id", "person", "named_at", "stranger", "score",
    "frames", "agreeing", "head_version", "request_id", "face",
)  # fmt: skip


def people_of(rows: Sequence[Sighting]) -> set[str]:
    """Return the ids of all people whom sightings speak of."""
    named = {row.person_id for row in rows if row.person_id is not None}
    return named | {person_id for row in rows for person_id, _ in row.candidates}


def sighting(row: Sighting, crops: Sequence[SightingCrop], meant: Mapping[str, Known]) -> Json:
    """Show a sighting with its crops, the best first; ``meant`` is who the ids mean that it speaks of."""
    return {
        "id": row.id,
        "captured_at": time(row.captured_at),
        "last_at": time(row.last_at),
        "camera": row.camera,
        "status": row.status,
        "person": None if row.person_id is None else meant[row.person_id]._asdict(),
        "named_at": time(row.named_at),
        "stranger": row.stranger_id,
        "score": None if row.score is None else round(row.score, 4),
        "candidates": [
            {"person": person._asdict(), "score": round(score, 4)} for person, score in _candidates(row, meant)
        ],
        "frames": row.frames,
        "agreeing": row.agreeing,
        "head_version": row.head_version,
        "backbone_version": row.backbone_version,
        "crops": [crop(each) for each in crops],
    }


def _candidates(row: Sighting, meant: Mapping[str, Known]) -> Iterable[tuple[Known, float]]:
    """Return the candidates who are still there, the likeliest first, each once, whoever was merged into them."""
    scores: dict[Known, float] = {}
    for person_id, score in row.candidates:
        if person_id in meant:
            scores.setdefault(meant[person_id], score)
    return scores.items()


def crop(row: SightingCrop) -> Json:
    """Show what is known of a crop; its picture has an address of its own."""
    return {
        "index": row.position,
        "captured_at": time(row.captured_at),
        "request_id": row.request_id,
        "face": row.face,
        "box": dict(zip(_BOX, row.box, strict=True)),
        "quality": row.quality,
    }


def stranger(summary: StrangerSummary) -> Json:
    """Show a stranger; ``crop`` is one to show their face by."""
    place = None if summary.crop is None else {"sighting": summary.crop[0], "index": summary.crop[1]}
    return {
        "id": summary.id,
        "created_at": time(summary.created_at),
        "sightings": summary.sightings,
        "frames": summary.frames,
        "first_at": time(summary.first_at),
        "last_at": time(summary.last_at),
        "crop": place,
    }


def change(row: StrangerChange) -> Json:
    """Show what became of a stranger."""
    told = {"at": time(row.at), "change": row.kind, "stranger": row.stranger_id, "other": row.other_id}
    return {**told, "sightings": row.sightings}


def replay(row: Replay) -> Json:
    """Show what a replay was asked and how far it is."""
    asked = row.asked
    return {
        "id": row.id,
        "stage": row.stage,
        "head_version": asked["head_version"],
        "threshold": asked["threshold"],
        "target": asked["target"],
        "since": time(asked["since"]),
        "until": time(asked["until"]),
        "error": error(row.error_code, row.error_message),
        "created_at": time(row.created_at),
        "ended_at": time(row.ended_at),
    }


def answer(told: Mapping[str, Any], names: Mapping[str, str]) -> Json:
    """Show what came out of a replay, of those who have a name in ``names``."""
    known: dict[str | None, Json | None] = {
        **{person_id: reference(person_id, names) for person_id in names},
        None: None,
    }
    return {
        **{name: told[name] for name in ("sightings", "not_comparable", "changed", "threshold")},
        "people": [{**each, "person": known[each["person"]]} for each in told["people"] if each["person"] in known],
        "changes": [
            {**each, "from": known[each["from"]], "to": known[each["to"]]}
            for each in told["changes"]
            if each["from"] in known and each["to"] in known
        ],
    }


def table(shown: Sequence[Json]) -> str:
    """Return sightings, as they are shown, as CSV; of crops the best one."""
    text = io.StringIO()
    rows = csv.DictWriter(text, _COLUMNS, lineterminator="\r\n")
    rows.writeheader()
    for each in shown:
        person, best = each["person"] or {"id": None, "name": None}, each["crops"][0] if each["crops"] else {}
        told = {**each, "person_id": person["id"], "person": person["name"]}
        told |= {name: best.get(name) for name in ("request_id", "face")}
        rows.writerow({name: harmless(told[name]) for name in _COLUMNS})
    return text.getvalue()
