"""An enrolment by a client that does not give up: every request is repeated until it is answered."""

import uuid
from collections.abc import Mapping, Sequence
from typing import Any

import httpx

from stack import Stack, until

_PATIENCE_S = 120.0


def _insist(stack: Stack, path: str, **body: Any) -> dict[str, Any]:
    def attempt() -> dict[str, Any] | None:
        try:
            response = stack.post(path, **body)
        except httpx.HTTPError:
            return None
        if response.status_code == 503:
            assert response.json()["error"]["retryable"] is True, response.text
            return None
        assert response.status_code < 300, response.text
        answer: dict[str, Any] = response.json()
        return answer

    return until(attempt, _PATIENCE_S, f"an answer to {path}")


def capture(stack: Stack, who: Mapping[str, str], frames: Sequence[bytes]) -> str:
    """Enrol frames of ``who``, a new person's ``name`` or a ``person_id``, and finish; return the enrolment's id."""
    key = {"Idempotency-Key": uuid.uuid4().hex}
    opened = _insist(stack, "/v1/enrollments", json=dict(who), headers=key)
    path = f"/v1/enrollments/{opened['id']}"
    for frame in frames:
        _insist(stack, f"{path}/frames", content=frame, headers={"Content-Type": "image/jpeg"})
    _insist(stack, f"{path}/finish", json={"if_known": "add"})
    return str(opened["id"])


def ended(stack: Stack, enrollment_id: str, within_s: float = 120.0) -> str:
    """Wait until an enrolment is live or failed; return which."""

    def status() -> str | None:
        try:
            response = stack.get(f"/v1/enrollments/{enrollment_id}")
        except httpx.HTTPError:
            return None
        found = response.json().get("status") if response.status_code == 200 else None
        return found if found in ("live", "failed") else None

    return until(status, within_s, f"enrolment {enrollment_id} ended")
