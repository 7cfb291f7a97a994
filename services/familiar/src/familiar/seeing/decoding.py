"""Decoding under a budget: pictures of any size come in at once, but only so many pixels are unpacked at a time."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

from familiar.errors import Busy
from familiar.seeing.image import Frame, ImageLimits, decode, read_size


class PixelBudget:
    """How many pixels may be in memory at once, over all threads of the process.

    Whoever comes first is served first: a large picture is not overtaken for ever by small ones.
    """

    def __init__(self, pixels: int, wait_s: float) -> None:
        self._total = pixels
        self._free = pixels
        self._wait_s = wait_s
        self._turn = threading.Lock()
        self._changed = threading.Condition()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Hold ``pixels`` of the budget; more than all of it counts as all of it.

        Raises:
            Busy: there was no room within the time allowed.
        """
        wanted = min(pixels, self._total)
        self._take(wanted)
        try:
            yield
        finally:
            with self._changed:
                self._free += wanted
                self._changed.notify_all()

    def _take(self, wanted: int) -> None:
        deadline = time.monotonic() + self._wait_s
        if not self._turn.acquire(timeout=self._wait_s):
            raise Busy("too many pictures are being read at once; try again in a moment")
        try:
            with self._changed:
                left = deadline - time.monotonic()
                if not self._changed.wait_for(lambda: self._free >= wanted, timeout=max(left, 0.0)):
                    raise Busy("too many pictures are being read at once; try again in a moment")
                self._free -= wanted
        finally:
            self._turn.release()


class Decoder:
    """Turns bytes into frames within the limits of one picture and the budget of all."""

    def __init__(self, limits: ImageLimits, wait_s: float = 20.0) -> None:
        self.limits = limits
        self.budget = PixelBudget(limits.max_pixels, wait_s)

    @contextmanager
    def frame(self, data: bytes) -> Iterator[Frame]:
        """Give the picture as uint8[H, W, 3], RGB; its share of the budget is held until the block ends.

        Raises:
            InvalidImage, TooLarge: see ``familiar.seeing.decode``.
            Busy: there was no room within the time allowed.
        """
        if not data or len(data) > self.limits.max_bytes:
            decode(data, self.limits)  # says what is wrong with it
        width, height = read_size(data)
        if width * height > self.limits.max_pixels:
            decode(data, self.limits)
        with self.budget.hold(width * height):
            yield decode(data, self.limits)
