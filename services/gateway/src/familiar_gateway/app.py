"""The application: routes, errors, limits and request ids around collaborators that are passed in."""

import logging
import tempfile
import time
from collections.abc import Callable
from typing import IO

from flask import Flask, Request, Response, g, request

from familiar_gateway import enrolling, operating, people, recognizing, web
from familiar_gateway.services import Services

access = logging.getLogger("familiar_gateway.access")

SMALL_BODY_BYTES = 1_000_000
"""What a route without pictures reads at most."""

_FORM_TEXT_BYTES = 100_000
_MAX_FORM_PARTS = 2_000
_SPOOL_BYTES = 64_000

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
        MAX_CONTENT_LENGTH=SMALL_BODY_BYTES,  # those with pictures set a limit of their own
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


def _begin(hosts: web.Hosts) -> None:
    g.started = time.perf_counter()
    headers = request.headers
    g.request_id = web.errors.request_id(headers.get("X-Request-Id", ""))
    hosts.check(request.method, headers.get("Host"), headers.get("Origin"), headers.get("Sec-Fetch-Site"))


def _end(response: Response, metrics: operating.Metrics) -> Response:
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "none"
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cross-Origin-Resource-Policy"] = "same-origin"
    response.headers.setdefault("Cache-Control", "no-store")
    _note(metrics, request.method, route, response.status_code, seconds, g.get("request_id"))
    return response


def noting(metrics: operating.Metrics) -> Callable[[str, int, float], None]:
    """Return what takes down method, status and seconds of a request that did not come as far as the application."""
    return lambda method, status, seconds: _note(metrics, method, "none", status, seconds, None)


def _note(
    metrics: operating.Metrics, method: str, route: str, status: int, seconds: float, request_id: str | None
) -> None:
    method = method if method in _METHODS else "other"
    metrics.count_request(method, route, status, seconds)
    # Probes come every second from everywhere; they would bury what people did.
    level = logging.DEBUG if route in _PROBES else logging.INFO
    access.log(level, "%s %s %d %.1f ms request=%s", method, route, status, seconds * 1000, request_id)


_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "PUT"})
