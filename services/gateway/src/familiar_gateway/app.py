"""The application: routes, errors, limits and request ids around collaborators that are passed in."""

import logging
import socket
import tempfile
import time
from typing import IO, Any

from flask import Flask, Request, Response, g, request

from familiar.settings import Settings
from familiar_gateway import enrolling, operating, people, recognizing, services, web
from familiar_gateway.services import Services

access = logging.getLogger("familiar_gateway.access")

_SMALL_BODY_BYTES = 1_000_000
_FORM_TEXT_BYTES = 100_000
_MAX_FORM_PARTS = 2_000
_SPOOL_BYTES = 64_000
_IO_TIMEOUT_S = 30.0

_BLUEPRINTS = (
    recognizing.blueprint,
    enrolling.blueprint,
    people.blueprint,
    operating.models.blueprint,
    operating.jobs.blueprint,
    operating.site.blueprint,
    operating.health.blueprint,
    web.docs.blueprint,
)


class UploadRequest(Request):
    """A request whose uploaded files wait on disk, not in memory."""

    def _get_file_stream(
        self,
        total_content_length: int | None,
        content_type: str | None,
        filename: str | None = None,
        content_length: int | None = None,
    ) -> IO[bytes]:
        return tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # closed with the form


def create_app(its: Services) -> Flask:
    """Return the application that serves with these collaborators."""
    app = Flask(__name__, static_folder=None)
    app.request_class = UploadRequest
    app.config.update(
        # What a route without pictures reads at most; those with pictures set a limit of their own.
        MAX_CONTENT_LENGTH=_SMALL_BODY_BYTES,
        MAX_FORM_MEMORY_SIZE=_FORM_TEXT_BYTES,
        MAX_FORM_PARTS=_MAX_FORM_PARTS,
    )
    app.json.sort_keys = False  # type: ignore[attr-defined]
    app.extensions[web.KEY] = its
    hosts = web.Hosts(its.settings.host, its.settings.allowed_hosts.split(","))
    app.before_request(lambda: _begin(hosts))
    app.after_request(lambda response: _end(response, its.metrics))
    web.errors.install(app)
    for each in _BLUEPRINTS:
        app.register_blueprint(each)
    return app


def from_env() -> Flask:
    """Return the application as the environment describes it; what gunicorn loads.

    Raises:
        MisconfiguredError: a setting cannot be used.
    """
    settings = Settings.from_env()
    logging.basicConfig(level=settings.log_level, format="%(levelname)s %(name)s %(message)s")
    return create_app(services.build(settings))


def _begin(hosts: web.Hosts) -> None:
    g.started = time.perf_counter()
    headers = request.headers
    g.request_id = web.errors.request_id(headers.get("X-Request-Id", ""))
    hosts.check(request.method, headers.get("Host"), headers.get("Origin"), headers.get("Sec-Fetch-Site"))
    connection: Any = request.environ.get("gunicorn.socket")
    if isinstance(connection, socket.socket):
        # A client that stops in the middle of its body must not hold a thread for ever.
        connection.settimeout(_IO_TIMEOUT_S)


def _end(response: Response, metrics: operating.Metrics) -> Response:
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "none"
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    method = request.method if request.method in _METHODS else "other"
    metrics.count_request(method, route, response.status_code, seconds)
    # Probes come every second from everywhere; they would bury what people did.
    level = logging.DEBUG if route in _PROBES else logging.INFO
    request_id = g.get("request_id")
    access.log(level, "%s %s %d %.1f ms request=%s", method, route, response.status_code, seconds * 1000, request_id)
    return response


_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "PUT"})
