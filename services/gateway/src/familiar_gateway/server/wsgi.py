"""Calling a WSGI application with a request that is there as a whole."""

import sys
from collections.abc import Callable, Iterable, MutableMapping
from dataclasses import dataclass
from typing import IO, Any
from urllib.parse import unquote_to_bytes

Scope = MutableMapping[str, Any]
Headers = list[tuple[bytes, bytes]]
Application = Callable[[dict[str, Any], Callable[..., Any]], Iterable[bytes]]

_PLAIN = {b"content-type": "CONTENT_TYPE"}
_REPLACED = frozenset({b"content-length", b"transfer-encoding"})


@dataclass(frozen=True)
class Answer:
    """The beginning of an answer, and its whole body, or its parts that are still to come."""

    status: int
    headers: Headers
    body: bytes
    parts: Iterable[bytes] | None = None


def environ(scope: Scope, body: IO[bytes], size: int) -> dict[str, Any]:
    """Return what WSGI says of a request; nothing but its own headers is taken from it, each as ``HTTP_...``.

    Names with an underscore are left out: WSGI could not tell ``X_Forwarded_For`` from ``X-Forwarded-For``, of which a
    proxy in front knows the latter only.
    """
    server, client = scope.get("server") or ("localhost", 0), scope.get("client") or ("", 0)
    said: dict[str, Any] = {
        "REQUEST_METHOD": scope["method"],
        "SCRIPT_NAME": "",
        "PATH_INFO": unquote_to_bytes(scope["raw_path"]).decode("latin-1"),
        "QUERY_STRING": scope["query_string"].decode("latin-1"),
        "SERVER_NAME": server[0],
        "SERVER_PORT": str(server[1]),
        "SERVER_PROTOCOL": f"HTTP/{scope['http_version']}",
        "REMOTE_ADDR": client[0],
        "wsgi.version": (1, 0),
        "wsgi.url_scheme": scope["scheme"],
        "wsgi.input": body,
        "wsgi.input_terminated": True,
        "wsgi.errors": sys.stderr,
        "wsgi.multithread": True,
        "wsgi.multiprocess": True,
        "wsgi.run_once": False,
    }
    sent_a_body = False
    for name, value in scope["headers"]:
        if name in _REPLACED:
            sent_a_body = True
        elif b"_" not in name:
            key = _PLAIN.get(name) or f"HTTP_{name.decode('latin-1').upper().replace('-', '_')}"
            text = value.decode("latin-1")
            said[key] = f"{said[key]},{text}" if key in said else text
    if sent_a_body:
        said["CONTENT_LENGTH"] = str(size)  # counted, and known also of what came in chunks
    return said


def ask(application: Application, said: dict[str, Any]) -> Answer:
    """Return what the application answers; a body whose length it does not tell comes in parts."""
    begun: list[tuple[int, Headers]] = []

    def start_response(status: str, headers: Iterable[tuple[str, str]], _exc_info: Any = None) -> Callable[..., Any]:
        encoded = [(name.encode("latin-1"), value.encode("latin-1")) for name, value in headers]
        begun[:] = [(int(status[:3]), encoded)]
        return _no_write

    parts = application(said, start_response)
    if begun and not any(name.lower() == b"content-length" for name, _ in begun[0][1]):
        return Answer(*begun[0], b"", parts)
    try:
        body = b"".join(parts)
    finally:
        close(parts)
    return Answer(*begun[0], body)


def close(parts: Iterable[bytes]) -> None:
    """End the parts of an answer, whether or not all of them were taken."""
    end = getattr(parts, "close", None)
    if end is not None:
        end()


def _no_write(_data: bytes) -> None:
    raise NotImplementedError("the application returns its body")
