"""What the API shows of an enrolment, as JSON values."""

from collections.abc import Mapping
from typing import Any

from familiar.records import Capture, Known
from familiar_gateway.enrolling.coaching import Coaching
from familiar_gateway.enrolling.frames import Verdicts
from familiar_gateway.web import Json, error, time

_CAPTURE_SHARE = 0.5
_OFTEN = 0.5
"""Whoever is missed in more of the held-out samples than this cannot count on being recognised."""


def verdicts(said: Verdicts, *, measured: bool = False) -> Json:
    """Show what was said of the frames of one request, and, if asked, what was ``measured`` of their faces."""
    frames = [{"index": each.index, "accepted": each.accepted, "reasons": list(each.reasons)} for each in said]
    if measured:
        frames = [{**shown, "quality": each.quality} for shown, each in zip(frames, said, strict=True)]
    return {"frames": frames, "cut_off": said.cut_off}


def enrollment(
    state: Capture, coaching: Coaching, wanted: int, told: Mapping[str, Any] | None, alike: Known | None
) -> Json:
    """Show an enrolment; ``progress`` runs from 0 to 1, half of it being the capture.

    ``told`` is what the report of the first head with this enrolment tells of the person, if there is one; ``alike``
    is the other one whom the person cannot be told from, if they are still enrolled.
    """
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
        "error": _error(state, alike),
        "warning": None if told is None else _warning(told["held_out"], told["missed"]),
        "created_at": time(state.created_at),
        "updated_at": time(state.updated_at),
    }


def _error(state: Capture, alike: Known | None) -> Json | None:
    shown = error(state.error_code, state.error_message)
    return None if shown is None else {**shown, "person": None if alike is None else alike._asdict()}


def _warning(held_out: int, missed: int) -> Json | None:
    if missed <= _OFTEN * held_out:
        return None
    message = (
        f"{missed} of {held_out} pictures, held back in turn, were not recognised: the person will often be unknown; "
        "add pictures, taken where and in the light in which they are to be recognised"
    )
    code = "often_missed"
    return {"code": code, "message": message, "held_out": held_out, "missed": missed}


def _progress(state: Capture, wanted: int) -> float:
    if state.status.takes_frames:
        return _CAPTURE_SHARE * min(1.0, state.usable / wanted)
    learned = 1.0 if state.status.ended else (state.stage.progress if state.stage else 0.0)
    return _CAPTURE_SHARE + (1 - _CAPTURE_SHARE) * learned
