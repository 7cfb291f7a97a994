"""Freshness: tells pictures of this moment from those that waited on the way."""

import math
from collections import deque
from statistics import median

from familiar_camera.feeds import FeedLost

MOST_LATE_S = 1.0
"""A picture that comes by so much later than it could is an old one."""

# After a gap what comes at once has waited on the way.
_GAP_S, _LONG_WAIT_S, _CATCH_UP_S = 1.0, 0.5, 5.0
_PACE, _IN_A_ROW = 0.7, 3
_USUAL_GAP_S, _REMEMBERED_GAPS = 1.0 / 30.0, 9
_LATE_FOR_S = 3.0
_MOST_DOUBTS, _LONG_GOOD_S = 10, 30.0


class Freshness:
    """What is known of a camera's pictures and their way, over all its connections.

    Where a connection tells how late a picture is, that counts. Where it does not, pictures that waited are known by
    coming without being waited for: a machine that is busy makes one of them wait, too, so it takes some in a row, a
    long wait, or as many pictures as can have gathered in the gap before.
    """

    def __init__(self) -> None:
        self._gaps_s: deque[float] = deque(maxlen=_REMEMBERED_GAPS)
        self._doubts = 0
        self._late_at = -math.inf
        self.begin(queues=False, now=0.0)

    def begin(self, queues: bool, now: float) -> None:
        """Begin a new connection at a moment; one that ``queues`` may begin with what its other end has kept."""
        self._queues = queues
        self._began = now
        self._last: float | None = None
        self._late_since: float | None = None
        self._catching_up = queues
        self._since = 0.0
        self._gathered = math.inf
        self._paced = 0

    def is_fresh(self, before: float, after: float, late_s: float | None) -> bool:
        """Return whether the picture is fresh that was waited for from ``before`` until ``after``.

        ``late_s`` is how late it is as far as the connection can tell, None where it cannot.

        Raises:
            FeedLost: a new connection is the shorter way to fresh pictures.
        """
        if late_s is not None and late_s > MOST_LATE_S:
            self._late_at = after
        elif late_s is not None and after - max(self._began, self._late_at) > _LONG_GOOD_S:
            self._doubts = 0
        believed = late_s is not None and self._doubts < _MOST_DOUBTS
        fresh = not self._queues or self._is_paced(before, after, believed)
        if late_s is None or not believed or late_s <= MOST_LATE_S:
            self._late_since = None
            return fresh
        if self._late_since is None:
            self._late_since = after
        if after - self._late_since > _LATE_FOR_S:
            # Or it is the camera's clock that goes wrong: that does not get better by connecting anew.
            self._doubts += 1
            raise FeedLost(f"its pictures come {late_s:.0f} s late")
        return False

    def _is_paced(self, before: float, after: float, believed: bool) -> bool:
        known = len(self._gaps_s) > _REMEMBERED_GAPS // 2
        usual_s = median(self._gaps_s) if known else _USUAL_GAP_S
        gap_s = usual_s if self._last is None else after - self._last
        if self._last is None:
            self._since = after
        self._last = after
        if gap_s > max(_GAP_S, 3.0 * usual_s):
            self._gaps_s.append(gap_s)
            if known and not believed:
                # What waited may come at any pace where packets were lost; by a new connection nothing of it comes.
                raise FeedLost(f"it was silent for {gap_s:.0f} s")
            self._catching_up, self._since, self._paced, self._gathered = not believed, after, 0, gap_s / usual_s
        elif self._catching_up:
            self._gathered -= 1
            waited_s = after - before
            self._paced = self._paced + 1 if waited_s >= _PACE * usual_s else 0
            now = self._paced >= _IN_A_ROW or waited_s >= _LONG_WAIT_S or self._gathered <= 0
            self._catching_up = not now and after - self._since < _CATCH_UP_S
        else:
            self._gaps_s.append(gap_s)
        return not self._catching_up
