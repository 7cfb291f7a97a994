"""Films for a browser's fake camera, of a public-domain portrait that turns its head, or of an empty room.

A portrait is a flat picture, and a flat picture that turns does not look aside to a detector of landmarks. So its nose
is moved against the rest of the face, as it moves when a head turns.
"""

import math
from pathlib import Path
from typing import Any

import cv2
import numpy as np

import portraits
from familiar.seeing.image import Frame

WIDTH_PX, HEIGHT_PX = 640, 480
FPS = 30
_FRAMES = 120
_ROOM = (110, 104, 96)
# Where the nose is on each portrait, and how far around it the face moves along, in pixels of the portrait.
_NOSES = {"Eileen Collins": (220, 138, 70), "Grace Hopper": (268, 214, 100)}
_SCALES = {"Eileen Collins": 1.5, "Grace Hopper": 1.05}
_TURN = 0.5, 0.8
"""How far the nose goes, across and down, in radii."""


ALL_DIFFERENT = 4
"""Rounds in which an enrolment of 150 frames finds no frame twice, which would count once."""


def film(name: str | None, path: Path, rounds: int = 1) -> Path:
    """Write a film, as MJPEG, of the one of that name, or of nobody, whose head goes round so often."""
    with path.open("wb") as file:
        for number in range(rounds * _FRAMES):
            frame = room(number) if name is None else turned(name, number)
            bgr = cv2.cvtColor(frame, cv2.COLOR_RGB2BGR)
            file.write(cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 90])[1].tobytes())
    return path


def vouch(page: Any) -> None:
    """Say that all pictures are of one person, where that is doubted: to real models a moved nose may be another's."""
    page.locator("#question[open], [data-step=learning]:not([hidden])").first.wait_for()
    if page.locator("#question[open]").is_visible():
        page.get_by_role("button", name="They are all of one person").click()


def pictures(film: Path) -> list[bytes]:
    """Return the frames of a film that was written, as JPEG files."""
    start = b"\xff\xd8"
    return [start + each for each in film.read_bytes().split(start)[1:]]


def room(number: int) -> Frame:
    """Return a frame uint8[480, 640, 3] of an empty room."""
    chance = np.random.default_rng(number)
    grain = chance.normal(0, 3, (HEIGHT_PX, WIDTH_PX, 3))
    return np.clip(grain + _ROOM, 0, 255).astype(np.uint8)


def turned(name: str, number: int) -> Frame:
    """Return a frame uint8[480, 640, 3] in which the head goes round, looking straight at times."""
    angle = 2 * math.pi * number / _FRAMES * 3
    reach = math.sin(math.pi * number / _FRAMES * 4) ** 2
    portrait = _with_nose_moved(name, reach * _TURN[0] * math.cos(angle), reach * _TURN[1] * math.sin(angle))
    x, y, _ = _NOSES[name]
    scale = _SCALES[name] * (1 + 0.05 * math.sin(angle / 3))
    place = np.array([[scale, 0, WIDTH_PX / 2 - scale * x], [0, scale, HEIGHT_PX * 0.48 - scale * y]])
    frame = cv2.warpAffine(portrait, place, (WIDTH_PX, HEIGHT_PX), borderMode=cv2.BORDER_CONSTANT, borderValue=_ROOM)
    light = 1 + 0.08 * math.sin(angle / 2)
    chance = np.random.default_rng(number)
    return np.clip(frame * light + chance.normal(0, 2, frame.shape), 0, 255).astype(np.uint8)


def _with_nose_moved(name: str, across: float, down: float) -> Frame:
    portrait = portraits.frame(name)
    x, y, radius = _NOSES[name]
    columns, rows = np.meshgrid(np.arange(portrait.shape[1]), np.arange(portrait.shape[0]))
    near = np.exp(-(((columns - x) ** 2 + (rows - y) ** 2) / (2 * (radius / 2.2) ** 2)))
    from_x = (columns - near * across * radius).astype(np.float32)
    from_y = (rows - near * down * radius).astype(np.float32)
    return cv2.remap(portrait, from_x, from_y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
