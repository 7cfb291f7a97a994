"""Bodies: all that a client sends beside the head of its request, whole before anybody looks at it."""

import asyncio
import io
import tempfile
from collections.abc import Awaitable, Callable
from typing import IO, Any

from familiar.errors import Busy, TooLarge, Unavailable
from familiar_gateway.server.limits import Limits

Receive = Callable[[], Awaitable[dict[str, Any]]]

_PIECE_BYTES = 262_144
"""Less than this stays in memory; more is written to disk, under no name, in pieces of this size."""
_WAIT_FOR_ROOM_S = 2.0
_FAST_BYTES_PER_S = 1_000_000


class ClientGone(Exception):
    """The client has hung up; there is nobody to answer."""


class Room:
    """The room on disk for all bodies under way.

    Where it gets scarce, what is left is for those that began first and come fast, so that some come to their end; the
    others are not read for a while. If it is full all the same, whoever sends the slowest gives way.
    """

    def __init__(self, most_bytes: int) -> None:
        """Have room for so many bytes."""
        self._most = most_bytes
        self._taken = 0
        self._freed = asyncio.Event()
        self._coming: dict[Body, None] = {}  # in the order in which they began

    def begin(self, body: "Body") -> None:
        """Note that a body has begun to come."""
        self._coming[body] = None

    def finish(self, body: "Body") -> None:
        """Note that a body has come, or will not."""
        self._coming.pop(body, None)
        self._freed.set()

    async def take(self, size: int, body: "Body") -> None:
        """Wait for room for ``size`` more bytes of a body.

        Raises:
            Busy: there is none, and nobody who could give way.
        """
        loop = asyncio.get_running_loop()
        give_up_at = loop.time() + _WAIT_FOR_ROOM_S
        while self._most - self._taken - size < self._kept_for_others(body, loop.time()):
            self._freed.clear()
            try:
                async with asyncio.timeout_at(give_up_at):
                    await self._freed.wait()
            except TimeoutError:
                self._have_others_give_way(size, body, loop.time())
                break
        self._taken += size

    def give_back(self, size: int) -> None:
        """Have so many bytes less."""
        self._taken -= size
        self._freed.set()

    def hurry(self, seconds: float) -> None:
        """Give what is still coming this long and no longer."""
        for body in self._coming:
            body.hurry(seconds)

    def _kept_for_others(self, body: "Body", now: float) -> int:
        kept = 0
        for other in self._coming:
            if other is body:
                break
            if other.written and other.speed(now) >= _FAST_BYTES_PER_S:
                kept += other.still_to_come
        return kept

    def _have_others_give_way(self, size: int, body: "Body", now: float) -> None:
        holding = [each for each in self._coming if each is not body and each.written]
        for slowest in sorted(holding, key=lambda each: each.speed(now)):
            if self._taken + size <= self._most:
                return
            slowest.give_way()
        if self._taken + size > self._most:
            raise Busy("too much is being sent at once; try again in a moment")


class Body:
    """The body of one request, read whole; in memory if it is small, on disk otherwise."""

    def __init__(self, room: Room, length: int | None, most_bytes: int) -> None:
        """Expect ``length`` bytes, None if nobody has said how many, and ``most_bytes`` at most.

        Raises:
            TooLarge: these are too many.
        """
        self.size = 0
        self.written = 0
        self._expected = most_bytes if length is None else length
        self._most_bytes = most_bytes
        self._room = room
        self._piece = bytearray()
        self._file: IO[bytes] | None = None
        self._patience = asyncio.timeout(None)
        self._begun = 0.0
        self._gave_way = False
        self._check(self._expected)

    @property
    def still_to_come(self) -> int:
        """How many bytes are expected beside those that have come."""
        return max(self._expected - self.size, 0)

    async def read(self, receive: Receive, limits: Limits) -> None:
        """Read until the end.

        Raises:
            TooLarge: it has too many bytes.
            TimeoutError: it does not come in time.
            Busy: it was given up for others, or there is no room for it.
            Unavailable: it cannot be written.
            ClientGone: the client hung up.
        """
        self._begun = asyncio.get_running_loop().time()
        self._patience = asyncio.timeout(limits.body_s)
        self._room.begin(self)
        try:
            async with self._patience:
                while await self._read_on(receive):
                    if not self._gave_way:
                        allowed_s = limits.body_s + self.size / limits.slowest_bytes_per_s
                        self._patience.reschedule(self._begun + allowed_s)
        except TimeoutError:
            if self._gave_way:
                raise Busy("others needed the room that this took; try again in a moment") from None
            raise
        finally:
            self._room.finish(self)

    def speed(self, now: float) -> float:
        """Return how many bytes a second have come, by the loop's clock."""
        return self.size / max(now - self._begun, 0.001)

    def give_way(self) -> None:
        """End the reading, and leave the room to others at once."""
        self._gave_way = True
        self.hurry(0.0)
        self._leave()

    def hurry(self, seconds: float) -> None:
        """Let the reading go on for so long at most."""
        soon, when = asyncio.get_running_loop().time() + seconds, self._patience.when()
        if when is not None and when > soon and not self._patience.expired():
            self._patience.reschedule(soon)

    def open(self) -> IO[bytes]:
        """Return the whole, to read from its beginning."""
        if self._file is None:
            return io.BytesIO(self._piece)
        self._file.seek(0)
        return self._file

    def close(self) -> None:
        """Throw it away."""
        self._leave()
        if self._file is not None:
            self._file.close()

    async def _read_on(self, receive: Receive) -> bool:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientGone
        data, more = message.get("body", b""), bool(message.get("more_body", False))
        self.size += len(data)
        self._check(self.size)
        self._piece += data
        if len(self._piece) > _PIECE_BYTES or (self._file is not None and not more):
            await self._write_piece()
        return more

    async def _write_piece(self) -> None:
        """Write what has gathered, beside the loop, for a disk may take its time."""
        await self._room.take(len(self._piece), self)
        self.written += len(self._piece)
        try:
            if self._file is None:
                self._file = tempfile.TemporaryFile()  # noqa: SIM115 - closed by close
            await asyncio.to_thread(self._file.write, bytes(self._piece))
        except OSError as exc:
            raise Unavailable(f"there is no room on disk for what was sent: {exc.strerror}") from exc
        self._piece.clear()

    def _check(self, size: int) -> None:
        if size > self._most_bytes:
            raise TooLarge(f"the body is too large; at most {self._most_bytes} bytes are taken here")

    def _leave(self) -> None:
        self._room.give_back(self.written)
        self.written = 0
