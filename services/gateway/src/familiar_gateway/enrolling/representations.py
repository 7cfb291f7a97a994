"""What the API shows of an enrolment, as JSON values."""

from familiar.records import Capture
from familiar_gateway.enrolling.capture import Verdict
from familiar_gateway.enrolling.coaching import Coaching
from familiar_gateway.web import Json, error, time

_CAPTURE_SHARE = 0.5


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


def _progress(state: Capture, wanted: int) -> float:
    if state.status.takes_frames:
        return _CAPTURE_SHARE * min(1.0, state.usable / wanted)
    learned = 1.0 if state.status.ended else (state.stage.progress if state.stage else 0.0)
    return _CAPTURE_SHARE + (1 - _CAPTURE_SHARE) * learned
