"""The application: routes, errors, limits and request ids around collaborators that are passed in."""

import logging
import re
import tempfile
import time
from collections.abc import Callable
from typing import IO

from flask import Flask, Request, Response, g, request
from flask_cors import CORS

from familiar.records import recent_errors
from familiar_gateway import (
    access,
    correcting,
    enrolling,
    events,
    learning,
    operating,
    people,
    photos,
    recognizing,
    remembering,
    translating,
    web,
)
from familiar_gateway.services import Services

log = logging.getLogger("familiar_gateway.requests")

SMALL_BODY_BYTES = 1_000_000
"""What a route without pictures reads at most."""

_FORM_TEXT_BYTES = 100_000
_MAX_FORM_PARTS = 2_000
_SPOOL_BYTES = 64_000

_BLUEPRINTS = (
    recognizing.blueprint,
    enrolling.blueprint,
    people.blueprint,
    correcting.blueprint,
    learning.feedback.blueprint,
    learning.quarantine.blueprint,
    learning.learned.blueprint,
    remembering.sightings.blueprint,
    remembering.strangers.blueprint,
    remembering.search.blueprint,
    remembering.replays.blueprint,
    photos.jobs.blueprint,
    photos.findings.blueprint,
    events.blueprint,
    operating.models.blueprint,
    operating.jobs.blueprint,
    operating.site.blueprint,
    operating.health.blueprint,
    operating.errors.blueprint,
    operating.system.blueprint,
    access.sessions.blueprint,
    access.keys.blueprint,
    access.audit.blueprint,
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
    friends = web.read_origins(its.settings.cors_origins)
    named = f"{its.settings.allowed_hosts},{its.settings.https_names}"
    hosts = web.Hosts(its.settings.host, named.split(","), friends)
    app.before_request(lambda: _begin(hosts))
    app.before_request(its.guard.admit)
    app.before_request(lambda: web.payload.refuse_query_of_change(app, request))
    app.before_request(_want_the_body)
    app.after_request(lambda response: _end(response, its))
    web.errors.install(app)
    for each in (*_BLUEPRINTS, *translating.doors(its.settings.doors)):
        app.register_blueprint(each)
    web.doors.require_declared(app)
    _let_friends_read(app, friends)
    app.wsgi_app = web.proxies.Proxies(app.wsgi_app, its.settings.trusted_proxies)  # type: ignore[method-assign]
    return app


def _let_friends_read(app: Flask, origins: list[str]) -> None:
    """Let pages of these origins ask with a key; a session is sent for our own page only."""
    if origins:
        CORS(
            app,
            origins=[re.compile(rf"{re.escape(each)}\Z") for each in origins],
            methods=sorted({method for rule in app.url_map.iter_rules() for method in rule.methods or ()} - _UNASKED),
            allow_headers=["Authorization", "X-API-Key", "Content-Type", "Idempotency-Key", "X-Request-Id"],
            expose_headers=["Location", "Retry-After", "X-Request-Id"],
            max_age=600,
        )


def _begin(hosts: web.Hosts) -> None:
    g.started = time.perf_counter()
    headers = request.headers
    g.request_id = web.errors.request_id(headers.get("X-Request-Id", ""))
    hosts.check(
        request.method, headers.get("Host"), headers.get("Origin"), headers.get("Sec-Fetch-Site"), request.is_secure
    )


def _want_the_body() -> Response | None:
    """Have the body of a request read that was let in by its head; of one that has no route it is not wanted."""
    if request.url_rule is None or not web.doors.body_is_to_come(request.environ):
        return None
    request.environ[web.doors.WANTED] = True
    return Response(status=204)


def _end(response: Response, its: Services) -> Response:
    if web.doors.body_is_to_come(request.environ) and web.doors.was_let_in(request.environ):
        return response  # no answer yet
    seconds = time.perf_counter() - g.get("started", time.perf_counter())
    route = request.url_rule.rule if request.url_rule else "none"
    response.headers["X-Request-Id"] = g.get("request_id", "")
    response.headers.update(_ALWAYS)
    for name, value in _UNLESS_SAID.items():
        response.headers.setdefault(name, value)
    if its.settings.hsts_s and request.is_secure:
        response.headers["Strict-Transport-Security"] = f"max-age={its.settings.hsts_s}"
    _note(its.metrics, request.method, route, response.status_code, seconds, g.get("request_id"), g.get("camera"))
    if (error := web.errors.went_wrong()) is not None:
        its.recorder.note(f"{request.method} {route}", *recent_errors.told(error), g.get("request_id"))
    return response


def noting(metrics: operating.Metrics) -> Callable[[str, int, float], None]:
    """Return what takes down method, status and seconds of a request that did not come as far as the application."""
    return lambda method, status, seconds: _note(metrics, method, "none", status, seconds, None)


def _note(
    metrics: operating.Metrics, method: str, route: str, status: int, seconds: float, request_id: str | None,
    camera: str | None = None,
) -> None:  # fmt: skip
    method = method if method in _METHODS else "other"
    metrics.count_request(method, route, status, seconds)
    # Probes come every second from everywhere; they would bury what people did.
    level = logging.DEBUG if route in _PROBES else logging.INFO
    before = "" if camera is None else f" camera={camera!r}"
    log.log(level, "%s %s %d %.1f ms request=%s%s", method, route, status, seconds * 1000, request_id, before)


_ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Permissions-Policy": "camera=(self), microphone=(), geolocation=()",
}
_UNLESS_SAID = {
    "Cache-Control": "no-store",
    # What is no page of ours is looked at by programs.
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
}
_PROBES = frozenset({"/healthz", "/readyz", "/metrics"})
_UNASKED = frozenset({"HEAD", "OPTIONS"})
_METHODS = frozenset({"GET", "HEAD", "OPTIONS", "POST", "PATCH", "DELETE", "PUT"})
