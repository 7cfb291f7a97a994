"""Live: the newest picture of a camera whenever one is wanted, from a connection that is made again when it breaks.

A thread reads each connection all the time, so that nothing waits on the way, and gives out the picture that comes next
after one was asked for. What breaks, or falls silent, is left and made anew.
"""

import random
import threading
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, replace

from familiar_camera.backoff import Backoff
from familiar_camera.errors import SourceError
from familiar_camera.feeds import READ_S, STREAM_OPEN_S, Feed, FeedLost
from familiar_camera.frame import Frame, Picture
from familiar_camera.freshness import Freshness

OnWait = Callable[[str, float], None]
"""Called with (why, seconds) before each wait."""

# Frames come again within five seconds of the camera's return: one try that began before it, and one wait.
FIRST_WAIT_S, LONGEST_WAIT_S = 0.2, 1.0
STALL_S = READ_S + 1.0
_FIRST_PICTURE_S = STREAM_OPEN_S + READ_S + 5.0

_WARM_UP_LEAST, _WARM_UP_MOST, _WARM_UP_S = 15, 90, 4.0
_SETTLED_SHARE = 0.05
_BLACK = 1.0
_OVER = 5

_MOST_UNREADABLE = 30
_MOST_STUCK = 3


@dataclass
class Counts:
    """What became of the pictures of a camera: ``seen`` all, ``sent`` on, ``dropped`` for newer ones.

    ``reopened`` tells how often the connection had to be made anew.
    """

    seen: int = 0
    sent: int = 0
    dropped: int = 0
    reopened: int = 0


class Live:
    """A camera that gives ``fps`` frames of each second, always the newest."""

    live = True
    total: int | None = None

    def __init__(
        self,
        name: str,
        open_feed: Callable[[], Feed],
        fps: float,
        *,
        first: Feed | None = None,
        patience: Backoff = Backoff(),
        on_wait: OnWait = lambda _why, _seconds: None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        stall_s: float = STALL_S,
    ) -> None:
        """Take what the camera is called, how to connect to it, and how long to go on trying when that fails.

        ``first`` is a connection that was made already.
        """
        self.name = name
        self.counts = Counts()
        self._open_feed = open_feed
        self._interval_s = 1.0 / fps
        self._first = first
        self._patience = replace(patience, first_s=FIRST_WAIT_S, longest_s=LONGEST_WAIT_S)
        self._on_wait = on_wait
        self._clock = clock
        self._sleep = sleep
        self._stall_s = stall_s
        self._chance = random.Random()
        self._freshness = Freshness()
        self._left: list[_Reading] = []

    def frames(self) -> Generator[Frame, None, None]:
        """Yield frames until the caller stops.

        Raises:
            SourceError: the camera is away for longer than the patience lasts, or is none.
        """
        number, attempt, since = 0, 0, 0.0
        due = self._clock()
        reading: _Reading | None = None
        try:
            while True:
                try:
                    reading = reading or self._start()
                    picture = reading.next_picture()
                except (FeedLost, SourceError) as exc:
                    # What is no camera at first is none; one that was may say anything while it starts anew.
                    if isinstance(exc, SourceError) and not number:
                        raise SourceError(f"{self.name}: {exc}") from exc
                    if reading is not None:
                        self._leave(reading)
                        reading = None
                    now = self._clock()
                    since = since if attempt else now
                    wait_s = self._patience.wait_s(attempt, now - since, 0.0, self._chance)
                    if wait_s is None:
                        raise SourceError(f"{self.name} gives no pictures any more: {exc}") from exc
                    self._on_wait(f"{self.name}: {exc}", wait_s)
                    self._sleep(wait_s)
                    attempt += 1
                    self.counts.reopened += 1
                    continue
                attempt = 0
                taken_at = self._clock()
                # Counted on from the moment it was due: the camera's own frames hardly ever come when one is, and the
                # wait for the next of them would add up. What was missed for longer than that is not made up for.
                due = max(due + self._interval_s, taken_at)
                number += 1
                self.counts.sent += 1
                yield Frame(f"frame {number}", picture)
                if (early_s := due - self._clock()) > 0:
                    self._sleep(early_s)
        finally:
            if reading is not None:
                self._leave(reading)

    def _start(self) -> "_Reading":
        self._left = [each for each in self._left if each.alive]
        if len(self._left) >= _MOST_STUCK:
            raise FeedLost("its driver does not come back")
        first, self._first = self._first, None
        open_feed = self._open_feed if first is None else lambda: first
        return _Reading(open_feed, self.counts, self._freshness, self._clock, self._stall_s)

    def _leave(self, reading: "_Reading") -> None:
        reading.end()
        if reading.alive:
            self._left.append(reading)


class _Reading:
    """One connection, read by a thread of its own until it breaks or is left."""

    def __init__(
        self,
        open_feed: Callable[[], Feed],
        counts: Counts,
        freshness: Freshness,
        clock: Callable[[], float],
        stall_s: float,
    ) -> None:
        self._open_feed = open_feed
        self._counts = counts
        self._freshness = freshness
        self._clock = clock
        self._stall_s = stall_s
        self._changed = threading.Condition()
        self._asked = False
        self._given: Picture | None = None
        self._failure: FeedLost | SourceError | None = None
        self._over = False
        self._began = False
        self._moved_at = clock()
        self._thread = threading.Thread(target=self._run, name="camera", daemon=True)
        self._thread.start()

    @property
    def alive(self) -> bool:
        """Whether the thread is still there, perhaps in a driver that does not return."""
        return self._thread.is_alive()

    def next_picture(self) -> Picture:
        """Return the picture that comes next.

        Raises:
            FeedLost: the connection broke, or fell silent.
            SourceError: there is no camera.
        """
        with self._changed:
            self._asked = True
            self._changed.notify_all()
            while self._given is None:
                if self._failure is not None:
                    raise self._failure
                limit_s = self._stall_s if self._began else _FIRST_PICTURE_S
                left_s = self._moved_at + limit_s - self._clock()
                if left_s <= 0:
                    raise FeedLost(f"no picture has come for {limit_s:.0f} s")
                self._changed.wait(min(left_s, 1.0))
            picture, self._given = self._given, None
            return picture

    def end(self) -> None:
        """Leave the connection; what hangs in a driver is left to itself."""
        with self._changed:
            self._over = True
            self._changed.notify_all()
        self._thread.join(timeout=1.0)

    def _run(self) -> None:
        try:
            feed = self._open_feed()
            try:
                self._read(feed)
            finally:
                feed.close()
        except (FeedLost, SourceError) as exc:
            self._fail(exc)
        except Exception as exc:
            self._fail(FeedLost(f"{type(exc).__name__}: {exc}"))

    def _fail(self, failure: FeedLost | SourceError) -> None:
        with self._changed:
            self._failure = failure
            self._changed.notify_all()

    def _read(self, feed: Feed) -> None:
        if feed.warms_up:
            self._warm_up(feed)
        self._freshness.begin(feed.queues, self._clock())
        unreadable = 0
        while not self._over:
            if feed.on_demand:
                self._wait_until_asked()
                if self._over:
                    return
            before = self._clock()
            self._grab(feed)
            after = self._clock()
            fresh = self._freshness.is_fresh(before, after, feed.late_s(after))
            if not (fresh and self._asked):
                self._counts.dropped += 1
                continue
            picture = feed.picture()
            if picture is None:
                unreadable += 1
                self._counts.dropped += 1
                if unreadable >= _MOST_UNREADABLE:
                    raise FeedLost("its pictures cannot be read")
                continue
            unreadable = 0
            with self._changed:
                self._given, self._asked = picture, False
                self._changed.notify_all()

    def _grab(self, feed: Feed) -> None:
        feed.grab()
        self._counts.seen += 1
        with self._changed:
            self._moved_at = self._clock()
            self._began = True

    def _wait_until_asked(self) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._asked or self._over)
            self._moved_at = self._clock()

    def _warm_up(self, feed: Feed) -> None:
        """Pass the first pictures over, until the exposure has settled."""
        begun = self._clock()
        brightness: list[float] = []
        while not self._over and len(brightness) < _WARM_UP_MOST:
            self._grab(feed)
            self._counts.dropped += 1
            picture = feed.picture()
            brightness.append(0.0 if picture is None else mean(picture))
            late = self._clock() - begun > _WARM_UP_S and len(brightness) > _OVER
            if late or (len(brightness) >= _WARM_UP_LEAST and _settled(brightness[-_OVER:])):
                return


def mean(picture: Picture) -> float:
    """Return how bright a picture is, from 0 to 255; a few of its pixels tell."""
    return float(picture[::8, ::8].mean())


def _settled(brightness: list[float]) -> bool:
    # Some begin with pictures that are all black, for longer than an exposure takes: those are not settled yet.
    return max(brightness) > _BLACK and max(brightness) - min(brightness) <= _SETTLED_SHARE * max(brightness)
