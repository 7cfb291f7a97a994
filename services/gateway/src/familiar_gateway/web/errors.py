"""Errors to HTTP: one table, one body, for domain errors, for wrong requests and for defects alike."""

import logging
from collections.abc import Mapping
from typing import Any, Final

from flask import Flask, Response, g, jsonify, request
from werkzeug.exceptions import HTTPException, InternalServerError, MethodNotAllowed, RequestEntityTooLarge

from familiar.errors import (
    Conflict,
    FamiliarError,
    InvalidInput,
    MisconfiguredError,
    ModelNotFound,
    NotFound,
    ServingRejected,
    ServingUnavailable,
    TooLarge,
    TrainingFailed,
    Unavailable,
)

log = logging.getLogger(__name__)


class UnsupportedMediaType(InvalidInput):
    """The body is of a kind this route does not read."""

    code = "unsupported_media_type"


STATUS_OF: Final[dict[type[FamiliarError], int]] = {
    InvalidInput: 400,
    UnsupportedMediaType: 415,
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
_DEFECT = "something went wrong here; the log has it under this request id"


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
    response = jsonify(error_body(error.code, _sentence(error, status), retryable=error.retryable, details=details))
    response.status_code = status
    if status == 503:
        response.headers["Retry-After"] = str(RETRY_AFTER_S)
    return response


def _sentence(error: FamiliarError, status: int) -> str:
    if status == 500:
        return _DEFECT
    if isinstance(error, ModelNotFound):
        return "no model is ready to answer yet; try again in a moment"
    if isinstance(error, ServingUnavailable):
        return "the models do not answer at the moment; try again"
    return error.message


def _http_error(error: HTTPException) -> Response:
    if isinstance(error, InternalServerError) or error.code is None:
        return _defect(error)
    if error.code < 400:  # a redirect
        return Response(status=error.code, headers=error.get_headers())
    code = _HTTP_CODES.get(error.code, "invalid_request")
    response = jsonify(error_body(code, _http_sentence(error), retryable=False, details={}))
    response.status_code = error.code
    for name, value in error.get_headers():
        if name == "Allow":
            response.headers[name] = value
    return response


def _http_sentence(error: HTTPException) -> str:
    if isinstance(error, MethodNotAllowed):
        return f"{request.method} is not allowed here; allowed: {', '.join(sorted(error.valid_methods or ()))}"
    if error.code == 404:
        return f"there is no route {request.path[:80]!r}; /openapi.json lists them all"
    if isinstance(error, RequestEntityTooLarge):
        most = request.max_content_length
        return f"the body is too large, or has too many parts or too much text; at most {most} bytes are taken here"
    return error.description or error.name


def _defect(error: Exception) -> Response:
    log.error("defect (request %s)", g.get("request_id"), exc_info=error)
    response = jsonify(error_body("internal", _DEFECT, retryable=False, details={}))
    response.status_code = 500
    return response
