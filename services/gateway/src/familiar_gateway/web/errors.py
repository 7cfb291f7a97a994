"""Errors to HTTP: one table, one body, for domain errors, for wrong requests and for defects alike."""

import errno
import logging
import re
import uuid
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


class Forbidden(InvalidInput):
    """It is not for us, or sent by somebody who may not."""

    code = "cross_site"


class Unauthorized(InvalidInput):
    """Nothing was shown that lets somebody in, or nothing that is good for it."""

    code = "key_required"


class RateLimited(InvalidInput):
    """Too many requests by one key, or from one address; ``retry_after_s`` tells when there may be more."""

    code = "rate_limited"
    retryable = True


STATUS_OF: Final[dict[type[FamiliarError], int]] = {
    InvalidInput: 400,
    UnsupportedMediaType: 415,
    Unauthorized: 401,
    RateLimited: 429,
    Forbidden: 403,
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
    414: "too_large",
    415: "unsupported_media_type",
    431: "too_large",
}

RETRY_AFTER_S = 1
# Disk or open files, when a form is taken apart: what was sent is in order, and may be taken later.
_USED_UP = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EMFILE, errno.ENFILE})
_REQUEST_ID = re.compile(r"[A-Za-z0-9._-]{1,64}")
DEFECT = "something went wrong here; the log has it under this request id"


def status_of(error: FamiliarError) -> int:
    """Return the HTTP status of a domain error."""
    return next(STATUS_OF[kind] for kind in type(error).__mro__ if kind in STATUS_OF)


def request_id(given: str) -> str:
    """Return the id that a client gave its request, if it can be one, or a new one."""
    return given if _REQUEST_ID.fullmatch(given) else uuid.uuid4().hex


def error_body(
    code: str, message: str, its_id: str | None, *, retryable: bool = False, details: Mapping[str, Any] | None = None
) -> dict[str, Any]:
    """Return the one error body, for the request with ``its_id``."""
    return {
        "error": {
            "code": code,
            "message": message,
            "retryable": retryable,
            "request_id": its_id,
            "details": dict(details or {}),
        }
    }


def went_wrong() -> Exception | None:
    """Return what kept the request that is being answered from being answered well, if that was no fault of its own."""
    error: Exception | None = g.get("went_wrong")
    return error


def told(error: FamiliarError) -> dict[str, Any]:
    """Return what a client is told of a domain error."""
    status = status_of(error)
    # What a part said of itself, where it lies and what to do is for the log; the client learns which part is away.
    details = {} if status >= 500 else error.details
    body = error_body(error.code, _sentence(error, status), None, retryable=error.retryable, details=details)["error"]
    return {name: value for name, value in body.items() if name != "request_id"}


def http_code(status: int) -> str:
    """Return the code of a failure that HTTP has a status for."""
    return _HTTP_CODES.get(status, "invalid_request")


def install(app: Flask) -> None:
    """Make every failure of ``app`` answer with the one error body."""
    app.register_error_handler(Exception, respond)


def respond(error: Exception) -> Response:
    """Return what anybody is answered who met an error, whatever it is; what is no client's fault is written down."""
    if isinstance(error, FamiliarError):
        return _domain_error(error)
    return _http_error(error) if isinstance(error, HTTPException) else _defect(error)


def _domain_error(error: FamiliarError) -> Response:
    status = status_of(error)
    if status >= 500:
        log.warning("%s: %s (request %s)", error.code, error, _id(), exc_info=status == 500)
        g.went_wrong = error
    response = jsonify({"error": {**told(error), "request_id": _id()}})
    response.status_code = status
    if status in (429, 503):
        response.headers["Retry-After"] = str(error.details.get("retry_after_s", RETRY_AFTER_S))
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _sentence(error: FamiliarError, status: int) -> str:
    if status == 500:
        return DEFECT
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
    response = jsonify(error_body(http_code(error.code), _http_sentence(error), _id()))
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
    if isinstance(error, OSError) and error.errno in _USED_UP:
        return _domain_error(Unavailable(f"there is no room here at the moment: {error.strerror}"))
    log.error("defect (request %s)", _id(), exc_info=error)
    g.went_wrong = error
    response = jsonify(error_body("internal", DEFECT, _id()))
    response.status_code = 500
    return response


def _id() -> str | None:
    its_id: str | None = g.get("request_id")
    return its_id
