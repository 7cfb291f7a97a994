"""Refusals: what is said to a request that does not come as far as the application, in the one error body."""

import asyncio
import json
from dataclasses import dataclass
from typing import Self

from familiar.errors import FamiliarError, Unavailable
from familiar_gateway.web import RETRY_AFTER_S, errors

Headers = list[tuple[bytes, bytes]]


@dataclass(frozen=True)
class Refusal:
    """An answer that says no."""

    status: int
    code: str
    message: str

    @classmethod
    def of(cls, error: BaseException) -> Self:
        """Return what is said to whoever caused an error; anything that nobody foresaw is a defect of ours."""
        if isinstance(error, TimeoutError):
            return cls.of_http(408, "the request did not come to its end in time")
        if isinstance(error, FamiliarError):
            return cls(errors.status_of(error), error.code, error.message)
        if isinstance(error, asyncio.CancelledError):
            return cls(503, Unavailable.code, "the gateway is being stopped, and waited for this as long as it could")
        return cls(500, "internal", errors.DEFECT)

    @classmethod
    def of_http(cls, status: int, message: str) -> Self:
        """Return what is said of a request that is not HTTP as it should be."""
        return cls(status, errors.http_code(status), message)

    @property
    def retryable(self) -> bool:
        """Whether the same request may succeed later."""
        return self.status == 503

    def written(self, given_id: str, *, hang_up: bool) -> tuple[Headers, bytes]:
        """Return headers and body, for a request to which its client gave an id."""
        its_id = errors.request_id(given_id)
        body = json.dumps(errors.error_body(self.code, self.message, its_id, retryable=self.retryable)).encode()
        headers = [
            (b"Content-Type", b"application/json"),
            (b"Content-Length", b"%d" % len(body)),
            (b"X-Request-Id", its_id.encode()),
            (b"X-Content-Type-Options", b"nosniff"),
            (b"Cache-Control", b"no-store"),
        ]
        if self.retryable:
            headers.append((b"Retry-After", b"%d" % RETRY_AFTER_S))
        if hang_up:
            headers.append((b"Connection", b"close"))
        return headers, body
