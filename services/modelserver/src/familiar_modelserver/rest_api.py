"""The REST transport: URL grammar, JSON bodies, HTTP codes and the Prometheus page."""

from __future__ import annotations

import logging
import re
import threading
import time
import zlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import unquote

from cheroot.wsgi import Server
from google.protobuf.json_format import MessageToDict

from familiar.wire import serving_pb2 as pb
from familiar_modelserver import rest_json
from familiar_modelserver.errors import ServerError
from familiar_modelserver.metrics import Metrics
from familiar_modelserver.prediction import run_signature
from familiar_modelserver.services import SIGNATURE_DEF, ModelServices

_LOG = logging.getLogger(__name__)

_MODEL = r"/v1/models/(?P<name>[^/:]+)(?:/versions/(?P<version>[0-9]+)|/labels/(?P<label>[^/:]+))?"
_PREDICTION: Final = re.compile(_MODEL + r":(?P<method>classify|regress|predict)", re.IGNORECASE)
_STATUS: Final = re.compile(
    r"/v1/models(?:/(?P<name>[^/:]+))?(?:/versions/(?P<version>[0-9]+)|/labels/"
    r"(?P<label>[^/:]+))?(?P<metadata>/metadata)?",
    re.IGNORECASE,
)
_MAX_BODY_BYTES: Final = 100 << 20
_INT64_MAX: Final = (1 << 63) - 1

HTTP_OF: Final[dict[pb.Code, int]] = {
    pb.OK: 200,
    pb.CANCELLED: 499,
    pb.UNKNOWN: 500,
    pb.INVALID_ARGUMENT: 400,
    pb.DEADLINE_EXCEEDED: 504,
    pb.NOT_FOUND: 404,
    pb.ALREADY_EXISTS: 409,
    pb.PERMISSION_DENIED: 403,
    pb.RESOURCE_EXHAUSTED: 429,
    pb.FAILED_PRECONDITION: 400,
    pb.ABORTED: 409,
    pb.OUT_OF_RANGE: 400,
    pb.UNIMPLEMENTED: 501,
    pb.INTERNAL: 500,
    pb.UNAVAILABLE: 503,
    pb.DATA_LOSS: 500,
    pb.UNAUTHENTICATED: 401,
}


@dataclass(frozen=True)
class Reply:
    """What goes back over HTTP."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


class RestApp:
    """The REST API as a WSGI application."""

    def __init__(
        self, services: ModelServices, metrics: Metrics, *, timeout_s: float, metrics_path: str | None
    ) -> None:
        self._services = services
        self._metrics = metrics
        self._timeout_s = timeout_s
        self._metrics_path = metrics_path

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        """Answer one request."""
        try:
            reply = self._answer(environ)
        except ServerError as exc:
            reply = Reply(rest_json.dump({"error": exc.text}), HTTP_OF[exc.code])
        except Exception as exc:
            _LOG.exception("a REST request failed unexpectedly")
            reply = Reply(rest_json.dump({"error": f"{type(exc).__name__}: {exc}"}), 500)
        headers = [("Content-Type", reply.content_type), ("Content-Length", str(len(reply.body)))]
        start_response(_status_line(reply.status), headers)
        return [reply.body]

    def _answer(self, environ: dict[str, Any]) -> Reply:
        method = environ["REQUEST_METHOD"]
        path = _raw_path(environ)
        if path == self._metrics_path and method == "GET":
            return Reply(self._metrics.text().encode(), content_type="text/plain")
        if not path.startswith("/v1/"):
            return Reply(b"<html><head><title>404 Not Found</title></head></html>\n", 404, "text/html")
        match = _PREDICTION.fullmatch(path)
        # TensorFlow Serving finds the method whatever its case, and then knows it in small letters only.
        if method == "POST" and match and match["method"].islower():
            return self._predict(match, environ)
        if method == "GET" and (match := _STATUS.fullmatch(path)):
            if not match["name"]:
                raise ServerError(pb.INVALID_ARGUMENT, "Missing model name in request.")
            return self._metadata(match) if match["metadata"] else self._status(match)
        raise ServerError(pb.INVALID_ARGUMENT, f"Malformed request: {method} {path}")

    def _status(self, match: re.Match[str]) -> Reply:
        response = self._services.model_status(pb.GetModelStatusRequest(model_spec=_model_spec(match)))
        document = _to_dict(response)
        for shown, status in zip(document["model_version_status"], response.model_version_status, strict=True):
            shown["status"]["error_message"] = status.status.error_message.decode("utf-8", errors="replace")
        return Reply(rest_json.dump(document, indent=1))

    def _metadata(self, match: re.Match[str]) -> Reply:
        request = pb.GetModelMetadataRequest(model_spec=_model_spec(match), metadata_field=[SIGNATURE_DEF])
        response = self._services.model_metadata(request)
        signatures = pb.SignatureDefMap.FromString(response.metadata[SIGNATURE_DEF].value)
        document = {
            "model_spec": _to_dict(response.model_spec),
            "metadata": {SIGNATURE_DEF: _to_dict(signatures)},
        }
        return Reply(rest_json.dump(document, indent=1))

    def _predict(self, match: re.Match[str], environ: dict[str, Any]) -> Reply:
        if match["method"] != "predict":
            raise ServerError(pb.UNIMPLEMENTED, f"{match['method']} is not supported; use predict")
        started = time.perf_counter()
        spec = _model_spec(match)
        counted = spec.name if self._services.core.knows(spec.name) else ""
        try:
            reply = self._run(spec, _read_body(environ))
        except ServerError as exc:
            self._metrics.request_count.add(counted, pb.Code.Name(exc.code))
            raise
        self._metrics.request_count.add(counted, "OK")
        self._metrics.request_latency.observe(time.perf_counter() - started, counted, "Predict", "REST")
        return reply

    def _run(self, spec: pb.ModelSpec, body: bytes) -> Reply:
        parsed = rest_json.parse_body(body)
        with self._services.core.using(spec) as (_, model):
            signature = model.signatures.get(parsed.signature_name)
            if signature is None:
                raise ServerError(
                    pb.INVALID_ARGUMENT,
                    f'Serving signature name: "{parsed.signature_name}" not found in signature def',
                )
            inputs = rest_json.read_arrays(parsed, signature)
            outputs = run_signature(model, signature, inputs, (), self._timeout_s)
        return Reply(rest_json.dump(rest_json.write_arrays(outputs, by_row=parsed.by_row)))


class _HttpServer(Server):
    """Cheroot, with its complaints in our log."""

    def error_log(self, msg: str = "", level: int = logging.INFO, traceback: bool = False) -> None:
        """Log what went wrong with a connection."""
        _LOG.log(level, "%s", msg, exc_info=traceback)


class RestServer:
    """A small threaded HTTP server for the REST API."""

    def __init__(self, app: RestApp, host: str, port: int, *, threads: int) -> None:
        """Bind the port; raises ServerError if it is taken."""
        self._server = _HttpServer(
            (host, port), app, numthreads=threads, server_name="familiar-modelserver", request_queue_size=128
        )
        self._server.max_request_body_size = _MAX_BODY_BYTES
        try:
            self._server.prepare()
        except OSError as exc:
            raise ServerError(pb.UNAVAILABLE, f"REST cannot listen on {host}:{port}: {exc}") from exc
        self.port = int(self._server.bind_addr[1])
        self._thread = threading.Thread(target=self._server.serve, name="rest", daemon=True)

    def start(self) -> None:
        """Answer requests."""
        self._thread.start()

    def drain(self, grace_s: float) -> None:
        """Refuse new connections and wait for the requests in flight."""
        self._server.shutdown_timeout = max(grace_s, 0.0)
        self._server.stop()


def _model_spec(match: re.Match[str]) -> pb.ModelSpec:
    spec = pb.ModelSpec(name=unquote(match["name"]))
    if match["version"]:
        if (version := int(match["version"])) > _INT64_MAX:
            raise ServerError(pb.INVALID_ARGUMENT, f"Failed to convert version: {match['version']} to numeric.")
        spec.version.value = version
    elif match["label"]:
        spec.version_label = unquote(match["label"])
    return spec


def _raw_path(environ: dict[str, Any]) -> str:
    """Return the path as sent: names are matched first and unquoted after."""
    target: str = environ["REQUEST_URI"]
    if "://" in target.split("?", 1)[0]:  # the absolute form that proxies use
        target = "/" + target.split("://", 1)[1].partition("/")[2]
    return target.split("?", 1)[0]


def _read_body(environ: dict[str, Any]) -> bytes:
    body: bytes = environ["wsgi.input"].read()
    if environ.get("HTTP_CONTENT_ENCODING", "").lower() != "gzip":
        return body
    inflater = zlib.decompressobj(wbits=31)
    try:
        inflated = inflater.decompress(body, _MAX_BODY_BYTES)
    except zlib.error as exc:
        raise ServerError(pb.INVALID_ARGUMENT, f"Failed to decompress gzip body: {exc}") from exc
    if inflater.unconsumed_tail or not inflater.eof:
        raise ServerError(pb.INVALID_ARGUMENT, f"gzip body is cut off or inflates beyond {_MAX_BODY_BYTES} bytes")
    return inflated


def _to_dict(message: pb.GetModelStatusResponse | pb.ModelSpec | pb.SignatureDefMap) -> dict[str, Any]:
    return MessageToDict(message, preserving_proto_field_name=True, always_print_fields_with_no_presence=True)


def _status_line(status: int) -> str:
    try:
        return f"{status} {HTTPStatus(status).phrase}"
    except ValueError:  # 499 is not in the standard
        return f"{status} Client Closed Request"
