"""A network that stalls, and what must not come out of it."""

import threading
from collections.abc import Callable
from contextlib import closing

from cameras import number_of
from familiar_camera.live import Live
from network import Network

Stall = Callable[[Callable[[], None]], None]
"""Begins a stall, given what does that."""


def after_a_stall(source: Live, between: Network, now: Callable[[], int], a_second: int, stall: Stall) -> None:
    """Stall the network for four seconds, and hold the frames after it to be none of those that waited."""
    ends: list[int] = []

    def mend() -> None:
        ends.append(now())
        between.mend()

    timer = threading.Timer(4.0, mend)

    def begin() -> None:
        between.stall()
        timer.start()

    with closing(source.frames()) as frames:
        for _ in range(10):
            next(frames)
        stall(begin)
        given: list[int] = []
        while len(given) < 20:
            number = number_of(next(frames).picture)
            given += [number] if ends else []
        timer.join()
    assert min(given) > ends[0] - 2 * a_second, "one that waited"
