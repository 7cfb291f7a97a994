"""A connection over TLS: whoever stalls in the handshake is waited for no longer than for the head of a request."""

import asyncio
from contextlib import suppress
from typing import Any

from familiar_gateway.server.certificate import Certificate
from familiar_gateway.server.connection import Connection


class SecureConnection(Connection):
    """A connection that begins with a handshake.

    From its opening on it counts among the connections and has a deadline, as one that begins with HTTP; asyncio's own
    way to listen with TLS knows of a client only when its handshake is over, a minute later if it likes.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        """Take what uvicorn gives a protocol."""
        super().__init__(*args, **kwargs)
        assert self._intake.certificate is not None
        self._certificate: Certificate = self._intake.certificate
        self._handshake: asyncio.Task[None] | None = None
        self._early: list[bytes] = []

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to shake hands."""
        transport.pause_reading()  # until somebody is there who understands what comes
        self._take_in(transport)
        self._handshake = self.loop.create_task(self._shake_hands(transport))

    def data_received(self, data: bytes) -> None:
        """Take what came; with the last words of a handshake it comes before that is known to be over."""
        if self._handshake is None:
            super().data_received(data)
        else:
            self._early.append(data)

    def eof_received(self) -> bool:  # type: ignore[override]
        """End: with TLS no side goes on alone, as asyncio speaks it."""
        if self._handshake is None:
            super().eof_received()
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        """End."""
        if self._handshake is not None:
            self._handshake.cancel()
        super().connection_lost(exc)

    async def _shake_hands(self, transport: asyncio.Transport) -> None:
        secured = None
        with suppress(OSError):  # it speaks something else, is too slow, or gone: nobody to be told more than TLS says
            secured = await self.loop.start_tls(
                transport,
                self,
                self._certificate.context,
                server_side=True,
                ssl_handshake_timeout=self._limits.head_s,
                ssl_shutdown_timeout=self._limits.linger_s,
            )
        self._handshake = None
        if secured is None:  # also where it was ended from here
            transport.abort()
            super().connection_lost(None)
            return
        self._begin(secured)
        for data in self._early:
            super().data_received(data)
        self._early.clear()
