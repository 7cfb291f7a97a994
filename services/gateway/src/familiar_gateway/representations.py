"""What the API shows of each noun, as JSON values; ``openapi.json`` describes the same shapes."""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from numpy.typing import NDArray

from familiar.database.enrollments import Capture
from familiar.database.people import PersonSummary
from familiar.database.schema import BackboneVersion, HeadVersion, Sample, Training
from familiar.detection import Box
from familiar.jobs import Stage
from familiar_gateway.burst import Burst
from familiar_gateway.capture import Verdict
from familiar_gateway.coaching import Coaching
from familiar_gateway.recognition import Recognition, RecognizedFace

Json = dict[str, Any]

_LANDMARKS = ("right_eye", "left_eye", "nose", "mouth_right", "mouth_left")
_CAPTURE_SHARE = 0.5


def recognition(answer: Recognition) -> Json:
    """Show who is on a picture."""
    return {
        "head_version": answer.head_version,
        "backbone_version": answer.backbone_version,
        "threshold": round(answer.threshold, 4),
        "faces": [face(each, answer.names) for each in answer.faces],
        "timings_ms": {name: round(value, 2) for name, value in answer.timings_ms.items()},
    }


def burst(answer: Burst) -> Json:
    """Show who is on several frames: as for one picture, and what each frame says by itself."""
    return {
        **recognition(answer.recognition),
        "best_frame": answer.best,
        "frames": [
            {
                "index": index,
                "status": each.decision.status.value,
                "score": None if each.decision.score is None else round(each.decision.score, 4),
                "reasons": [reason.value for reason in each.reasons],
            }
            for index, each in enumerate(answer.frames)
        ],
    }


def face(recognized: RecognizedFace, names: Mapping[str, str]) -> Json:
    """Show one face; a rejected one has neither a person nor candidates."""
    seen, made = recognized.observation, recognized.decision
    return {
        "box": box(seen.face.box),
        "landmarks": landmarks(seen.face.landmarks),
        "status": made.status.value,
        "person": None if made.person_id is None else _reference(made.person_id, names),
        "score": None if made.score is None else round(made.score, 4),
        "candidates": [
            {"person": _reference(each.person_id, names), "score": round(each.score, 4)} for each in made.candidates
        ],
        "quality": seen.quality.to_dict(),
        "reasons": [reason.value for reason in seen.reasons],
    }


def box(place: Box) -> Json:
    """Show a rectangle in pixels."""
    return {name: round(getattr(place, name), 1) for name in ("x_min", "y_min", "x_max", "y_max")}


def landmarks(points: NDArray[Any]) -> Json:
    """Show the five points float32[5, 2] by their names; right and left are the person's own."""
    rounded = ({"x": round(float(x), 1), "y": round(float(y), 1)} for x, y in points)
    return dict(zip(_LANDMARKS, rounded, strict=True))


def verdict(said: Verdict) -> Json:
    """Show what was said of one frame."""
    return {"index": said.index, "accepted": said.accepted, "reasons": list(said.reasons)}


def enrollment(state: Capture, coaching: Coaching, wanted: int) -> Json:
    """Show an enrolment; ``progress`` runs from 0 to 1, half of it being the capture."""
    return {
        "id": state.id,
        "status": state.status.value,
        "person": {"id": state.person_id, "name": state.person_name},
        "progress": round(_progress(state, wanted), 3),
        "received": state.received,
        "usable": state.usable,
        "wanted": wanted,
        "accepted": state.accepted,
        "rejected": [{"index": index, "reasons": list(reasons)} for index, reasons in state.rejected],
        "refused": dict(sorted(state.refused.items())),
        "poses": dict(coaching.poses),
        "advice": coaching.advice.value if state.status.takes_frames else None,
        "hint": coaching.hint if state.status.takes_frames else None,
        "job": state.training_id,
        "head_version": state.head_version,
        "error": error(state.error_code, state.error_message),
        "created_at": time(state.created_at),
        "updated_at": time(state.updated_at),
    }


def person(summary: PersonSummary) -> Json:
    """Show a person; ``live`` tells whether a head that knows them has served."""
    return {
        "id": summary.id,
        "name": summary.name,
        "samples": summary.samples,
        "live": summary.live,
        "created_at": time(summary.created_at),
    }


def person_card(
    summary: PersonSummary, told: Mapping[str, Any] | None, names: Mapping[str, str], refused: Mapping[str, int]
) -> Json:
    """Show a person with what a head's report tells of them, and how often each reason refused a frame of theirs."""
    names = {**names, summary.id: summary.name}
    return {
        **person(summary),
        "report": None if told is None else report(summary.id, told, names),
        "refused": dict(sorted(refused.items())),
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
    }


def head(row: HeadVersion, states: Mapping[int, str]) -> Json:
    """Show a head version; ``states`` is what Serving says of each."""
    return {
        "version": row.version,
        "status": row.status,
        "serving": states.get(row.version),
        "backbone_version": row.backbone_version,
        "people": len(row.person_ids),
        "samples": row.meta.get("samples"),
        "threshold": row.meta.get("threshold"),
        "far_target": row.meta.get("far_target"),
        "data_digest": row.meta.get("data_digest"),
        "metrics": row.meta.get("metrics") or {},
        "job": row.training_id,
        "created_at": time(row.created_at),
        "live_at": time(row.live_at),
    }


def head_card(row: HeadVersion, states: Mapping[int, str], names: Mapping[str, str]) -> Json:
    """Show a head version with its report on each of those who have a name in ``names``, by name."""
    known = sorted((names[person_id], person_id) for person_id in row.report or {} if person_id in names)
    return {
        **head(row, states),
        "report": [report(person_id, row.report[person_id], names) for _, person_id in known],
    }


def report(person_id: str, told: Mapping[str, Any], names: Mapping[str, str]) -> Json:
    """Show what a head's report tells of one person; whoever has no name in ``names`` is nobody's nearest."""
    nearest = None
    if told["nearest"] in names:
        nearest = {"person": _reference(told["nearest"], names), "similarity": told["similarity"]}
    as_stored = ("samples", "dropped", "held_out", "missed", "weakest")
    return {
        "person": _reference(person_id, names),
        **{name: told[name] for name in as_stored},
        "nearest": nearest,
    }


def backbone(row: BackboneVersion, states: Mapping[int, str]) -> Json:
    """Show a backbone version with its licence and the checksum of its weights."""
    shown = ("name", "input_px", "dim", "licence", "weights_sha256", "source")
    return {
        "version": row.version,
        "serving": states.get(row.version),
        **{name: row.meta.get(name) for name in shown},
        "created_at": time(row.created_at),
    }


def job(training: Training) -> Json:
    """Show a training."""
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
        "created_at": time(training.created_at),
        "started_at": time(training.started_at),
        "ended_at": time(training.ended_at),
    }


def page(name: str, rows: Sequence[Json], *, total: int, limit: int, offset: int) -> Json:
    """Show a part of a list, with where it stands in the whole."""
    return {name: list(rows), "total": total, "limit": limit, "offset": offset}


def error(code: str | None, message: str | None) -> Json | None:
    """Show why something ended badly, if it did."""
    return None if code is None else {"code": code, "message": message or ""}


def time(seconds: float | None) -> str | None:
    """Show a time, UTC seconds since 1970, in ISO 8601."""
    return None if seconds is None else datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds")


def _reference(person_id: str, names: Mapping[str, str]) -> Json:
    return {"id": person_id, "name": names[person_id]}


def _progress(state: Capture, wanted: int) -> float:
    if state.status.takes_frames:
        return _CAPTURE_SHARE * min(1.0, state.usable / wanted)
    learned = 1.0 if state.status.ended else (state.stage.progress if state.stage else 0.0)
    return _CAPTURE_SHARE + (1 - _CAPTURE_SHARE) * learned
