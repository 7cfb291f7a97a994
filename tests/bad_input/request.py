"""One request that must be refused, and how its body is written."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

BOUNDARY = "familiar-boundary"
FORM = f"multipart/form-data; boundary={BOUNDARY}"
JSON = {"Content-Type": "application/json"}
NOBODY = "0123456789abcdef" * 2


@dataclass(frozen=True)
class Zeros:
    """A body of so many zero bytes that nobody should hold it in memory; ``chunked`` comes without a length."""

    length: int
    chunked: bool = False

    def parts(self) -> Iterator[bytes]:
        """Yield the body piece by piece."""
        left = self.length
        while left > 0:
            yield b"\0" * min(left, 65_536)
            left -= 65_536


@dataclass(frozen=True)
class Case:
    """One request that must be refused with one of ``statuses``, and with one of ``codes`` if any are named."""

    name: str
    method: str
    path: str
    body: bytes | Zeros = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    statuses: tuple[int, ...] = (400,)
    codes: tuple[str, ...] = ()


def form(*parts: tuple[str, str | None, bytes]) -> bytes:
    """Return a multipart body of (field, file name or None, content)."""
    pieces = []
    for name, filename, content in parts:
        file = f'; filename="{filename}"' if filename is not None else ""
        pieces.append(f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"{file}\r\n\r\n'.encode() + content)
    return b"\r\n".join(pieces) + f"\r\n--{BOUNDARY}--\r\n".encode()


def as_json(value: object) -> bytes:
    """Return a value as the body of a JSON request."""
    return json.dumps(value).encode()
