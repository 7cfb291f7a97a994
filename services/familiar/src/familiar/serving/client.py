"""Ask TensorFlow Serving (or our model server) for predictions and for the state of its versions.

The one file that knows the protocol: method paths, deadlines, the retry and the meaning of status codes.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from types import TracebackType
from typing import Any, Final, Self, TypeVar

import grpc
import numpy as np
import numpy.typing as npt

from familiar.errors import FamiliarError, ModelNotFound, ServingRejected, ServingTimeout, ServingUnavailable
from familiar.servable import HEAD
from familiar.wire import SOFTWARE, decode, encode
from familiar.wire import serving_pb2 as pb

_PREDICT: Final = "/tensorflow.serving.PredictionService/Predict"
_GET_MODEL_STATUS: Final = "/tensorflow.serving.ModelService/GetModelStatus"

_CHANNEL_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    # A server that was away is tried again after a second at most, not after two minutes.
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
)

ERROR_OF: Final[dict[grpc.StatusCode, type[FamiliarError]]] = {
    grpc.StatusCode.CANCELLED: ServingUnavailable,
    grpc.StatusCode.UNKNOWN: ServingUnavailable,
    grpc.StatusCode.INVALID_ARGUMENT: ServingRejected,
    grpc.StatusCode.DEADLINE_EXCEEDED: ServingTimeout,
    grpc.StatusCode.NOT_FOUND: ModelNotFound,
    grpc.StatusCode.ALREADY_EXISTS: ServingRejected,
    grpc.StatusCode.PERMISSION_DENIED: ServingRejected,
    grpc.StatusCode.RESOURCE_EXHAUSTED: ServingUnavailable,
    grpc.StatusCode.FAILED_PRECONDITION: ServingRejected,
    grpc.StatusCode.ABORTED: ServingUnavailable,
    grpc.StatusCode.OUT_OF_RANGE: ServingRejected,
    grpc.StatusCode.UNIMPLEMENTED: ServingRejected,
    grpc.StatusCode.INTERNAL: ServingUnavailable,
    grpc.StatusCode.UNAVAILABLE: ServingUnavailable,
    grpc.StatusCode.DATA_LOSS: ServingUnavailable,
    grpc.StatusCode.UNAUTHENTICATED: ServingRejected,
}
"""What each failure means to us; a test proves that no status code is missing."""

_MOST_SAID = 1000
"""Bytes of what a server says of a version; it may be a whole file that it could not read."""

_Response = TypeVar("_Response")


class VersionState(StrEnum):
    """Where a version stands in its life."""

    UNKNOWN = "UNKNOWN"
    START = "START"
    LOADING = "LOADING"
    AVAILABLE = "AVAILABLE"
    UNLOADING = "UNLOADING"
    END = "END"


@dataclass(frozen=True)
class VersionStatus:
    """What the server says of one version; `error_code` is 0 unless it failed to load."""

    version: int
    state: VersionState
    error_code: int
    error_message: str


@dataclass(frozen=True)
class Prediction:
    """The outputs of a signature by name, and the one version that computed all of them."""

    version: int
    outputs: dict[str, npt.NDArray[Any]]


class ServingClient:
    """A connection to a model server; threads may share it, forked processes may not.

    Every call ends within its deadline, and is tried once more within that deadline if the server was
    unavailable. Calls raise ServingUnavailable, ServingTimeout, ModelNotFound (all retryable) or
    ServingRejected.
    """

    def __init__(self, address: str, *, timeout_s: float) -> None:
        """Prepare a connection to `address` ("host:port" or "unix:path"); it is opened by the first call."""
        self.address = address
        self.timeout_s = timeout_s
        self._channel = grpc.insecure_channel(address, options=_CHANNEL_OPTIONS)
        self._predict = self._channel.unary_unary(
            _PREDICT,
            request_serializer=pb.PredictRequest.SerializeToString,
            response_deserializer=pb.PredictResponse.FromString,
        )
        self._get_model_status = self._channel.unary_unary(
            _GET_MODEL_STATUS,
            request_serializer=pb.GetModelStatusRequest.SerializeToString,
            response_deserializer=pb.GetModelStatusResponse.FromString,
        )

    def predict(
        self,
        model: str,
        inputs: Mapping[str, npt.NDArray[Any]],
        *,
        version: int | None = None,
        signature: str = "serving_default",
        outputs: Sequence[str] = (),
        timeout_s: float | None = None,
    ) -> Prediction:
        """Run a signature of the given version, or of the newest available one.

        `outputs` limits the answer to these names. String outputs are object arrays of bytes.
        """
        request = pb.PredictRequest(model_spec=_model_spec(model, version, signature), output_filter=outputs)
        for name, array in inputs.items():
            try:
                request.inputs[name].CopyFrom(encode(np.asarray(array)))
            except ValueError as exc:
                raise ServingRejected(f"input {name!r} of model {model!r}: {exc}", model=model) from exc
        response = self._call(self._predict, request, model, timeout_s)
        if not response.model_spec.HasField("version"):
            raise ServingUnavailable(f"model server did not say which version of {model!r} answered", model=model)
        try:
            arrays = {name: decode(tensor) for name, tensor in response.outputs.items()}
        except ValueError as exc:
            raise ServingUnavailable(f"model server sent a malformed tensor: {exc}", model=model) from exc
        return Prediction(version=response.model_spec.version.value, outputs=arrays)

    def versions(self, model: str, *, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        """List every version the server has seen since it started, highest first.

        Raises ModelNotFound if it has seen none.
        """
        request = pb.GetModelStatusRequest(model_spec=_model_spec(model, None, ""))
        response = self._call(self._get_model_status, request, model, timeout_s)
        found = (_version_status(status) for status in response.model_version_status)
        return tuple(sorted(found, key=lambda status: status.version, reverse=True))

    def available(self, model: str, *, timeout_s: float | None = None) -> int | None:
        """Return the highest version that answers requests, None if there is none."""
        try:
            statuses = self.versions(model, timeout_s=timeout_s)
        except ModelNotFound:
            return None
        ready = (status.version for status in statuses if status.state is VersionState.AVAILABLE)
        return max(ready, default=None)

    def software(self, *, timeout_s: float | None = None) -> dict[str, str]:
        """Return what the server is, by name and version: ours says it in its metadata, TensorFlow Serving nothing."""
        request = pb.GetModelStatusRequest(model_spec=_model_spec(HEAD, None, ""))
        call: Any
        try:
            _, call = self._call(self._get_model_status.with_call, request, HEAD, timeout_s)
        except ModelNotFound as exc:  # it serves nothing yet, and says what it is all the same
            call = exc.__cause__
        told = (str(value).partition(" ") for key, value in call.initial_metadata() if key == SOFTWARE)
        return {name: version for name, _, version in told}

    def close(self) -> None:
        """End the connection; calls in flight are cancelled."""
        self._channel.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _call(
        self, method: Callable[..., _Response], request: object, model: str, timeout_s: float | None
    ) -> _Response:
        """Call within the deadline, once more if the server was unavailable; the boundary of foreign errors."""
        deadline = time.monotonic() + (self.timeout_s if timeout_s is None else timeout_s)
        for attempt in (1, 2):
            try:
                return method(request, timeout=max(deadline - time.monotonic(), 0.0))
            except grpc.RpcError as exc:
                code = exc.code()
                again = attempt == 1 and code is grpc.StatusCode.UNAVAILABLE
                if again and time.monotonic() < deadline:
                    continue
                raise self._translate(exc, model) from exc
            except ValueError as exc:  # what gRPC raises on a closed channel
                raise ServingUnavailable(f"connection to the model server is closed: {exc}", model=model) from exc
        raise AssertionError("unreachable: the second attempt returns or raises")

    def _translate(self, error: grpc.RpcError, model: str) -> FamiliarError:
        code = error.code()
        kind = ERROR_OF.get(code, ServingUnavailable)
        text = f"model server at {self.address} answered {code.name} for model {model!r}: {error.details()}"
        return kind(text, model=model, status=code.name)


def _model_spec(model: str, version: int | None, signature: str) -> pb.ModelSpec:
    spec = pb.ModelSpec(name=model, signature_name=signature)
    if version is not None:
        spec.version.value = version
    return spec


def _version_status(status: pb.ModelVersionStatus) -> VersionStatus:
    try:
        state = VersionState(pb.ModelVersionStatus.State.Name(status.state))
    except ValueError:  # a state added by a later server
        state = VersionState.UNKNOWN
    return VersionStatus(
        version=status.version,
        state=state,
        error_code=int(status.status.error_code),
        error_message=_printable(status.status.error_message),
    )


def _printable(text: bytes) -> str:
    """Return what a server says as text that can be shown and stored, whatever bytes it is made of."""
    said = text[:_MOST_SAID].decode("utf-8", errors="replace")
    return "".join(char if char.isprintable() or char == "\n" else "\ufffd" for char in said)
