"""Taking requests in: the body whole, then a place in a lane, then an answer; a refusal at once where that fails."""

import asyncio
import io
import logging
import threading
import time
from collections.abc import Awaitable, Callable
from contextlib import closing, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

from familiar.errors import InvalidInput
from familiar_gateway.server import wsgi
from familiar_gateway.server.bodies import Body, ClientGone, Receive, Room
from familiar_gateway.server.certificate import Certificate
from familiar_gateway.server.lanes import Lane
from familiar_gateway.server.limits import Limits
from familiar_gateway.server.refusals import Refusal
from familiar_gateway.server.wsgi import Answer, Application, Scope
from familiar_gateway.web import doors

Send = Callable[[dict[str, Any]], Awaitable[None]]
Note = Callable[[str, int, float], None]

log = logging.getLogger(__name__)

SHORT_BYTES = 65_536
"""What a connection takes in anyway before anybody has asked for it; a body of that size is read unasked."""

TOLD_TO_WAIT = "familiar.told_to_wait"
"""What a scope says of a request that is to be repeated later."""


@dataclass(frozen=True)
class Intake:
    """An application for an ASGI server, in front of one for WSGI.

    Attributes:
        application: what answers, in the thread of a lane.
        lane_of: names the lane for a method and a path, and the most bytes that a body may have there.
        room: for the bytes of all bodies under way.
        limits: the patience with clients.
        note: called with method, status and seconds of each request that was refused here.
        stopping: set when the server is told to stop, for answers that would not end by themselves.
        certificate: what to speak TLS with, where that is spoken.
        door: the lane in which the application is asked by the head alone whether it wants a long body; what it says
            instead is the answer, and the body is thrown away unread. Without one all bodies are read.
    """

    application: Application
    lane_of: Callable[[str, str], tuple[Lane, int]]
    room: Room
    limits: Limits
    note: Note
    stopping: threading.Event
    certificate: Certificate | None = None
    door: Lane | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""
        started, heard = time.perf_counter(), False

        async def hear() -> dict[str, Any]:
            nonlocal heard
            heard = True
            return await receive()

        try:
            answer = await self._answer(scope, hear, send)
        except ClientGone:
            return
        except (Exception, asyncio.CancelledError) as exc:
            refusal = Refusal.of(exc)
            if refusal.status == 500:
                log.exception("defect in answering %s", scope["method"])
            self.note(scope["method"], refusal.status, time.perf_counter() - started)
            await self._refuse(refusal, scope, send, heard=heard)
        else:
            if answer is not None:
                await send({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
                await send({"type": "http.response.body", "body": answer.body})

    def stop(self) -> None:
        """End soon what would not end by itself."""
        self.stopping.set()
        self.room.hurry(self.limits.linger_s)

    async def _answer(self, scope: Scope, receive: Receive, send: Send) -> Answer | None:
        """Return the answer to a request; None if it has been sent already, or nobody waits for it any more."""
        lane, most_bytes = self.lane_of(scope["method"], scope["path"])
        lane.check_room()
        length = _length(scope)
        with closing(Body(self.room, length, most_bytes)) as body:
            let_in = self.door is not None and (length is None or length > SHORT_BYTES)
            if let_in and (refused := await self._ask_by_head(scope)) is not None:
                return refused
            await body.read(receive, self.limits)
            gone = asyncio.ensure_future(_hung_up(receive))
            try:
                said = wsgi.environ(scope, body.open(), body.size)
                if let_in:
                    said[doors.WANTED] = True
                pass_on = partial(self._pass_on, send, asyncio.get_running_loop(), gone)
                return await lane.run(partial(_ask, self.application, said, pass_on), unless=gone)
            finally:
                gone.cancel()

    async def _ask_by_head(self, scope: Scope) -> Answer | None:
        """Return what the application answers without having the body; None if it wants that."""
        assert self.door is not None
        said = wsgi.environ(scope, io.BytesIO(), 0)
        said[doors.HEAD_ALONE] = True
        never = asyncio.get_running_loop().create_future()
        answer = await self.door.run(partial(wsgi.ask, self.application, said), unless=never)
        if answer is None or doors.was_let_in(said):
            return None
        if b"expect" not in dict(scope["headers"]):
            return answer
        # Whoever waits to be asked for the body will not send it any more; what came next would be taken for it.
        return replace(answer, headers=[*answer.headers, (b"Connection", b"close")])

    def _pass_on(self, send: Send, loop: asyncio.AbstractEventLoop, gone: asyncio.Future[None], answer: Answer) -> None:
        """Send an answer in parts from a thread, each when the one before has left; ends when the client does."""

        def say(message: dict[str, Any]) -> None:
            asyncio.run_coroutine_threadsafe(_sent(send, message), loop).result(self.limits.write_s)

        try:
            with suppress(TimeoutError):
                say({"type": "http.response.start", "status": answer.status, "headers": answer.headers})
                for part in answer.parts or ():
                    if gone.done():
                        return
                    say({"type": "http.response.body", "body": part, "more_body": True})
                say({"type": "http.response.body", "body": b""})
        finally:
            wsgi.close(answer.parts or ())

    async def _refuse(self, refusal: Refusal, scope: Scope, send: Send, *, heard: bool) -> None:
        """Say no."""
        sent = dict(scope["headers"])
        # Whoever waits to be asked for the body will not send it any more; what came next would be taken for it.
        scope[TOLD_TO_WAIT] = refusal.retryable
        hang_up = refusal.status == 408 or (b"expect" in sent and not heard)
        headers, content = refusal.written(sent.get(b"x-request-id", b"").decode("latin-1"), hang_up=hang_up)
        await send({"type": "http.response.start", "status": refusal.status, "headers": headers})
        await send({"type": "http.response.body", "body": content})


def _ask(application: Application, said: dict[str, Any], pass_on: Callable[[Answer], None]) -> Answer | None:
    answer = wsgi.ask(application, said)
    if answer.parts is None:
        return answer
    pass_on(answer)
    return None


def _length(scope: Scope) -> int | None:
    """Return how many bytes are announced; None for a body in chunks.

    Raises:
        InvalidInput: both are, and a proxy might have understood the other one.
    """
    sent = dict(scope["headers"])
    if b"transfer-encoding" not in sent:
        return int(sent.get(b"content-length", b"0"))
    if b"content-length" in sent:
        raise InvalidInput("give Content-Length or Transfer-Encoding, not both", code="invalid_request")
    return None


async def _hung_up(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass


async def _sent(send: Send, message: dict[str, Any]) -> None:
    await send(message)
