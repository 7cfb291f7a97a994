"""Large pictures made of small ones: faces of a stated height in a wide frame, and a group picture."""

from collections.abc import Sequence
from functools import cache

import cv2
import numpy as np

from familiar.seeing import Detector, detectors
from familiar.seeing.image import Frame

_FEATHER = 0.12


def wide(pictures: Sequence[Frame], face_px: int, width: int, height: int, seed: int = 0) -> tuple[Frame, list[tuple]]:
    """Return a frame uint8[height, width, 3] with one face ``face_px`` high of each picture, and their middles.

    They lie far apart in no order, on a background of shapes and noise that holds no face.
    """
    rng = np.random.default_rng(seed)
    frame = background(width, height, rng)
    columns = int(np.ceil(np.sqrt(len(pictures) * width / height)))
    rows = -(-len(pictures) // columns)
    cells = rng.permutation(columns * rows)[: len(pictures)]
    middles = []
    for cell, picture in zip(cells, pictures, strict=True):
        patch = cut_out(picture, face_px)
        room = np.array([width / columns - patch.shape[1], height / rows - patch.shape[0]])
        corner = np.array([cell % columns * width / columns, cell // columns * height / rows]) + rng.random(2) * room
        x, y = (int(each) for each in corner)
        paste(frame, patch, x, y)
        middles.append((x + patch.shape[1] / 2, y + patch.shape[0] / 2))
    return frame, middles


def mosaic(pictures: Sequence[Frame], columns: int, rows: int, width: int, height: int) -> Frame:
    """Return a group picture uint8[height, width, 3]: the middle of each picture, with its face, beside the others."""
    across, down = width // columns, height // rows
    tiles = []
    for number in range(columns * rows):
        picture = pictures[number % len(pictures)]
        tall, broad = picture.shape[:2]
        side = min(broad, tall * across / down)
        top, left = (tall - side * down / across) / 2, (broad - side) / 2
        part = picture[int(top) : int(top + side * down / across), int(left) : int(left + side)]
        tiles.append(cv2.resize(part, (across, down), interpolation=cv2.INTER_AREA))
    lines = [np.hstack(tiles[row * columns : (row + 1) * columns]) for row in range(rows)]
    whole = np.vstack(lines)
    return cv2.copyMakeBorder(
        whole, 0, height - whole.shape[0], 0, width - whole.shape[1], cv2.BORDER_CONSTANT, value=(90, 90, 90)
    )


def background(width: int, height: int, rng: np.random.Generator) -> Frame:
    """Return a busy picture without any face: soft colours, lines and rectangles, and the noise of a camera."""
    coarse = rng.integers(40, 200, (height // 240 + 2, width // 240 + 2, 3), np.uint8)
    frame = cv2.resize(coarse, (width, height), interpolation=cv2.INTER_CUBIC)
    for _ in range(width * height // 60_000):
        x, y, w, h = (int(each) for each in rng.integers(0, (width, height, width // 12, height // 12)))
        colour = tuple(int(each) for each in rng.integers(0, 256, 3))
        cv2.rectangle(frame, (x, y), (x + w, y + h), colour, int(rng.choice([-1, 2, 5])))
        cv2.line(frame, (x, y), (x + 2 * w, y - h), colour, 3)
    noise = rng.normal(0, 4, frame.shape).astype(np.int16)
    return np.clip(frame.astype(np.int16) + noise, 0, 255).astype(np.uint8)


def cut_out(picture: Frame, face_px: int, margin: float = 0.8) -> Frame:
    """Return the largest face of ``picture``, with a margin in heights of it, scaled so that it is ``face_px`` high."""
    detector = _detector()
    (face, *_) = detector.settle(picture, detector.search(picture)[:1])
    box = face.box
    x, y = (box.x_min + box.x_max) / 2, (box.y_min + box.y_max) / 2
    reach = min(x, y, picture.shape[1] - x, picture.shape[0] - y, (0.5 + margin) * box.height)
    part = picture[int(y - reach) : int(y + reach), int(x - reach) : int(x + reach)]
    side = round(part.shape[0] * face_px / box.height)
    return cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA)


@cache
def _detector() -> Detector:
    return detectors.create("yunet")


def paste(frame: Frame, patch: Frame, x: int, y: int) -> None:
    """Lay ``patch`` into ``frame`` with its corner at (x, y), its edges fading."""
    height, width = patch.shape[:2]
    away = np.minimum.outer(np.minimum(np.arange(height), np.arange(height)[::-1]), np.full(width, width))
    away = np.minimum(away, np.minimum(np.arange(width), np.arange(width)[::-1])[None])
    weight = np.clip(away / (_FEATHER * width), 0, 1)[..., None]
    place = frame[y : y + height, x : x + width]
    place[:] = (place * (1 - weight) + patch * weight).astype(np.uint8)
