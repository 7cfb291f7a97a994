"""The server as the client sees it: one short function per call, every call with a deadline, repeated where it is safe.

All of them are safe to repeat: recognising changes nothing, opening carries an Idempotency-Key, a frame sent twice gets
the same verdict twice, and ending or discarding what is ended or gone changes nothing.
"""

import random
import ssl
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import httpx

from familiar_camera.address import masked
from familiar_camera.backoff import Backoff
from familiar_camera.errors import Refused, ServerAway, WrongServer
from familiar_camera.trust import doubt

TIMEOUT_S = 30.0
_CONNECT_TIMEOUT_S = 5.0

_PAGE = 1000
_BUSY = frozenset({408, 425, 429, 502, 503, 504})

Answer = dict[str, Any]
OnWait = Callable[[str, float], None]
"""Called with (why, seconds) before each wait."""


class Server:
    """Familiar's gateway at a URL."""

    def __init__(
        self,
        url: str,
        backoff: Backoff = Backoff(),
        *,
        key: str | None = None,
        camera: str | None = None,
        on_wait: OnWait = lambda _why, _seconds: None,
        sleep: Callable[[float], None] = time.sleep,
        ca: Path | None = None,
        transport: httpx.BaseTransport | None = None,
    ) -> None:
        """Prepare to talk to the server, and to show it a key if there is one; nothing is sent yet.

        ``camera`` is the name of the camera before which the pictures are taken.
        ``ca`` is a file with the root certificate (PEM) to believe for https; None for those that this machine trusts.

        Raises:
            WrongServer: ``url`` is not one of a server, or ``ca`` no such file.
        """
        self.url = _checked(url)
        self.shown = masked(self.url)
        self._backoff = backoff
        self._on_wait = on_wait
        self._sleep = sleep
        self._taken_by = {} if camera is None else {"camera": camera}
        self._chance = random.Random()
        self._http = httpx.Client(
            base_url=self.url,
            timeout=httpx.Timeout(TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
            headers={"User-Agent": "familiar-camera", **({"Authorization": f"Bearer {key}"} if key else {})},
            verify=_trust(ca),
            transport=transport,
        )

    def close(self) -> None:
        """Close the connections."""
        self._http.close()

    def recognize(self, jpeg: bytes) -> Answer:
        """Ask who is in a picture."""
        headers = {"Content-Type": "image/jpeg"}
        return self._call("POST", "/v1/recognize", content=jpeg, headers=headers, params=self._taken_by)

    def open_enrollment(
        self, key: str, *, name: str | None, person_id: str | None = None, allow_same_name: bool = False
    ) -> Answer:
        """Open a capture, or find again the one that was opened with ``key``."""
        body = {"name": name, "person_id": person_id, "allow_same_name": allow_same_name or None}
        given = {field: value for field, value in body.items() if value is not None}
        return self._call("POST", "/v1/enrollments", json=given, headers={"Idempotency-Key": key})

    def send_frames(self, enrollment_id: str, jpegs: Sequence[bytes]) -> Answer:
        """Send frames of a capture; the answer has a verdict for each."""
        files = [("frames", (f"{number}.jpg", jpeg, "image/jpeg")) for number, jpeg in enumerate(jpegs)]
        return self._call("POST", f"/v1/enrollments/{enrollment_id}/frames", files=files)

    def finish(self, enrollment_id: str, answers: Mapping[str, str]) -> Answer:
        """End a capture and have it learned; ``answers`` are fields that say beforehand what would be asked."""
        return self._call("POST", f"/v1/enrollments/{enrollment_id}/finish", json=dict(answers))

    def enrollment(self, enrollment_id: str) -> Answer:
        """Ask how an enrolment stands."""
        return self._call("GET", f"/v1/enrollments/{enrollment_id}")

    def discard(self, enrollment_id: str) -> None:
        """Give up a capture that has not been ended; asked once only, for nobody waits for the answer."""
        try:
            self._call("DELETE", f"/v1/enrollments/{enrollment_id}", Backoff(patience_s=0))
        except Refused as exc:
            if exc.status != httpx.codes.NOT_FOUND:
                raise

    def people(self) -> list[Answer]:
        """List everybody enrolled."""
        found: list[Answer] = []
        while True:
            page = self._call("GET", "/v1/people", params={"limit": _PAGE, "offset": len(found)})
            found += page["people"]
            if not page["people"] or len(found) >= page["total"]:
                return found

    def forget(self, person_id: str) -> None:
        """Delete somebody, who is unknown from the next frame on; a person already gone is no error."""
        try:
            self._call("DELETE", f"/v1/people/{person_id}")
        except Refused as exc:
            if exc.status != httpx.codes.NOT_FOUND:
                raise

    def begin_photos(self, name: str) -> Answer:
        """Begin to send photos; of one that is begun twice, after a crash, nothing is in the other."""
        return self._call("POST", "/v1/photos", json={"upload": name})

    def photo_job(self, job_id: str) -> Answer:
        """Ask how a photo job stands."""
        return self._call("GET", f"/v1/photos/{job_id}")

    def send_photo(self, job_id: str, path: str, data: bytes) -> Answer:
        """Have a picture looked at; ``code`` in the answer says why it could not be."""
        headers = {"Content-Type": "application/octet-stream"}
        return self._call("POST", f"/v1/photos/{job_id}/pictures", content=data, headers=headers, params={"path": path})

    def resume_photos(self, job_id: str) -> Answer:
        """Have a photo job gone on with; of one that is under way already, ask how it stands."""
        try:
            return self._call("POST", f"/v1/photos/{job_id}/resume")
        except Refused as exc:
            if exc.code != "photo_job_running":
                raise
            return self.photo_job(job_id)

    def people_on_photos(self, job_id: str) -> Answer:
        """Ask who is on the pictures of a photo job: ``people`` and ``strangers``, a thousand of each at most."""
        return self._call("GET", f"/v1/photos/{job_id}/people", params={"limit": _PAGE})

    def photo_results(self, job_id: str) -> bytes:
        """Fetch links, sidecars and the table of a photo job, as a ZIP."""
        response = self._ask("GET", f"/v1/photos/{job_id}/results.zip")
        if not response.is_success:
            self._answer(response, "the results")
        return response.content

    def _call(self, method: str, path: str, backoff: Backoff | None = None, **request: Any) -> Answer:
        """Send a request, again and again while the server is away or busy, and return what it answers.

        Raises:
            Refused: the server understood and said no.
            ServerAway: it did not come back in time.
            WrongServer: it is not Familiar.
        """
        return self._answer(self._ask(method, path, backoff, **request), f"{method} {path}")

    def _ask(self, method: str, path: str, backoff: Backoff | None = None, **request: Any) -> httpx.Response:
        first_failure: float | None = None
        attempt = 0
        while True:
            try:
                response = self._http.request(method, path, **request)
            except httpx.TransportError as exc:
                if (why := doubt(exc)) is not None:
                    raise WrongServer(
                        f"{self.shown} cannot be trusted ({why}); --ca names the file of its root "
                        "certificate, and the address must be one that its certificate has"
                    ) from exc
                why, at_least_s = f"{self.shown} does not answer ({_reason(exc)})", 0.0
            else:
                if not _is_busy(response):
                    return response
                why = f"{self.shown} is not ready ({_message(response)})"
                at_least_s = _retry_after_s(response)
            now = time.monotonic()
            first_failure = now if first_failure is None else first_failure
            wait_s = (backoff or self._backoff).wait_s(attempt, now - first_failure, at_least_s, self._chance)
            if wait_s is None:
                raise ServerAway(f"{why}; is it running? --wait gives it more time, --server names another address")
            self._on_wait(why, wait_s)
            self._sleep(wait_s)
            attempt += 1

    def _answer(self, response: httpx.Response, request: str) -> Answer:
        if response.has_redirect_location and (elsewhere := response.headers["Location"]).startswith("https://"):
            raise WrongServer(f"{self.shown} is reached by https; ask {httpx.URL(elsewhere).copy_with(raw_path=b'/')}")
        body = _json(response)
        if response.is_success and (body is not None or response.status_code == httpx.codes.NO_CONTENT):
            return body or {}
        error = (body or {}).get("error")
        if response.is_success or not isinstance(error, dict):
            status = f"{response.status_code} {response.reason_phrase}"
            raise WrongServer(f"{self.shown} is not Familiar: it answers {request} with {status}")
        details = error.get("details")
        hint = " (--key-file, or FAMILIAR_KEY)" if response.status_code == httpx.codes.UNAUTHORIZED else ""
        raise Refused(
            response.status_code,
            str(error.get("code", "")),
            str(error.get("message", "")) + hint,
            details if isinstance(details, dict) else {},
        )


def _checked(url: str) -> str:
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError) as exc:
        raise WrongServer(f"{masked(url)!r} is not an address: {exc}") from exc
    if parsed.scheme not in ("http", "https") or not parsed.host:
        raise WrongServer(f"{masked(url)!r} is not an address: http://HOST:PORT expected")
    return url.rstrip("/")


def _trust(ca: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca)
    except OSError as exc:
        raise WrongServer(f"{ca} has no certificate to believe: {exc}") from exc


def _is_busy(response: httpx.Response) -> bool:
    """Whether the same request may succeed later: the server says so itself, or a proxy before it does."""
    error = (_json(response) or {}).get("error")
    if isinstance(error, Mapping) and "retryable" in error:
        return bool(error["retryable"]) or response.status_code == httpx.codes.TOO_MANY_REQUESTS
    return response.status_code in _BUSY


def _json(response: httpx.Response) -> Answer | None:
    try:
        body = response.json()
    except ValueError:
        return None
    return body if isinstance(body, dict) else None


def _message(response: httpx.Response) -> str:
    error = (_json(response) or {}).get("error")
    if isinstance(error, Mapping) and error.get("message"):
        return str(error["message"])
    return f"{response.status_code} {response.reason_phrase}".strip()


def _retry_after_s(response: httpx.Response) -> float:
    text = response.headers.get("Retry-After", "")
    return float(text) if text.isdigit() else 0.0


def _reason(exc: httpx.TransportError) -> str:
    if isinstance(exc, httpx.ConnectTimeout):
        return f"no connection within {_CONNECT_TIMEOUT_S:.0f} s"
    if isinstance(exc, httpx.TimeoutException):
        return f"no answer within {TIMEOUT_S:.0f} s"
    return str(exc).lower() or type(exc).__name__
