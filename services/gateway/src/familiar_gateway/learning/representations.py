"""What the API shows of feedback, of faces in quarantine and of what was learned from use, as JSON values."""

import datetime
from collections.abc import Collection, Mapping, Sequence

from familiar.records import Feedback, Known, LearnedDay, QuarantinedFace, Sample
from familiar_gateway.web import Json, reference, time

_EPOCH = datetime.date(1970, 1, 1)


def people_of(rows: Collection[Feedback]) -> set[str]:
    """Return the ids of all people of whom feedback tells."""
    told = {each for row in rows for each in (row.named_id, row.person_id) if each}
    return told | {row.conflict["person"] for row in rows if row.conflict}


def feedback(row: Feedback, meant: Mapping[str, Known], keys: Mapping[str, str]) -> Json:
    """Show what somebody said; ``meant`` are those whom ids mean today, ``keys`` the names of keys."""
    standing = "in_force" if row.ended_at is None else "replaced" if row.replaced else "withdrawn"
    conflict = None
    if row.conflict is not None:
        conflict = {"person": _person(row.conflict["person"], meant), "sample": row.conflict["sample"]}
    return {
        "id": row.id,
        "verdict": row.verdict,
        "status": standing,
        "sighting": row.sighting_id,
        "named": _person(row.named_id, meant),
        "person": _person(row.person_id, meant),
        "contradicts": conflict,
        "who": None if row.key_id is None else {"id": row.key_id, "name": keys.get(row.key_id)},
        "created_at": time(row.created_at),
        "ended_at": time(row.ended_at),
    }


def face(row: QuarantinedFace, meant: Mapping[str, Known]) -> Json:
    """Show a face in quarantine; its picture has an address of its own."""
    return {
        "id": row.id,
        "sighting": row.sighting_id,
        "person": _person(row.named_id, meant),
        "score": None if row.score is None else round(row.score, 4),
        "frames": row.frames,
        "captured_at": time(row.captured_at),
    }


def sample(row: Sample, names: Mapping[str, str]) -> Json:
    """Show a sample that was learned from use."""
    return {
        "sample": row.id,
        "person": reference(row.person_id, names),
        "origin": row.origin,
        "day": None if row.learned_on is None else day(row.learned_on),
        "captured_at": time(row.captured_at),
    }


def days(rows: Sequence[LearnedDay], names: Mapping[str, str]) -> list[Json]:
    """Show how much was learned of whom on which day."""
    return [
        {
            "day": day(row.day),
            "person": reference(row.person_id, names),
            "origin": row.origin,
            "samples": row.samples,
        }
        for row in rows
    ]


def day(number: int) -> str:
    """Return a day, counted from 1970, as a date."""
    return (_EPOCH + datetime.timedelta(days=number)).isoformat()


def parse_day(text: str) -> int:
    """Return the number of a date since 1970.

    Raises:
        ValueError: it is none.
    """
    return (datetime.date.fromisoformat(text) - _EPOCH).days


def _person(person_id: str | None, meant: Mapping[str, Known]) -> Json | None:
    if person_id is None or person_id not in meant:
        return None
    known = meant[person_id]
    return reference(known.id, {known.id: known.name})
