"""Bodies have a bounded room on disk: some come to their end, and whoever is slow gives way."""

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from familiar.errors import Busy, TooLarge, Unavailable
from familiar_gateway.server import Limits, Room, bodies
from familiar_gateway.server.bodies import Body, ClientGone

MB = 1_000_000
LIMITS = Limits(body_s=60.0)
MOST = 100 * MB


class Sender:
    """A client whose parts come when they are asked for, as far as they have been sent."""

    def __init__(self) -> None:
        self._messages: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    def send(self, size: int, *, more: bool = True) -> "Sender":
        while size > 65_536:
            self._messages.put_nowait({"type": "http.request", "body": bytes(65_536), "more_body": True})
            size -= 65_536
        self._messages.put_nowait({"type": "http.request", "body": bytes(size), "more_body": more})
        return self

    def hang_up(self) -> None:
        self._messages.put_nowait({"type": "http.disconnect"})

    async def receive(self) -> dict[str, Any]:
        return await self._messages.get()


def in_a_loop(test: Callable[[], Coroutine[Any, Any, None]]) -> None:
    asyncio.run(asyncio.wait_for(test(), 30))


async def until(true: Callable[[], bool]) -> None:
    while not true():
        await asyncio.sleep(0.002)


@pytest.fixture(autouse=True)
def _short_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bodies, "_WAIT_FOR_ROOM_S", 0.2)


@pytest.mark.parametrize("size", [0, 1, 262_144, 262_145, 5 * MB])
def test_a_body_is_kept_whole_in_memory_or_on_disk(size: int):
    async def test() -> None:
        body = Body(Room(10 * MB), None, MOST)
        await body.read(Sender().send(size, more=False).receive, LIMITS)
        assert body.size == size and body.open().read() == bytes(size)
        assert body.written == (size if size > 262_144 else 0)
        body.close()
        assert body.written == 0

    in_a_loop(test)


def test_more_than_is_taken_is_refused_as_soon_as_it_is_known():
    async def test() -> None:
        with pytest.raises(TooLarge):
            Body(Room(10 * MB), 1001, 1000)
        with pytest.raises(TooLarge):
            await Body(Room(10 * MB), None, 1000).read(Sender().send(1001).receive, LIMITS)

    in_a_loop(test)


def test_a_client_that_hangs_up_and_one_that_says_no_more_are_told_apart():
    async def test() -> None:
        sender = Sender().send(5)
        sender.hang_up()
        with pytest.raises(ClientGone):
            await Body(Room(10 * MB), 100, MOST).read(sender.receive, LIMITS)
        with pytest.raises(TimeoutError):
            await Body(Room(10 * MB), 100, MOST).read(Sender().send(5).receive, Limits(body_s=0.05))

    in_a_loop(test)


def test_of_many_that_would_fill_the_room_together_all_come_to_their_end():
    async def test() -> None:
        room = Room(20 * MB)

        async def one() -> None:
            body = Body(room, 9 * MB, MOST)
            try:
                await body.read(Sender().send(9 * MB, more=False).receive, LIMITS)
                assert len(body.open().read()) == 9 * MB
            finally:
                body.close()

        await asyncio.gather(*(one() for _ in range(8)))

    in_a_loop(test)


def test_whoever_is_slow_gives_way_to_one_that_finds_no_room():
    async def test() -> None:
        room = Room(20 * MB)
        slow, slower = Sender().send(9 * MB), Sender().send(8 * MB)
        held = [Body(room, 10 * MB, MOST), Body(room, 10 * MB, MOST)]
        reading = [asyncio.create_task(body.read(sender.receive, LIMITS)) for body, sender in
                   zip(held, (slow, slower), strict=True)]  # fmt: skip
        await until(lambda: held[0].size >= 9 * MB and held[1].size >= 8 * MB)
        await asyncio.sleep(0.01)
        quick = Body(room, 9 * MB, MOST)
        await quick.read(Sender().send(9 * MB, more=False).receive, LIMITS)
        with pytest.raises(Busy):
            await reading[1]
        assert not reading[0].done()  # one was enough
        reading[0].cancel()
        for body in (*held, quick):
            body.close()

    in_a_loop(test)


def test_where_nobody_can_give_way_the_answer_is_busy_and_small_ones_need_no_room():
    async def test() -> None:
        room = Room(10 * MB)
        there = Body(room, 9 * MB, MOST)
        await there.read(Sender().send(9 * MB, more=False).receive, LIMITS)
        late = Body(room, 5 * MB, MOST)
        with pytest.raises(Busy):
            await late.read(Sender().send(5 * MB, more=False).receive, LIMITS)
        late.close()
        small = Body(room, 200_000, MOST)
        await small.read(Sender().send(200_000, more=False).receive, LIMITS)
        there.close()
        again = Body(room, 5 * MB, MOST)
        await again.read(Sender().send(5 * MB, more=False).receive, LIMITS)
        again.close()

    in_a_loop(test)


def test_one_that_waits_for_room_is_let_in_as_soon_as_there_is_some(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(bodies, "_WAIT_FOR_ROOM_S", 3_600.0)

    async def test() -> None:
        room = Room(10 * MB)
        there = Body(room, 9 * MB, MOST)
        await there.read(Sender().send(9 * MB, more=False).receive, LIMITS)
        late = Body(room, 5 * MB, MOST)
        reading = asyncio.create_task(late.read(Sender().send(5 * MB, more=False).receive, LIMITS))
        await until(lambda: late.written > 0)
        there.close()
        await reading
        late.close()

    in_a_loop(test)


def test_a_stop_hurries_what_is_still_coming():
    async def test() -> None:
        room = Room(10 * MB)
        reading = asyncio.create_task(Body(room, 100, MOST).read(Sender().send(5).receive, LIMITS))
        await asyncio.sleep(0)
        await until(lambda: bool(room._coming))
        room.hurry(0.01)
        with pytest.raises(TimeoutError):
            await reading

    in_a_loop(test)


def test_a_full_disk_is_a_part_that_is_away(monkeypatch: pytest.MonkeyPatch):
    class Full:
        def write(self, _data: bytes) -> int:
            raise OSError(28, "No space left on device")

        def close(self) -> None:
            return None

    monkeypatch.setattr(bodies.tempfile, "TemporaryFile", Full)

    async def test() -> None:
        room = Room(10 * MB)
        body = Body(room, None, MOST)
        with pytest.raises(Unavailable, match="No space left"):
            await body.read(Sender().send(5 * MB, more=False).receive, LIMITS)
        body.close()
        assert room._taken == 0

    in_a_loop(test)
