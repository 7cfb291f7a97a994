"""Decoding under a budget: pictures of any size come in at once, but only so many pixels are unpacked at a time."""

import threading
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Self, TypeVar

from familiar.errors import Busy
from familiar.seeing.formats import outline
from familiar.seeing.image import Frame, unpack
from familiar.seeing.outline import ImageLimits, Outline

T = TypeVar("T")


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

    @property
    def in_use(self) -> bool:
        """Whether anybody holds any of it at this moment."""
        return self._free < self._total

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


class SlowLane:
    """Where that goes which takes long: few threads work, some wait, and all others are free for what is quick.

    A thread that is in it may enter again.
    """

    def __init__(self, at_work: int, waiting: int, wait_s: float = 20.0) -> None:
        self._work = threading.BoundedSemaphore(at_work)
        self._places = threading.BoundedSemaphore(at_work + waiting)
        self._wait_s = wait_s
        self._its_threads = threading.local()

    @classmethod
    def beside(cls, threads: int) -> Self:
        """Return one that leaves two of ``threads`` free, if there are so many, and works with a quarter of them."""
        at_work = max(1, threads // 4)
        return cls(at_work, max(0, threads - 2 - at_work))

    @property
    def inside(self) -> bool:
        """Whether this thread is in it."""
        return getattr(self._its_threads, "inside", False)

    @contextmanager
    def enter(self) -> Iterator[None]:
        """Be in it until the block ends.

        Raises:
            Busy: at once where too many wait already, or if there was no place within the time allowed.
        """
        if self.inside:
            yield
            return
        if not self._places.acquire(blocking=False):
            raise Busy("too many uploads and large pictures are being looked at; try again in a moment")
        try:
            if not self._work.acquire(timeout=self._wait_s):
                raise Busy("the uploads and large pictures before this one take long; try again in a moment")
            self._its_threads.inside = True
            try:
                yield
            finally:
                self._its_threads.inside = False
                self._work.release()
        finally:
            self._places.release()


class Decoder:
    """Turns bytes into frames within the limits of one picture and the budget of all.

    Large pictures, of more than a quarter of what one may have, take the slow lane and have a budget of their own: what
    a camera sends never waits for them.
    """

    def __init__(self, limits: ImageLimits, lane: SlowLane | None = None, wait_s: float = 20.0) -> None:
        self.limits = limits
        self.lane = lane or SlowLane.beside(_USUAL_THREADS)
        self._large = PixelBudget(limits.max_pixels, wait_s)
        self._small = PixelBudget(limits.max_pixels // 2, wait_s)

    @contextmanager
    def frame(self, data: bytes) -> Iterator[Frame]:
        """Give the picture as uint8[H, W, 3], RGB; its share of the budget is held until the block ends.

        Raises:
            InvalidImage, TooLarge: see ``familiar.seeing.decode``.
            Busy: there was no room within the time allowed.
        """
        with self.unpacked(self.look_over(data)) as frame:
            yield frame

    def look_over(self, data: bytes) -> Outline:
        """Return the outline of a picture; raises as ``frame`` does, but for Busy."""
        return outline(data, self.limits)

    @contextmanager
    def unpacked(self, picture: Outline) -> Iterator[Frame]:
        """Give the pixels of a picture that was looked over, as ``frame`` does."""
        with self.hold(picture.pixels):
            yield unpack(picture)

    @contextmanager
    def together(self, pictures: Sequence[Outline]) -> Iterator[None]:
        """Take the slow lane until the block ends, if all of these have more pixels together than one may have.

        Raises:
            Busy: see ``SlowLane.enter``.
        """
        if sum(picture.pixels for picture in pictures) <= self.limits.max_pixels:
            yield
        else:
            with self.lane.enter():
                yield

    def in_turns(self, work: Iterable[T]) -> Iterator[T]:
        """Yield what is to be worked on one after the other, such as the frames of an upload.

        In the slow lane, and while others have pictures of theirs looked at, each is followed by a rest as long as the
        work on it: whoever is recognised need not share the processor with an upload all the time.
        """
        begun = time.monotonic()
        for each in work:
            yield each
            if self.lane.inside and self._small.in_use:
                time.sleep(min(time.monotonic() - begun, _LONGEST_REST_S))
            begun = time.monotonic()

    @contextmanager
    def hold(self, pixels: int) -> Iterator[None]:
        """Hold the room that a frame of so many pixels takes.

        Raises:
            Busy: there was none within the time allowed.
        """
        if pixels <= self.limits.max_pixels // _LARGE_SHARE:
            with self._small.hold(pixels):
                yield
        else:
            with self.lane.enter(), self._large.hold(pixels):
                yield


_LARGE_SHARE = 4
_LONGEST_REST_S = 2.0
_USUAL_THREADS = 8
