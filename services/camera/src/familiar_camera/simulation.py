"""A webcam session made of one portrait, for demonstrations and tests where no camera and nobody is there.

The portrait is treated as a flat picture held before the camera: it moves, comes nearer, tilts and turns; the light
changes in strength, colour and direction; the camera blurs and adds noise. Frame ``n`` of a seed is always the same,
and neighbouring frames differ little, as with a person who moves slowly.
"""

import math

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar_camera.frame import Picture

WIDTH_PX, HEIGHT_PX = 640, 480

_FRAMES_PER_SWING = 60.0
_VIEWING_DISTANCE = 2.6  # of the camera from the portrait, in heights of the portrait
_ROOM = (96, 104, 110)


class Session:
    """A session of ``portrait`` uint8[H, W, 3] (BGR); another ``seed`` is another day: other movement, other light."""

    def __init__(self, portrait: Picture, seed: int = 0) -> None:
        self._portrait = portrait
        self._seed = seed
        rng = np.random.default_rng(seed)
        names = ("across", "down", "nearer", "roll", "yaw", "pitch", "gain", "side", "warmth", "focus")
        self._paths = {name: _Path(rng) for name in names}
        self._exposure = rng.uniform(0.78, 0.98)
        self._light_deg = rng.uniform(0.0, 360.0)

    def frame(self, number: int) -> Picture:
        """Return frame ``number``, uint8[480, 640, 3], BGR."""
        at = {name: path.at(number) for name, path in self._paths.items()}
        rng = np.random.default_rng((self._seed, number))
        placed = cv2.warpPerspective(
            self._portrait,
            self._placement(at),
            (WIDTH_PX, HEIGHT_PX),
            flags=cv2.INTER_AREA if self._portrait.shape[0] > HEIGHT_PX else cv2.INTER_LINEAR,
            borderMode=cv2.BORDER_CONSTANT,
            borderValue=_ROOM,
        )
        lit = placed.astype(np.float32) * self._light(at)
        blurred = cv2.GaussianBlur(lit, (0, 0), 0.35 + 0.45 * (1.0 + at["focus"]))
        noise = rng.normal(0.0, 3.0, blurred.shape)
        return np.clip(blurred + noise, 0, 255).astype(np.uint8)

    def _placement(self, at: dict[str, float]) -> NDArray[np.float64]:
        """Return the homography float64[3, 3] from the portrait's pixels to the frame's."""
        height, width = self._portrait.shape[:2]
        scale = HEIGHT_PX / height * (1.0 + 0.14 * at["nearer"])
        turn = _rotation(0.38 * at["yaw"], 0.2 * at["pitch"], 0.16 * at["roll"])
        corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], np.float64)
        # The head is in a portrait's upper part: turn about there, and keep it in the frame.
        pivot = np.array([width / 2, height * 0.35])
        flat = np.column_stack([corners - pivot, np.zeros(4)]) @ turn.T
        nearness = _VIEWING_DISTANCE * height / (_VIEWING_DISTANCE * height + flat[:, 2:])
        seen = flat[:, :2] * nearness * scale
        middle = np.array([WIDTH_PX / 2 + 60.0 * at["across"], HEIGHT_PX * (0.42 + 0.05 * at["down"])])
        homography = cv2.getPerspectiveTransform(corners.astype(np.float32), (seen + middle).astype(np.float32))
        return np.asarray(homography, np.float64)

    def _light(self, at: dict[str, float]) -> NDArray[np.float32]:
        """Return the factor of each pixel and channel, float32[480, 640, 3]."""
        gain = self._exposure * (1.0 + 0.12 * at["gain"])
        angle = math.radians(self._light_deg) + 0.8 * at["side"]
        y, x = np.mgrid[-1 : 1 : HEIGHT_PX * 1j, -1 : 1 : WIDTH_PX * 1j]
        slope = 1.0 + 0.2 * (math.cos(angle) * x + math.sin(angle) * y)
        colour = np.array([1.0 - 0.07 * at["warmth"], 1.0, 1.0 + 0.07 * at["warmth"]])
        return np.asarray(gain * slope[..., None] * colour, np.float32)


class _Path:
    """A smooth path from -1 to 1 over the frames: two swings that never quite repeat."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._phases = rng.uniform(0.0, 2.0 * math.pi, 2)
        self._speeds = 2.0 * math.pi / _FRAMES_PER_SWING * rng.uniform((0.6, 1.7), (1.2, 2.9))

    def at(self, number: int) -> float:
        slow, quick = np.sin(self._phases + self._speeds * number)
        return float(0.65 * slow + 0.35 * quick)


def _rotation(yaw: float, pitch: float, roll: float) -> NDArray[np.float64]:
    """Return the rotation float64[3, 3] by three angles in radians: about the vertical, the level, the optical axis."""
    cy, sy, cp, sp, cr, sr = (f(a) for a in (yaw, pitch, roll) for f in (math.cos, math.sin))
    about_vertical = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_level = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_axis = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_axis @ about_level @ about_vertical, np.float64)
