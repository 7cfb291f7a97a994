"""Firing the cases of ``bad_input.cases`` at a server over HTTP, as clients do that do not play by the rules."""

import http.client
import json
from collections.abc import Iterator, Mapping
from typing import Any

from bad_input.request import Case, Zeros

_TIMEOUT_S = 60.0


def fire(host: str, port: int, case: Case, names: Mapping[str, str]) -> tuple[int, dict[str, Any]]:
    """Send one case and return status and body of the answer; ``names`` fill in its path.

    A server may answer before it has read all of a body, and then close: what it said counts.
    """
    path = case.path
    for name, value in names.items():
        path = path.replace("{" + name + "}", value)
    connection = http.client.HTTPConnection(host, port, timeout=_TIMEOUT_S)
    try:
        connection.putrequest(case.method, path, skip_accept_encoding=True)
        for name, value in case.headers.items():
            connection.putheader(name, value.encode("latin-1"))
        chunked = isinstance(case.body, Zeros) and case.body.chunked
        if chunked:
            connection.putheader("Transfer-Encoding", "chunked")
        else:
            connection.putheader("Content-Length", str(_length(case.body)))
        connection.endheaders()
        _send(connection, case.body, chunked=chunked)
        answer = connection.getresponse()
        return answer.status, json.loads(answer.read())
    finally:
        connection.close()


def refusal(case: Case, status: int, body: dict[str, Any]) -> str | None:
    """Return what is wrong with an answer to a case; None if it is a proper refusal."""
    if status not in case.statuses:
        return f"{case.name}: status {status}, expected {case.statuses}: {str(body)[:300]}"
    error = body.get("error", {})
    if set(error) != {"code", "message", "retryable", "request_id", "details"}:
        return f"{case.name}: not the one error body: {str(body)[:300]}"
    if case.codes and error["code"] not in case.codes:
        return f"{case.name}: code {error['code']}, expected {case.codes}"
    if len(error["message"]) <= 10 or error["retryable"]:
        return f"{case.name}: no sentence, or said to be worth another try: {error}"
    return None


def _send(connection: http.client.HTTPConnection, body: bytes | Zeros, *, chunked: bool) -> None:
    try:
        for part in _parts(body):
            connection.send(b"%x\r\n%s\r\n" % (len(part), part) if chunked else part)
        if chunked:
            connection.send(b"0\r\n\r\n")
    except (BrokenPipeError, ConnectionResetError):
        return


def _parts(body: bytes | Zeros) -> Iterator[bytes]:
    if isinstance(body, Zeros):
        yield from body.parts()
    elif body:
        yield body


def _length(body: bytes | Zeros) -> int:
    return body.length if isinstance(body, Zeros) else len(body)
