"""Lanes: so many threads for requests of a kind, and room for so many that wait; one more is told at once."""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

from familiar.errors import Busy

Result = TypeVar("Result")

_LONGEST_WAIT_S = 10.0


class Lane:
    """Requests of one kind, which wait for each other and for no others. It belongs to one event loop."""

    def __init__(self, *, threads: int, waiting: int, wait_s: float = _LONGEST_WAIT_S) -> None:
        """Give so many requests a thread each, and so many more a place to wait in for ``wait_s``.

        Without threads the loop itself does the work, which must take no time.
        """
        self._threads = threads
        self._waiting = waiting
        self._wait_s = wait_s
        self._inside = 0
        self._pool = ThreadPoolExecutor(threads) if threads else None

    def check_room(self) -> None:
        """Look whether there is room for one more.

        Raises:
            Busy: there is none.
        """
        if self._pool is not None and self._inside >= self._threads + self._waiting:
            raise Busy(f"{self._threads} such requests are being answered and {self._waiting} wait; try again")

    async def run(self, work: Callable[[], Result], unless: asyncio.Future[Any]) -> Result | None:
        """Do ``work`` when its turn comes and return what it returns; None if ``unless`` is done before.

        Raises:
            Busy: there is no room for it, or its turn does not come in time.
        """
        if self._pool is None:
            return work()
        self.check_room()
        self._inside += 1
        try:
            job = self._pool.submit(work)
            result = asyncio.wrap_future(job)
            await asyncio.wait((result, unless), timeout=self._wait_s, return_when=asyncio.FIRST_COMPLETED)
            if not job.cancel():
                return await result
            if unless.done():
                return None
            raise Busy(f"its turn did not come within {self._wait_s:.0f} s; try again")
        finally:
            self._inside -= 1
