"""A small client of the HTTP API for tests: says what it wants, and fails with the server's own words."""

from collections.abc import Sequence
from typing import Any

import httpx


class Client:
    """One connection pool to one gateway."""

    def __init__(self, url: str, timeout_s: float = 30.0) -> None:
        self.http = httpx.Client(base_url=url, timeout=timeout_s)

    def is_ready(self) -> bool:
        """Whether every part of the system is there."""
        try:
            return self.http.get("/readyz").status_code == 200
        except httpx.HTTPError:
            return False

    def call(self, method: str, path: str, expect: int | Sequence[int] = 200, **request: Any) -> Any:
        """Send a request and return the JSON of the answer, which must have one of the expected statuses."""
        answer = self.http.request(method, path, **request)
        expected = (expect,) if isinstance(expect, int) else expect
        assert answer.status_code in expected, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json() if answer.content else None

    def recognize(self, picture: bytes) -> dict[str, Any]:
        """Ask who is in a picture."""
        return self.call("POST", "/v1/recognize", content=picture, headers={"Content-Type": "image/jpeg"})

    def first_face(self, picture: bytes) -> dict[str, Any]:
        """Return the answer for the largest face of a picture."""
        return self.recognize(picture)["faces"][0]

    def name_of(self, picture: bytes) -> str | None:
        """Return the name of the largest face of a picture, None for an unknown or a rejected one."""
        face = self.first_face(picture)
        assert (face["status"] == "known") == (face["person"] is not None)
        return face["person"]["name"] if face["person"] else None

    def enroll(self, name: str, pictures: Sequence[bytes], **fields: str) -> str:
        """Enrol somebody in one request; return the enrolment's id."""
        files = [("frames", (f"{number}.jpg", picture, "image/jpeg")) for number, picture in enumerate(pictures)]
        return self.call("POST", "/v1/enroll", 202, data={"name": name, **fields}, files=files)["id"]

    def enroll_in_doubt(self, pictures: Sequence[bytes], **fields: str) -> dict[str, Any]:
        """Try to enrol somebody in one request that ends in a question; return the error."""
        files = [("frames", (f"{number}.jpg", picture, "image/jpeg")) for number, picture in enumerate(pictures)]
        return self.call("POST", "/v1/enroll", 409, data=fields, files=files)["error"]

    def open_enrollment(self, name: str, key: str | None = None, **fields: Any) -> str:
        """Open a live enrolment; return its id."""
        headers = {"Idempotency-Key": key} if key else {}
        return self.call("POST", "/v1/enrollments", (200, 201), json={"name": name, **fields}, headers=headers)["id"]

    def add_frames(self, enrollment_id: str, pictures: Sequence[bytes]) -> dict[str, Any]:
        """Add frames to a live enrolment; return the verdicts."""
        files = [("frames", (f"{number}.jpg", picture, "image/jpeg")) for number, picture in enumerate(pictures)]
        return self.call("POST", f"/v1/enrollments/{enrollment_id}/frames", files=files)

    def finish(self, enrollment_id: str, **fields: Any) -> dict[str, Any]:
        """End a live enrolment's capture."""
        return self.call("POST", f"/v1/enrollments/{enrollment_id}/finish", 202, json=fields)

    def enrollment(self, enrollment_id: str) -> dict[str, Any]:
        """Return an enrolment as it stands."""
        return self.call("GET", f"/v1/enrollments/{enrollment_id}")

    def is_live(self, enrollment_id: str) -> bool:
        """Whether an enrolment is live; a failed one fails the test with its reason."""
        state = self.enrollment(enrollment_id)
        assert state["status"] != "failed", state
        return state["status"] == "live"
