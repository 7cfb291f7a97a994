"""Replay the warm-up records of a version before it is made available."""

from __future__ import annotations

from pathlib import Path

from familiar.wire import read_warmup
from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError
from familiar_modelserver.prediction import Model, predict


def replay_warmup(model: Model, version_dir: Path, *, iterations: int = 1) -> int:
    """Run every record of the version and return their number; raises ServerError if one fails."""
    count = 0
    try:
        for request in read_warmup(version_dir):
            for _ in range(max(iterations, 1)):
                predict(model, 0, request, timeout_s=None)
            count += 1
    except ValueError as exc:
        raise ServerError(pb.INVALID_ARGUMENT, f"Failed to read warm-up records: {exc}") from exc
    return count
