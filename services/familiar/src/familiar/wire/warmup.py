"""Warm-up records: requests a model server replays before it makes a version available."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Final

import numpy.typing as npt
from google.protobuf.message import DecodeError

from familiar.wire import serving_pb2 as pb
from familiar.wire.tensor import encode
from familiar.wire.tfrecord import read_records, write_records

WARMUP_FILE: Final = Path("assets.extra", "tf_serving_warmup_requests")
"""Where a version keeps its records, relative to the version's folder."""

MAX_RECORDS: Final = 1000
"""A model server refuses a version with more records."""

_MOST_SHOWN: Final = 1000

WarmupRequest = tuple[str, Mapping[str, npt.ArrayLike]]
"""Signature name and its inputs by name."""


def prediction_log(signature_name: str, inputs: Mapping[str, npt.ArrayLike]) -> pb.PredictionLog:
    """Build the record of one request."""
    request = pb.PredictRequest(model_spec=pb.ModelSpec(signature_name=signature_name))
    for name, array in inputs.items():
        request.inputs[name].CopyFrom(encode(array))
    return pb.PredictionLog(predict_log=pb.PredictLog(request=request))


def write_warmup(version_dir: Path, requests: Iterable[WarmupRequest]) -> int:
    """Write the records of a version into its folder and return how many there were.

    Raises ValueError if a model server would refuse their number.
    """
    logs = [prediction_log(signature_name, inputs) for signature_name, inputs in requests]
    if len(logs) > MAX_RECORDS:
        raise ValueError(f"a version may carry at most {MAX_RECORDS} warm-up records, got {len(logs)}")
    path = version_dir / WARMUP_FILE
    path.parent.mkdir(parents=True, exist_ok=True)
    return write_records(path, (log.SerializeToString() for log in logs))


def read_warmup(version_dir: Path) -> Iterator[pb.PredictRequest]:
    """Yield the requests of a version, none if it carries no records.

    Raises ValueError for a damaged file and for records of another kind than predict; its text has what was found there
    byte by byte (``surrogateescape``), as that of TensorFlow Serving.
    """
    path = version_dir / WARMUP_FILE
    if not path.is_file():
        return
    for index, record in enumerate(read_records(path)):
        if index >= MAX_RECORDS:
            raise ValueError(f"{path.name}: more than {MAX_RECORDS} warm-up records")
        try:
            log = pb.PredictionLog.FromString(record)
        except DecodeError as exc:
            found = record[:_MOST_SHOWN].decode("utf-8", errors="surrogateescape")
            raise ValueError(f"Failed to parse warmup record: {found} from {path}") from exc
        if not log.HasField("predict_log"):
            raise ValueError(f"{path.name}: record {index} is not a predict request")
        yield log.predict_log.request
