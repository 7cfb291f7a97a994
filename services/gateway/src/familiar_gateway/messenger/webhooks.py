"""Webhooks: each event is a signed POST, as the public specification Standard Webhooks has it.

The signature is made of id, time and body: whoever listens knows that it was us, that it is no recording of long ago,
and by the id whether they have had it already.
"""

import asyncio
import base64
import hashlib
import hmac
import json
import logging
import ssl
import time
from collections.abc import Sequence
from contextlib import suppress

import httpx

from familiar_gateway.messenger.instructions import Webhook
from familiar_gateway.messenger.sender import Line, Message, Result

_AT_ONCE = 4
"""Lines that are told side by side."""
_MOST_READ = 65_536
"""Of an answer so much is read, and thrown away, to ask over the same connection again."""
_REST_S = 1.0
"""So long is waited for that; some leave it open for ever."""
_ENOUGH = range(200, 300)


class WebhookSender:
    """Posts events to one address; redirects are not followed, and no proxy is asked."""

    def __init__(self, its: Webhook) -> None:
        """Take where to post to.

        Raises:
            OSError: ``ca`` cannot be read.
        """
        for name in ("httpx", "httpcore"):  # they would write down addresses, which may be secrets
            logging.getLogger(name).setLevel(logging.WARNING)
        self._its = its
        self._tls = ssl.create_default_context(cafile=its.ca)
        self._open: tuple[asyncio.Runner, httpx.AsyncClient] | None = None

    def send(self, lines: Sequence[Line], until: float) -> list[Result]:
        """Post what is on each line; several lines at once, of each one event after the other."""
        if self._open is None:
            # Deadlines are kept for a whole call, by us: theirs are for each piece of one.
            client = httpx.AsyncClient(verify=self._tls, timeout=None, follow_redirects=False, trust_env=False)
            self._open = asyncio.Runner(), client
        runner, client = self._open
        return runner.run(self._send(client, lines, until))

    def clear(self, topics: Sequence[str]) -> None:
        """Do nothing: nothing is shown."""

    def recount(self, today: object, topics: Sequence[str]) -> None:
        """Do nothing: nothing is shown."""

    def close(self) -> None:
        """Let go of all connections."""
        if self._open is not None:
            runner, client = self._open
            runner.run(client.aclose())
            runner.close()
        self._open = None

    async def _send(self, client: httpx.AsyncClient, lines: Sequence[Line], until: float) -> list[Result]:
        places = asyncio.Semaphore(_AT_ONCE)

        async def follow(line: Line) -> Result:
            async with places:
                return await self._follow(client, line, until)

        return list(await asyncio.gather(*map(follow, lines)))

    async def _follow(self, client: httpx.AsyncClient, line: Line, until: float) -> Result:
        for told, message in enumerate(line.messages):
            if time.monotonic() >= until:
                return Result(told)
            try:
                status, again_s = await self._post(client, message)
            except TimeoutError:
                return Result(told, f"no answer within {self._its.deadline_s:g} s")
            except (httpx.HTTPError, httpx.InvalidURL, OSError) as exc:
                return Result(told, _why(exc))
            if status not in _ENOUGH:
                return Result(told, f"it answered {status}", again_s)
        return Result(len(line.messages))

    async def _post(self, client: httpx.AsyncClient, message: Message) -> tuple[int, float]:
        body = json.dumps(message.body, ensure_ascii=False, separators=(",", ":")).encode()
        now = int(time.time())
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "Familiar",
            "webhook-id": message.id,
            "webhook-timestamp": str(now),
            "webhook-signature": signature(self._its.secret, message.id, now, body),
        }
        request = client.build_request("POST", self._its.address, content=body, headers=headers)
        async with asyncio.timeout(self._its.deadline_s):
            answer = await client.send(request, stream=True)
        try:
            # What became of the event is said: however the rest comes, or does not, changes nothing of that.
            with suppress(TimeoutError, httpx.HTTPError):
                async with asyncio.timeout(_REST_S):
                    await self._pass_over(answer)
        finally:
            await answer.aclose()
        asked = answer.headers.get("Retry-After", "")
        return answer.status_code, float(asked) if asked.isascii() and asked.isdigit() and len(asked) < 9 else 0.0

    async def _pass_over(self, answer: httpx.Response) -> None:
        read = 0
        async for piece in answer.aiter_raw():
            read += len(piece)
            if read > _MOST_READ:
                break


def signature(secret: bytes, event_id: str, seconds: int, body: bytes) -> str:
    """Return what shows that a body is from whoever has the secret; ``seconds`` are since 1970."""
    signed = hmac.digest(secret, f"{event_id}.{seconds}.".encode() + body, hashlib.sha256)
    return f"v1,{base64.b64encode(signed).decode()}"


def _why(exc: Exception) -> str:
    """Return what went wrong, without the address, which may be a secret."""
    if isinstance(exc, httpx.ConnectError):
        return "it cannot be reached"
    return f"the connection broke ({type(exc).__name__})"
