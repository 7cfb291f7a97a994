"""Searching: a frame looked over for faces, finely enough for all who can be named, and in tiles where it is large.

One pass of the network sees faces from some 20 px to the whole picture, so a picture that it can take at once is
searched once. A larger one would take memory with its size, and one core: it is cut into tiles that overlap, which
several threads share, and faces that are too large for the overlap are found in the same frame scaled down.
"""

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor
from itertools import chain, product

import cv2
import numpy as np

from familiar.seeing.detectors.network import MOST_OVERLAP, Found, common_areas
from familiar.seeing.image import Frame

SEARCH_PIXELS = 1920 * 1080
"""How many pixels of a frame are searched at most, unless a setting says otherwise."""

# The least face that the network surely sees, and the least that is worth finding: with 10 px between the eyes every
# second one is named rightly.
_SEEN_PX = 21
_NAMED_PX = 28
# Frames up to this size are searched as they are, and all others at this scale at least.
_COARSE_PX = 480
_TILE_PX = 1024
# A face that is too large for the overlap is large enough at a fourth of the scale.
_OVERLAP_PX = 128
_STEP = 4
# A box this near to where a tile was cut may belong to a face that goes on there.
_SEAM_PX = 4
# This much of the smaller of two boxes in common: a part of a face that was taken for one, or a crowd for a face.
_MOST_WITHIN = 0.7
_LEAST_SIDE_PX = 8

Slices = tuple[slice, slice]


class Searcher:
    """Looks frames over for faces, never at more pixels of one than it was allowed."""

    def __init__(self, search: Callable[[Frame], list[Found]], pixels: int, threads: Executor) -> None:
        """Put the parts together.

        Args:
            search: finds the faces of one picture uint8[H, W, 3], BGR; called by several threads at once.
            pixels: how many pixels of a frame are looked at, at the finest of the scales.
            threads: which look at the tiles.
        """
        self._search = search
        self._pixels = pixels
        self._threads = threads

    def search(self, frame: Frame, least_share: float = 0.0) -> list[Found]:
        """Return the faces of ``frame`` uint8[H, W, 3], RGB, in its pixels.

        Args:
            frame: where to look.
            least_share: faces less than this share as high as the highest may be missing; saying so saves time.
        """
        finest = _finest(frame, self._pixels)
        coarse = min(finest, _COARSE_PX / max(frame.shape[:2]))
        if least_share and coarse < finest:
            found = self._look(frame, coarse)
            highest = max((each.box[3] for each in found), default=0.0)
            if least_share * highest * coarse >= _SEEN_PX:
                return found
        scales = [finest]
        while max(frame.shape[:2]) * scales[-1] > _TILE_PX:
            scales.append(scales[-1] / _STEP)
        found = list(chain.from_iterable(self._look(frame, scale) for scale in scales))
        return found if len(scales) == 1 else _merged(found)

    def _look(self, frame: Frame, scale: float) -> list[Found]:
        """Return the faces that ``frame`` shows when it is scaled down so far, in its own pixels."""
        picture = cv2.cvtColor(_scaled(frame, scale), cv2.COLOR_RGB2BGR)
        ratio = np.array(picture.shape[1::-1], np.float32) / np.array(frame.shape[1::-1], np.float32)
        height, width = picture.shape[:2]
        tiles = list(_tiles(height, width))
        # However many call, only so many large pictures are in the network at a time, for its memory goes with them.
        apply = map if max(height, width) <= _COARSE_PX else self._threads.map
        looks = apply(lambda tile: self._search(np.asarray(picture[tile], np.uint8)), tiles)
        moved = ((tile, each) for tile, seen in zip(tiles, looks, strict=True) for each in _moved(seen, tile))
        found = [each.scaled(ratio) for tile, each in moved if _is_whole(each, tile, height, width)]
        return found if len(tiles) == 1 else _merged(found)


def _finest(frame: Frame, pixels: int) -> float:
    """Return the scale, 1 at most, at which a frame shows whoever can be named, or as many pixels as are allowed."""
    height, width = (int(side) for side in frame.shape[:2])
    wanted = max(_COARSE_PX / max(height, width), _SEEN_PX / _NAMED_PX)
    return min(wanted, math.sqrt(pixels / (height * width)), 1.0)


def _scaled(frame: Frame, scale: float) -> Frame:
    """Return ``frame`` scaled down: by halves, then the rest of the way; ten times as quick as by areas at once."""
    if scale == 1.0:
        return frame
    height, width = (max(round(side * scale), _LEAST_SIDE_PX) for side in frame.shape[:2])
    while frame.shape[0] >= 2 * height and frame.shape[1] >= 2 * width:
        half = (frame.shape[1] // 2, frame.shape[0] // 2)
        frame = np.asarray(cv2.resize(frame, half, interpolation=cv2.INTER_AREA), np.uint8)
    return np.asarray(cv2.resize(frame, (width, height), interpolation=cv2.INTER_LINEAR), np.uint8)


def _tiles(height: int, width: int) -> Iterator[Slices]:
    """Yield the parts of a picture that are searched each by itself: alike in size, so one interpreter serves all."""
    yield from product(_parts(height), _parts(width))


def _parts(length: int) -> list[slice]:
    count = max(1, math.ceil((length - _OVERLAP_PX) / (_TILE_PX - _OVERLAP_PX)))
    size = math.ceil((length + (count - 1) * _OVERLAP_PX) / count)
    starts = [round(number * (length - size) / max(1, count - 1)) for number in range(count)]
    return [slice(start, start + size) for start in starts]


def _moved(found: Sequence[Found], tile: Slices) -> list[Found]:
    """Return what was found in a tile, in pixels of the whole picture."""
    left, top = tile[1].start, tile[0].start
    corner = np.array([left, top, 0, 0], np.float32)
    return [each._replace(box=each.box + corner, landmarks=each.landmarks + corner[:2]) for each in found]


def _is_whole(found: Found, tile: Slices, height: int, width: int) -> bool:
    """Whether a face does not reach to where the tile was cut; one that does is seen whole in the next, or coarsely."""
    near, far = found.box[:2], found.box[:2] + found.box[2:]
    return all(
        (part.start == 0 or low > part.start + _SEAM_PX) and (part.stop == length or high < part.stop - _SEAM_PX)
        for part, low, high, length in zip(tile, near[::-1], far[::-1], (height, width), strict=True)
    )


def _merged(found: Sequence[Found]) -> list[Found]:
    """Return the faces, the surest first, without those that show a surer one again, or a part of it."""
    found = sorted(found, key=lambda each: -each.confidence)
    near = np.array([each.box[:2] for each in found], np.float32).reshape(-1, 2)
    size = np.array([each.box[2:] for each in found], np.float32).reshape(-1, 2)
    corners, areas = np.concatenate([near, near + size], axis=1), size.prod(axis=1)
    again = np.zeros(len(found), np.bool_)
    kept = []
    for place, each in enumerate(found):
        if again[place]:
            continue
        kept.append(each)
        common = common_areas(corners[place], corners)
        again |= common > MOST_OVERLAP * (areas[place] + areas - common)
        again |= common > _MOST_WITHIN * np.minimum(areas[place], areas)
    return kept
