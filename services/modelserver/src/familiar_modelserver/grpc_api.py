"""The gRPC transport: original method paths, canonical status codes, deadlines and a concurrency limit."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

import grpc
from grpc_health.v1 import health, health_pb2, health_pb2_grpc  # type: ignore[import-untyped]

from familiar.software import made_of
from familiar.wire import SOFTWARE
from familiar.wire import serving_pb2 as pb
from familiar_modelserver.errors import ServerError
from familiar_modelserver.metrics import Metrics
from familiar_modelserver.services import ModelServices

_LOG = logging.getLogger(__name__)

_PREDICTION_SERVICE: Final = "tensorflow.serving.PredictionService"
_MODEL_SERVICE: Final = "tensorflow.serving.ModelService"
_HEALTH_NAMES: Final = ("", "ModelService", "PredictionService")
_MAX_TEXT: Final = 1024
_STATUS_OF: Final = {code.value[0]: code for code in grpc.StatusCode}
_NO_DEADLINE_S: Final = 10 * 365 * 86400.0  # how gRPC may express that the client set none
_MADE_OF: Final = tuple(
    (SOFTWARE, f"{name} {version}") for name, version in made_of("tensorflow", "tensorflow-cpu").items()
)
"""What operators want to know beside the states of versions; other clients never see it."""
_OPTIONS: Final = (
    ("grpc.max_send_message_length", -1),
    ("grpc.max_receive_message_length", -1),
    ("grpc.so_reuseport", 0),
)


class GrpcServer:
    """Serves the services on a port, a unix socket, or both."""

    def __init__(self, services: ModelServices, metrics: Metrics, *, max_concurrent: int) -> None:
        self._services = services
        self._metrics = metrics
        self._health = health.HealthServicer()
        self._server = grpc.server(
            ThreadPoolExecutor(max_workers=max_concurrent, thread_name_prefix="grpc"),
            options=_OPTIONS,
            maximum_concurrent_rpcs=max_concurrent,
        )
        self._server.add_generic_rpc_handlers((self._prediction_handler(), self._model_handler()))
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._server)

    def listen(self, address: str) -> int:
        """Bind an address ("host:port", "unix:path") and return its port; raises ServerError if it is taken."""
        try:
            return int(self._server.add_insecure_port(address))
        except RuntimeError as exc:
            raise ServerError(pb.UNAVAILABLE, f"gRPC cannot listen on {address}: {exc}") from exc

    def start(self) -> None:
        """Answer requests."""
        self._server.start()
        for name in _HEALTH_NAMES:
            self._health.set(name, health_pb2.HealthCheckResponse.SERVING)

    def drain(self, grace_s: float) -> bool:
        """Refuse new requests, wait for those in flight, and tell whether all of them ended in time."""
        self._health.enter_graceful_shutdown()
        started = time.monotonic()
        self._server.stop(grace_s).wait(grace_s + 1.0)
        return time.monotonic() - started < grace_s

    # ---- handlers --------------------------------------------------------------------------------------

    def _prediction_handler(self) -> grpc.GenericRpcHandler:
        handlers = {
            "Predict": _unary(self._predict, pb.PredictRequest, pb.PredictResponse),
            "GetModelMetadata": _unary(self._model_metadata, pb.GetModelMetadataRequest, pb.GetModelMetadataResponse),
        }
        for name in ("Classify", "Regress", "MultiInference"):
            handlers[name] = grpc.unary_unary_rpc_method_handler(_unimplemented(name))
        return grpc.method_handlers_generic_handler(_PREDICTION_SERVICE, handlers)

    def _model_handler(self) -> grpc.GenericRpcHandler:
        handlers = {
            "GetModelStatus": _unary(self._model_status, pb.GetModelStatusRequest, pb.GetModelStatusResponse),
            "HandleReloadConfigRequest": _unary(self._reload_config, pb.ReloadConfigRequest, pb.ReloadConfigResponse),
        }
        return grpc.method_handlers_generic_handler(_MODEL_SERVICE, handlers)

    def _predict(self, request: pb.PredictRequest, context: grpc.ServicerContext) -> pb.PredictResponse:
        started = time.perf_counter()
        name = request.model_spec.name
        counted = name if self._services.core.knows(name) else ""
        try:
            response = self._services.predict(request, _time_left_s(context))
        except ServerError as exc:
            self._metrics.request_count.add(counted, pb.Code.Name(exc.code))
            raise
        self._metrics.request_count.add(counted, "OK")
        self._metrics.request_latency.observe(time.perf_counter() - started, counted, "Predict", "GRPC")
        return response

    def _model_status(
        self, request: pb.GetModelStatusRequest, context: grpc.ServicerContext
    ) -> pb.GetModelStatusResponse:
        context.send_initial_metadata(_MADE_OF)
        return self._services.model_status(request)

    def _model_metadata(
        self, request: pb.GetModelMetadataRequest, _: grpc.ServicerContext
    ) -> pb.GetModelMetadataResponse:
        return self._services.model_metadata(request)

    def _reload_config(self, request: pb.ReloadConfigRequest, context: grpc.ServicerContext) -> pb.ReloadConfigResponse:
        return self._services.reload_config(request, give_up=lambda: not context.is_active())


def _unary(
    handle: Callable[[Any, grpc.ServicerContext], Any], request: Any, response: Any
) -> grpc.RpcMethodHandler[Any, Any]:
    """Wrap a handler so that its ServerError, or a defect of ours, becomes a gRPC status."""

    def answer(message: Any, context: grpc.ServicerContext) -> Any:
        try:
            return handle(message, context)
        except ServerError as exc:
            error = exc
        except Exception as exc:
            _LOG.exception("a request failed unexpectedly")
            error = ServerError(pb.INTERNAL, f"{type(exc).__name__}: {exc}")
        return context.abort(_STATUS_OF[error.code], truncated(error.text))

    return grpc.unary_unary_rpc_method_handler(
        answer, request_deserializer=request.FromString, response_serializer=response.SerializeToString
    )


def _unimplemented(name: str) -> Callable[[bytes, grpc.ServicerContext], bytes]:
    def refuse(_: bytes, context: grpc.ServicerContext) -> bytes:
        context.abort(grpc.StatusCode.UNIMPLEMENTED, f"{name} is not supported; use Predict")

    return refuse


def truncated(text: str) -> str:
    """Shorten a status text as TensorFlow Serving does."""
    return text if len(text) <= _MAX_TEXT else text[:_MAX_TEXT] + "...TRUNCATED"


def _time_left_s(context: grpc.ServicerContext) -> float | None:
    left_s = context.time_remaining()
    return None if left_s is None or left_s > _NO_DEADLINE_S else left_s
