"""What the API shows of models and jobs, as JSON values."""

from collections.abc import Mapping
from typing import Any

from familiar.disk import Disk
from familiar.queueing import WorkerState
from familiar.records import BackboneVersion, HeadVersion, Known, Mishap, SiteCorrection, Stage, Training, versions
from familiar_gateway.web import Json, error, time


def head(row: HeadVersion, states: Mapping[int, str]) -> Json:
    """Show a head version; ``states`` is what Serving says of each."""
    return {
        "version": row.version,
        "status": row.status,
        "serving": states.get(row.version),
        "backbone_version": row.backbone_version,
        "people": versions.people_of(row),
        "samples": row.meta.get("samples"),
        "threshold": row.meta.get("threshold"),
        "far_target": row.meta.get("far_target"),
        "data_digest": row.meta.get("data_digest"),
        "metrics": row.meta.get("metrics") or {},
        "job": row.training_id,
        "created_at": time(row.created_at),
        "live_at": time(row.live_at),
    }


def head_card(row: HeadVersion, states: Mapping[int, str], meant: Mapping[str, Known]) -> Json:
    """Show a head version with its report on each of those who are ``meant`` by an id of its, by name."""
    told = row.report or {}
    known = sorted((meant[label].name, label) for label in told if label in meant)
    return {
        **head(row, states),
        "report": [report(label, told[label], meant) for _, label in known],
    }


def report(label: str, told: Mapping[str, Any], meant: Mapping[str, Known]) -> Json:
    """Show what a head's report tells of the person whom ``label`` means.

    Whoever is not ``meant`` by any is nobody's nearest, and nobody is their own, as those are who were merged since.
    """
    nearest, other = None, meant.get(told["nearest"])
    if other is not None and other != meant[label]:
        nearest = {"person": other._asdict(), "similarity": told["similarity"]}
    as_stored = ("samples", "dropped", "held_out", "missed", "weakest")
    return {
        "person": meant[label]._asdict(),
        **{name: told[name] for name in as_stored},
        "nearest": nearest,
        "less_sure": told.get("less_sure"),  # heads of before do not say
    }


def backbone(row: BackboneVersion, states: Mapping[int, str]) -> Json:
    """Show a backbone version with its licence and the checksum of its weights."""
    shown = ("name", "input_px", "dim", "licence", "weights_sha256", "source", "metric")
    return {
        "version": row.version,
        "serving": states.get(row.version),
        **{name: row.meta.get(name) for name in shown},
        "created_at": time(row.created_at),
    }


def job(training: Training, *, can_retry: bool = False) -> Json:
    """Show a training; ``can_retry`` tells whether it makes sense to try it again."""
    return {
        "id": training.id,
        "kind": training.kind,
        "status": training.stage,
        "progress": Stage(training.stage).progress,
        "source_version": training.source_version,
        "head_version": training.head_version,
        "backbone_version": training.backbone_version,
        "attempts": training.attempts,
        "error": error(training.error_code, training.error_message),
        "can_retry": can_retry,
        "created_at": time(training.created_at),
        "started_at": time(training.started_at),
        "ended_at": time(training.ended_at),
    }


def mishap(row: Mishap) -> Json:
    """Show what went wrong in a part of the system."""
    return {
        "part": row.part,
        "place": row.place,
        "code": row.code,
        "message": row.message,
        "times": row.times,
        "first_at": time(row.first_at),
        "last_at": time(row.last_at),
        "request_id": row.request_id,
        "job": None,
    }


def failure(training: Training) -> Json:
    """Show a training that failed, as something that went wrong in the trainer."""
    return {
        "part": "trainer",
        "place": training.kind,
        "code": training.error_code,
        "message": training.error_message or "",
        "times": 1,
        "first_at": time(training.ended_at),
        "last_at": time(training.ended_at),
        "request_id": None,
        "job": training.id,
    }


def worker(row: WorkerState) -> Json:
    """Show a worker."""
    return {
        "name": row.name,
        "state": row.state,
        "job": row.training_id,
        "since": time(row.since),
        "seen": time(row.seen),
        "software": dict(row.about.software),
    }


def disk(name: str, row: Disk) -> Json:
    """Show how much room there is for what ``name`` stands for."""
    return {
        "name": name,
        "taken_bytes": row.taken_bytes,
        "free_bytes": row.free_bytes,
        "size_bytes": row.size_bytes,
        "low": row.low,
    }


def site_correction(row: SiteCorrection) -> Json:
    """Show what strangers of the site taught, and how many pictures there were."""
    return {
        "measured_at": time(row.created_at),
        "backbone_version": row.backbone_version,
        "pictures": row.audit["pictures"],
        "live": row.audit["live"],
        "site": row.audit["site"],
        "numbers": row.numbers,
    }
