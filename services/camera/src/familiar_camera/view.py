"""View: what is sent of a camera's frames, turned and cut, and whether they ought to be turned."""

from collections.abc import Callable, Generator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Self

import cv2
import numpy as np

from familiar_camera.frame import Frame, Picture
from familiar_camera.live import Counts, Live
from familiar_camera.server import Answer
from familiar_camera.sources import Source

TURNS = {90: cv2.ROTATE_90_CLOCKWISE, 180: cv2.ROTATE_180, 270: cv2.ROTATE_90_COUNTERCLOCKWISE}
"""How to turn a picture clockwise by so many degrees."""

_BLANK_FRAMES, _TIMES_MORE, _MOST_TRIES = 8, 4, 3
_UPRIGHT_FRAMES = 5


@dataclass(frozen=True)
class Region:
    """A part of a frame, in shares of its sides from its upper left corner: 0 to 1."""

    left: float = 0.0
    top: float = 0.0
    right: float = 1.0
    bottom: float = 1.0

    @classmethod
    def of_shares(cls, shares: Sequence[float]) -> Self:
        """Return the region with these four numbers.

        Raises:
            ValueError: they are none.
        """
        if len(shares) == 4:
            left, top, right, bottom = shares
            if 0 <= left < right <= 1 and 0 <= top < bottom <= 1:
                return cls(left, top, right, bottom)
        raise ValueError("a region is left, top, right and bottom as shares of the frame, such as 0.25, 0, 0.75, 1")

    def of(self, picture: Picture) -> Picture:
        """Return this part of a picture, a pixel at least."""
        height, width = picture.shape[:2]
        left, top = int(self.left * width), int(self.top * height)
        right, bottom = max(left + 1, round(self.right * width)), max(top + 1, round(self.bottom * height))
        return np.ascontiguousarray(picture[top:bottom, left:right])


WHOLE = Region()


class View:
    """A source whose frames are turned clockwise by ``rotate`` degrees, and cut to ``region`` then."""

    def __init__(self, source: Source, rotate: int = 0, region: Region = WHOLE) -> None:
        self._source = source
        self._rotate = rotate
        self._region = region
        self.live = source.live
        self.total = source.total

    @property
    def counts(self) -> Counts | None:
        """What became of the pictures of a camera; None for what is recorded."""
        return self._source.counts if isinstance(self._source, Live) else None

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames; raises as the source does."""
        with closing(self._source.frames()) as frames:
            for frame in frames:
                yield Frame(frame.label, self._region.of(turned(frame.picture, self._rotate)))


def turned(picture: Picture, degrees: int) -> Picture:
    """Return a picture turned clockwise by 0, 90, 180 or 270 degrees."""
    return np.asarray(cv2.rotate(picture, TURNS[degrees]), np.uint8) if degrees else picture


class Lookout:
    """Finds out whether faces can be made out only when frames are turned.

    Frames in which nobody can be made out are tried turned now and then, a few times in all.
    """

    def __init__(self, ask: Callable[[bytes], Answer]) -> None:
        """Take who says what is in a picture (JPEG)."""
        self._ask = ask
        self._blank = self._upright = self._tries = 0
        self._next = _BLANK_FRAMES

    def turn_for(self, frame: Frame, answer: Answer) -> int | None:
        """Note what was answered for a frame; return by how much to turn it, if that helps, and once only."""
        if self._tries >= _MOST_TRIES or self._upright >= _UPRIGHT_FRAMES:
            return None
        if _made_out(answer):
            self._upright += 1
            self._blank = 0
            return None
        self._blank += 1
        if self._blank < self._next:
            return None
        self._tries += 1
        self._next *= _TIMES_MORE
        for degrees in TURNS:
            if _made_out(self._ask(Frame(frame.label, turned(frame.picture, degrees)).jpeg())):
                self._tries = _MOST_TRIES
                return degrees
        return None


def _made_out(answer: Answer) -> bool:
    return any(face["status"] != "rejected" for face in answer.get("faces", []))
