"""What the API shows of a person and their samples, as JSON values."""

from collections.abc import Mapping
from typing import Any

from familiar.records import Known, PersonSummary, Sample
from familiar_gateway.operating import report
from familiar_gateway.web import Json, time


def person(summary: PersonSummary) -> Json:
    """Show a person; whether they were ever ``learned``, and whether the head in service knows them (``live``)."""
    return {
        "id": summary.id,
        "name": summary.name,
        "samples": summary.samples,
        "learned": summary.learned,
        "live": summary.live,
        "sample": summary.sample_id,
        "created_at": time(summary.created_at),
    }


def person_card(
    summary: PersonSummary, told: Mapping[str, Any] | None, meant: Mapping[str, Known], refused: Mapping[str, int],
    consent: tuple[str, float] | None,
) -> Json:  # fmt: skip
    """Show a person with what a head's report tells of them, and how often each reason refused a frame of theirs.

    ``meant`` are they and who else is mentioned, ``consent`` is what they last agreed to, and when.
    """
    return {
        **person(summary),
        "report": None if told is None else report(summary.id, told, meant),
        "refused": dict(sorted(refused.items())),
        "consent": None if consent is None else {"to": consent[0], "at": time(consent[1])},
    }


def sample(row: Sample) -> Json:
    """Show a sample without its picture."""
    return {
        "id": row.id,
        "enrollment": row.enrollment_id,
        "index": row.position,
        "detector": row.detector,
        "quality": row.quality,
        "captured_at": time(row.captured_at),
        "origin": row.origin,
    }
