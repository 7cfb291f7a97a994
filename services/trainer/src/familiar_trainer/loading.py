"""What Serving says of versions: which it has seen, which it could not load, and when it has one."""

import threading
import time
from typing import Protocol

from familiar.errors import FamiliarError, ModelNotFound, ServingTimeout, ServingUnavailable, TrainingFailed
from familiar.serving import VersionState, VersionStatus

_POLL_S = 0.03
_CALL_TIMEOUT_S = 2.0


class LoadFailed(TrainingFailed):
    """Serving gave a version up."""

    code = "load_failed"


class Interrupted(FamiliarError):
    """The process is told to stop."""

    code = "interrupted"


class StatusSource(Protocol):
    """The part of ``ServingClient`` that is needed here."""

    def versions(self, model: str, *, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        """List every version that Serving knows of."""


def highest_seen(serving: StatusSource, model: str) -> int:
    """Return the highest version that Serving remembers, whatever became of it; 0 if none, or if it does not answer.

    A number that it has seen fail would be taken for failed again, before it has even looked at what is there now.
    """
    try:
        return max((status.version for status in serving.versions(model, timeout_s=_CALL_TIMEOUT_S)), default=0)
    except ServingUnavailable:
        return 0


def answers(serving: StatusSource, model: str) -> bool:
    """Whether Serving answers, if only that it has no version of a model."""
    try:
        serving.versions(model, timeout_s=_CALL_TIMEOUT_S)
    except ModelNotFound:
        return True
    except ServingUnavailable:
        return False
    return True


def could_not_load(serving: StatusSource, model: str, version: int) -> bool:
    """Whether Serving has given a version up; not if it does not answer."""
    try:
        found = serving.versions(model, timeout_s=_CALL_TIMEOUT_S)
    except ServingUnavailable:
        return False
    return any(status.version == version and _failed(status) for status in found)


def wait_until_available(
    serving: StatusSource, model: str, version: int, timeout_s: float, stop: threading.Event
) -> None:
    """Return as soon as Serving answers for ``version``.

    Raises:
        LoadFailed: Serving tried and failed; it will not try again.
        ServingUnavailable: Serving stayed away, or did not finish within ``timeout_s``.
        Interrupted: ``stop`` was set meanwhile.
    """
    deadline = time.monotonic() + timeout_s
    reason: FamiliarError | None = None
    while True:
        try:
            status = next((s for s in serving.versions(model, timeout_s=_CALL_TIMEOUT_S) if s.version == version), None)
            reason = None
        except ServingUnavailable as exc:
            status, reason = None, exc
        if status is not None and status.state is VersionState.AVAILABLE:
            return
        if status is not None and _failed(status):
            raise LoadFailed(f"Serving could not load version {version} of {model}: {status.error_message}")
        if time.monotonic() >= deadline:
            if reason is not None:
                raise reason
            raise ServingTimeout(f"Serving did not load version {version} of {model} within {timeout_s:g} s")
        if stop.wait(_POLL_S):
            raise Interrupted("told to stop while Serving loads a version")


def _failed(status: VersionStatus) -> bool:
    return status.state is VersionState.END and bool(status.error_code)
