"""Waiting until Serving has a version."""

import threading
import time
from typing import Protocol

from familiar.errors import FamiliarError, ServingTimeout, ServingUnavailable, TrainingFailed
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
        if status is not None and status.state is VersionState.END and status.error_code:
            raise LoadFailed(f"Serving could not load version {version} of {model}: {status.error_message}")
        if time.monotonic() >= deadline:
            if reason is not None:
                raise reason
            raise ServingTimeout(f"Serving did not load version {version} of {model} within {timeout_s:g} s")
        if stop.wait(_POLL_S):
            raise Interrupted("told to stop while Serving loads a version")
