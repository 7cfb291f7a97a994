"""Messages between the trainer and the process that tries out exports: a JSON header and a body of bytes."""

from __future__ import annotations

import json
import socket
import struct
import time
from typing import Any

_LENGTHS = struct.Struct("<II")
MAX_BODY_BYTES = 1 << 30


class ChannelClosed(Exception):
    """The other side is gone."""


class Channel:
    """One end of a stream socket on which both sides send whole messages in turn."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def send(self, header: dict[str, Any], body: bytes = b"", *, timeout_s: float | None = None) -> None:
        """Send one message; ChannelClosed if nobody reads it any more, TimeoutError if it takes too long."""
        text = json.dumps(header).encode()
        self._connection.settimeout(timeout_s)
        try:
            self._connection.sendall(_LENGTHS.pack(len(text), len(body)) + text + body)
        except (BrokenPipeError, ConnectionResetError) as error:
            raise ChannelClosed from error

    def receive(self, *, timeout_s: float | None = None) -> tuple[dict[str, Any], bytes]:
        """Wait for one message; ChannelClosed at the end of the stream, TimeoutError if it takes too long."""
        deadline = None if timeout_s is None else time.monotonic() + timeout_s
        text_bytes, body_bytes = _LENGTHS.unpack(self._exactly(_LENGTHS.size, deadline))
        if text_bytes + body_bytes > MAX_BODY_BYTES:
            raise ChannelClosed
        header = json.loads(self._exactly(text_bytes, deadline))
        return header, self._exactly(body_bytes, deadline)

    def close(self) -> None:
        """Close this end; the other side reads the end of the stream."""
        self._connection.close()

    def _exactly(self, size_bytes: int, deadline: float | None) -> bytes:
        chunks = bytearray()
        while len(chunks) < size_bytes:
            left_s = None if deadline is None else deadline - time.monotonic()
            if left_s is not None and left_s <= 0:
                raise TimeoutError
            self._connection.settimeout(left_s)
            try:
                chunk = self._connection.recv(min(size_bytes - len(chunks), 1 << 20))
            except ConnectionResetError as error:
                raise ChannelClosed from error
            if not chunk:
                raise ChannelClosed
            chunks += chunk
        return bytes(chunks)
