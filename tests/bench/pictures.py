"""Pictures: frames as webcams of two sizes send them, with nobody, one person or four people on them."""

from collections.abc import Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

import portraits
from familiar_camera.simulation import HEIGHT_PX, WIDTH_PX, Session

Picture = NDArray[np.uint8]
Size = tuple[int, int]
"""Width and height in pixels."""

VGA, HD, FULL_HD, TWELVE_MEGAPIXELS = (640, 480), (1280, 720), (1920, 1080), (4000, 3000)
FACES = (0, 1, 4)


def session(name: str, seed: int, count: int) -> list[bytes]:
    """Return frames of a simulated webcam session as JPEG."""
    return [_jpeg(picture) for picture in moving(name, seed, count)]


def moving(name: str, seed: int, count: int) -> list[Picture]:
    """Return frames uint8[480, 640, 3], BGR, of a simulated webcam session."""
    simulated = Session(cv2.cvtColor(portraits.frame(name), cv2.COLOR_RGB2BGR), seed)
    return [simulated.frame(number) for number in range(count)]


def frames(size: Size, faces: int, count: int, seed: int = 5) -> list[bytes]:
    """Return ``count`` JPEGs of ``size`` with so many faces (0, 1 or 4) on each."""
    if faces == 0:
        return [_jpeg(_room(size, seed + number)) for number in range(count)]
    sitters = [moving(portraits.NAMES[place % 2], seed + place, count) for place in range(faces)]
    return [_jpeg(_together(size, each)) for each in zip(*sitters, strict=True)]


def _together(size: Size, pictures: Sequence[Picture]) -> Picture:
    """Return pictures side by side, in rows of two if there are several; what they leave over is their own edge."""
    width, height = size
    across = 1 if len(pictures) == 1 else 2
    cell = width // across, height // (-(-len(pictures) // across))
    cells = [_fitted(picture, cell) for picture in pictures]
    rows = [np.hstack(cells[start : start + across]) for start in range(0, len(cells), across)]
    return np.vstack(rows)


def _fitted(picture: Picture, size: Size) -> Picture:
    width, height = size
    scale = min(width / WIDTH_PX, height / HEIGHT_PX)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    scaled = cv2.resize(picture, None, fx=scale, fy=scale, interpolation=method)
    right, below = width - scaled.shape[1], height - scaled.shape[0]
    edges = below // 2, below - below // 2, right // 2, right - right // 2
    return np.asarray(cv2.copyMakeBorder(scaled, *edges, cv2.BORDER_REPLICATE), np.uint8)


def _room(size: Size, seed: int) -> Picture:
    """Return a picture of no face: soft patches of colour, with a camera's noise on them."""
    width, height = size
    chance = np.random.default_rng(seed)
    patches = cv2.resize(chance.uniform(40, 200, (6, 8, 3)), size, interpolation=cv2.INTER_CUBIC)
    return np.clip(patches + chance.normal(0, 3, (height, width, 3)), 0, 255).astype(np.uint8)


def _jpeg(picture: Picture) -> bytes:
    return bytes(cv2.imencode(".jpg", picture)[1])
