"""What every version went through, as GetModelStatus tells it; nothing is ever forgotten."""

from __future__ import annotations

import threading
from dataclasses import dataclass

from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError

State = pb.ModelVersionStatus.State


@dataclass(frozen=True)
class VersionRecord:
    """The last known state of a version, with the error that ended it, if one did."""

    version: int
    state: State
    error: ServerError | None = None


class StateHistory:
    """The last state of every version of every model since the server started."""

    def __init__(self) -> None:
        self._records: dict[str, dict[int, VersionRecord]] = {}
        self._lock = threading.Lock()

    def record(self, model: str, version: int, state: State, error: ServerError | None = None) -> None:
        """Note that a version entered a state."""
        with self._lock:
            self._records.setdefault(model, {})[version] = VersionRecord(version, state, error)

    def of_model(self, model: str) -> tuple[VersionRecord, ...]:
        """List every version seen of a model, highest first."""
        with self._lock:
            records = list(self._records.get(model, {}).values())
        return tuple(sorted(records, key=lambda record: record.version, reverse=True))
