"""One connection: deadlines for everything that is waited for, and an answer to what is not HTTP."""

import asyncio
import re
import socket
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from typing import Any, cast

import h11
from uvicorn.protocols.http.h11_impl import STATUS_PHRASES, H11Protocol

from familiar_gateway.server.intake import TOLD_TO_WAIT, Intake
from familiar_gateway.server.refusals import Refusal

_PIECE_BYTES = 16_384
_MOST_FIELDS = 100
_FREE_CHUNKS = 1_000
_LEAST_CHUNK_BYTES = 256
_BLANK_LINES = re.compile(rb"(?:\r?\n)+")
_WHOLE_ADDRESS = re.compile(rb"https?://([^/?#]*)(.*)", re.IGNORECASE)
_SAID = {
    400: "this is not an HTTP request as it should be",
    414: "the address is too long",
    431: "the head of the request is too long",
}
_UNKNOWN_CODING = Refusal.of_http(400, "the body comes in a way that is not known here; send it as it is, or chunked")


class Connection(H11Protocol):
    """A connection as uvicorn serves it, except that no client can hold it up, and that every failure has a body."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what uvicorn gives a protocol."""
        super().__init__(*args, **kwargs)
        self._intake = cast(Intake, self.app)
        self._limits = self._intake.limits
        self.conn = _Parser(self._limits.head_bytes)
        self._hearing = _Patience(self.loop, self._hear_no_more)
        self._speaking = _Patience(self.loop, lambda: self.transport.abort())
        self._resting = _Patience(self.loop, self._listen_again)
        self._rest_s = self._limits.rest_s
        self._refused = False
        self._silent_since = 0.0

    @property
    def _asked(self) -> bool:
        """Whether the head of a request is here, and its answer has not left yet."""
        return self.cycle is not None and not self.cycle.response_complete

    @property
    def _waits_for_client(self) -> bool:
        """Whether the client is to say something: nothing is being done for it."""
        return not self._asked or bool(self.cycle.more_body)

    @property
    def _may_be_ended(self) -> bool:
        return self._waits_for_client and not self.transport.is_closing()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin."""
        self._take_in(transport)
        self._begin(transport)

    def _take_in(self, transport: asyncio.Transport) -> None:
        """Count a client; if there are too many, that one's connection ends who has been waited for the longest."""
        self.transport = transport
        self.connections.add(self)
        # The head of an answer and its body leave one after the other; neither is to wait for the other's receipt.
        transport.get_extra_info("socket").setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._silent_since = time.monotonic()
        self._hearing.begin(self._limits.head_s)
        if len(self.connections) > self._limits.connections:
            silent = [each for each in self.connections if isinstance(each, Connection) and each._may_be_ended]
            min(silent, key=lambda each: each._silent_since).transport.abort()

    def _begin(self, transport: asyncio.Transport) -> None:
        """Speak HTTP from now on."""
        super().connection_made(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        self._hearing.end()
        self._speaking.end()
        self._resting.end()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Take what came. The head of a request has to be whole in its time, however often something comes of it."""
        if not self._asked and not self._hearing.begun:
            self._silent_since = time.monotonic()
            self._hearing.begin(self._limits.head_s)
        for start in range(0, len(data), _PIECE_BYTES):
            # What follows the last request of a connection is of no concern.
            if self._refused or self.conn.their_state is h11.MUST_CLOSE:
                return
            super().data_received(data[start : start + _PIECE_BYTES])
        if self._asked and not self._refused:
            self._hearing.end()

    def eof_received(self) -> bool:  # type: ignore[override]
        """Go on answering a client that ends its side when it has sent its request, and refuse half of one."""
        if self._refused or (not self._asked and not self.conn.trailing_data[0]):
            return False
        if self._waits_for_client:
            self._refuse(Refusal.of_http(400, "the request ended before it was whole"))
            return False
        self.cycle.keep_alive = False
        return True

    def pause_writing(self) -> None:
        """Wait for the client to take what it was sent, for a time."""
        super().pause_writing()
        self._speaking.begin(self._limits.write_s)

    def resume_writing(self) -> None:
        """Go on."""
        super().resume_writing()
        if not self.transport.is_closing():
            self._speaking.end()

    def on_response_complete(self) -> None:
        """Wait for the next request, or for the client to take the last answer."""
        self._silent_since = time.monotonic()
        if self.transport.is_closing():
            self._speaking.begin(self._limits.write_s)
        elif self.scope.get(TOLD_TO_WAIT):
            self.flow.pause_reading()
            self._resting.begin(self._rest_s)
            self._rest_s = min(2 * self._rest_s, self._limits.longest_rest_s)
        else:
            self._rest_s = self._limits.rest_s
            super().on_response_complete()

    def shutdown(self) -> None:
        """End as soon as what is under way has been answered."""
        self._intake.stop()
        super().shutdown()

    def send_400_response(self, msg: str) -> None:
        """Answer what could not be read as HTTP; uvicorn calls this while it handles the error of h11."""
        error = sys.exception()
        status = error.error_status_hint if isinstance(error, h11.RemoteProtocolError) else 400
        if status == 501:  # nothing of ours is missing that a later try might find, as a 5xx would say
            self._refuse(_UNKNOWN_CODING)
            return
        if status == 431 and self._asked:
            status = 400  # not the head was too long, but what stands before a chunk or after the last
        elif status == 431 and (unread := self.conn.trailing_data[0]) and b"\n" not in unread:
            status = 414
        self._refuse(Refusal.of_http(status, _SAID.get(status, msg)))

    def _listen_again(self) -> None:
        super().on_response_complete()

    def _refuse(self, refusal: Refusal) -> None:
        """Say why this is the end, and stay for a moment, for what still comes could keep the answer from arriving."""
        self._refused = True
        self._hearing.begin(self._limits.linger_s)
        if self.conn.our_state not in (h11.IDLE, h11.SEND_RESPONSE):
            self.transport.close()  # in the middle of an answer, or behind it
            return
        if self._asked:  # whoever waits for the body need not, and nobody would hear what it said
            self.cycle.disconnected = True
            self.cycle.message_event.set()
        self._intake.note("other", refusal.status, 0.0)
        headers, body = refusal.written("", hang_up=True)
        events = (
            h11.Response(status_code=refusal.status, headers=headers, reason=STATUS_PHRASES[refusal.status]),
            h11.Data(data=body),
            h11.EndOfMessage(),
        )
        self.transport.write(b"".join(self.conn.send(event) or b"" for event in events))
        if self.transport.can_write_eof():  # with TLS it cannot
            with suppress(OSError):  # it has gone meanwhile
                self.transport.write_eof()
        self.flow.resume_reading()

    def _hear_no_more(self) -> None:
        if self._refused or self.conn.their_state is not h11.IDLE or not self.conn.trailing_data[0]:
            self.transport.abort()
        else:
            self._refuse(Refusal.of(TimeoutError()))


class _Patience:
    """A deadline that may be set and lifted."""

    def __init__(self, loop: asyncio.AbstractEventLoop, when_over: Callable[[], None]) -> None:
        self._loop = loop
        self._when_over = when_over
        self._timer: asyncio.TimerHandle | None = None

    @property
    def begun(self) -> bool:
        return self._timer is not None

    def begin(self, seconds: float) -> None:
        self.end()
        self._timer = self._loop.call_later(seconds, self._over)

    def end(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _over(self) -> None:
        self._timer = None
        self._when_over()


class _Parser(h11.Connection):
    """Refuses what takes much more time to read than to send: heads of many fields, and bodies cut into crumbs.

    Of what HTTP wants to be understood, it adds what h11 does not: blank lines before a request, and whole addresses.
    """

    def __init__(self, head_bytes: int) -> None:
        super().__init__(h11.SERVER, head_bytes)
        self._chunks = 0
        self._bytes = 0

    def next_event(self) -> Any:
        if self.their_state is h11.IDLE and not self._skip_blank_lines():
            return h11.NEED_DATA
        event = super().next_event()
        if isinstance(event, h11.Request):
            self._chunks = self._bytes = 0
            if len(event.headers) > _MOST_FIELDS:
                raise h11.RemoteProtocolError("too many fields", error_status_hint=431)
            return _by_path(event)
        if isinstance(event, h11.Data):
            self._chunks += event.chunk_start
            self._bytes += len(event.data)
            if self._chunks > _FREE_CHUNKS + self._bytes / _LEAST_CHUNK_BYTES:
                raise h11.RemoteProtocolError("the chunks are too small")
        return event

    def _skip_blank_lines(self) -> bool:
        """Leave out the ends of lines that some clients send behind a body; False if one has come by half."""
        unread, _ = self.trailing_data
        blank = _BLANK_LINES.match(unread)
        if blank is not None:
            self._receive_buffer.maybe_extract_at_most(blank.end())
        return unread[blank.end() if blank else 0 :] != b"\r"


def _by_path(request: h11.Request) -> h11.Request:
    """Return a request that names a whole address (``GET http://host/path``) as one for its path at that host.

    What ``Host`` says beside it does not count, so that whoever looks at the host finds the one that is asked.
    """
    match = _WHOLE_ADDRESS.fullmatch(request.target)
    if match is None:
        return request
    if not match[1]:
        raise h11.RemoteProtocolError("an address without a host")
    others = [(name, value) for name, value in request.headers if name != b"host"]
    target = match[2] if match[2].startswith(b"/") else b"/" + match[2]
    headers = [(b"host", match[1]), *others]
    return h11.Request(method=request.method, headers=headers, target=target, http_version=request.http_version)
