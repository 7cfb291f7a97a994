"""Errors to HTTP: one table, one body, for domain errors, for wrong requests and for defects alike."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response, g, jsonify
from werkzeug.exceptions import HTTPException, InternalServerError

from familiar.errors import (
    Conflict,
    FamiliarError,
    InvalidInput,
    MisconfiguredError,
    NotFound,
    ServingRejected,
    TooLarge,
    TrainingFailed,
    Unavailable,
)

log = logging.getLogger(__name__)


class UnsupportedMediaType(InvalidInput):
    """The body is of a kind this route does not read."""

    code = "unsupported_media_type"


class RequestTooSlow(InvalidInput):
    """The body stopped coming."""

    code = "request_timeout"


class Busy(Unavailable):
    """Too much is going on at once; a moment later there is room again."""

    code = "busy"


STATUS_OF: Final[dict[type[FamiliarError], int]] = {
    InvalidInput: 400,
    UnsupportedMediaType: 415,
    RequestTooSlow: 408,
    TooLarge: 413,
    NotFound: 404,
    Conflict: 409,
    Unavailable: 503,
    ServingRejected: 500,
    TrainingFailed: 500,
    MisconfiguredError: 500,
    FamiliarError: 500,
}
"""Status of each domain error; a class that is not named takes that of its nearest base. A test proves it complete."""

_HTTP_CODES: Final[dict[int, str]] = {
    400: "invalid_request",
    404: "route_not_found",
    405: "method_not_allowed",
    408: "request_timeout",
    411: "length_required",
    413: "too_large",
    415: "unsupported_media_type",
    431: "too_large",
}

RETRY_AFTER_S = 1


def status_of(error: FamiliarError) -> int:
    """Return the HTTP status of a domain error."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def error_body(code: str, message: str, *, retryable: bool, details: Mapping[str, Any]) -> dict[str, Any]:
    """Return the one error body."""
    return {
        "error": {
            "code": code,
            "message": message,
            "retryable": retryable,
            "request_id": g.get("request_id"),
            "details": dict(details),
        }
    }


def install(app: Flask) -> None:
    """Make every failure of ``app`` answer with the one error body."""
    app.register_error_handler(FamiliarError, _domain_error)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(Exception, _defect)


def _domain_error(error: FamiliarError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.warning("%s: %s (request %s)", error.code, error.message, g.get("request_id"), exc_info=status == 500)
    # What a part of the system said of itself is for the log; the client learns which part is away.
    details = {} if status >= 500 else error.details
    message = error.message if status != 500 else "something went wrong here; the log has it under this request id"
    response = jsonify(error_body(error.code, message, retryable=error.retryable, details=details))
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError) or error.code is None:
        return _defect(error)
    if error.code < 400:  # a redirect
        return Response(status=error.code, headers=error.get_headers())
    code = _HTTP_CODES.get(error.code, "invalid_request")
    message = error.description or error.name
    response = jsonify(error_body(code, message, retryable=False, details={}))
    response.status_code = error.code
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _defect(error: Exception) -> Response:
    log.error("defect (request %s)", g.get("request_id"), exc_info=error)
    message = "something went wrong here; the log has it under this request id"
    response = jsonify(error_body("internal", message, retryable=False, details={}))
    response.status_code = 500
    return response
