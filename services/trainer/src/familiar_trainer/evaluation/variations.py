"""Controlled changes of a picture: what a camera, the light and the person themselves do to a face."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.reason import Reason
from familiar.seeing import Frame, decode, encode_jpeg

Landmarks = NDArray[np.float32]
Rng = np.random.Generator
Change = Callable[[Frame, Landmarks, Rng], Frame]

_NOISE = 3.0
"""Standard deviation of a sensor's noise in grey levels, which does not fade with the light."""


@dataclass(frozen=True)
class Variation:
    """One change at one strength; ``reasons`` are the right ones to refuse such a picture for."""

    kind: str
    level: str
    reasons: tuple[Reason, ...]
    change: Change

    @property
    def name(self) -> str:
        """Kind and level."""
        return f"{self.kind} {self.level}"


def all_variations() -> list[Variation]:
    """Return every variation, the weakest of each kind first."""
    dark, bright, blurred = (Reason.TOO_DARK,), (Reason.TOO_BRIGHT,), (Reason.BLURRED,)
    small, turned, cut = (Reason.TOO_SMALL,), (Reason.TURNED_AWAY,), (Reason.CUT_OFF,)
    return [
        Variation("as it is", "", (), lambda frame, landmarks, rng: frame),
        *_kind("light, share of", dark, _gain, (0.5, 0.25, 0.12, 0.06, 0.03)),
        *_kind("overexposed, times", bright, _gain, (1.5, 2.0, 3.0, 5.0)),
        *_kind("light from one side, the other gets", dark, _side_light, (0.5, 0.25, 0.1)),
        *_kind("blur, % of eye distance", blurred, _blur, (2, 4, 6, 8, 12)),
        *_kind("motion, % of eye distance", blurred, _motion, (10, 20, 40, 60)),
        *_kind("distance, px between eyes", (*small, *blurred), _distance, (30, 20, 16, 12, 9, 7)),
        *_kind("head turned, degrees", turned, _turn, (15, -30, 30, 45, 60)),
        *_kind("head lowered or raised, degrees", turned, _nod, (-15, 15, -25, 25)),
        *_kind("tilted, degrees", turned, _tilt, (20, 45, 90)),
        *_kind("JPEG quality", blurred, _jpeg, (50, 25, 10, 5)),
        *_kind("cut by the border, share left", cut, _cut, (0.9, 0.8, 0.7, 0.6, 0.5)),
        Variation("covered", "clear glasses", (), _glasses),
        Variation("covered", "dark glasses", (), _dark_glasses),
        Variation("covered", "mouth and nose", (), _mask),
    ]


def _kind(
    kind: str, reasons: tuple[Reason, ...], change: Callable[..., Frame], levels: Sequence[float]
) -> list[Variation]:
    return [Variation(kind, f"{level:g}", reasons, partial(_apply, change, level)) for level in levels]


def _apply(change: Callable[..., Frame], level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    return np.ascontiguousarray(change(level, frame, landmarks, rng), np.uint8)


def passing(count: int) -> list[Variation]:
    """Return as many frames of somebody who moves before a camera in changing light: several mild changes at once."""
    return [Variation("moving, frame", str(number), (), _move) for number in range(count)]


def _move(frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    mild: tuple[tuple[Callable[..., Frame], float, float], ...] = (
        (_gain, 0.4, 1.3), (_side_light, 0.3, 1.0), (_turn, -30, 30), (_nod, -15, 15), (_tilt, -15, 15), (_blur, 0, 4),
        (_motion, 0, 15), (_distance, 18, 60), (_jpeg, 40, 95),
    )  # fmt: skip
    # Landmarks are those of the picture as it is: each change is made at the place where the face was.
    for chosen in sorted(rng.choice(len(mild), 3, replace=False).tolist()):
        change, least, most = mild[chosen]
        frame = _apply(change, rng.uniform(least, most), frame, landmarks, rng)
    return frame


def eye_distance(landmarks: Landmarks) -> float:
    """Return the distance of the eyes in pixels."""
    return float(np.hypot(*(landmarks[1] - landmarks[0])))


def _clipped(pixels: NDArray[np.floating[Any]]) -> Frame:
    return np.asarray(np.clip(np.rint(pixels), 0, 255), np.uint8)


def _noisy(pixels: NDArray[np.floating[Any]], rng: Rng) -> Frame:
    return _clipped(pixels + rng.normal(0, _NOISE, pixels.shape))


def _gain(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    return _noisy(frame * np.float32(level), rng)


def _side_light(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    middle, width = float(landmarks[2, 0]), eye_distance(landmarks) / 4
    lit = 1 / (1 + np.exp((np.arange(frame.shape[1]) - middle) / width))
    return _noisy(frame * (level + (1 - level) * lit)[None, :, None], rng)


def _blur(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    return _noisy(cv2.GaussianBlur(frame, (0, 0), level / 100 * eye_distance(landmarks)).astype(np.float32), rng)


def _motion(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    length = max(1, round(level / 100 * eye_distance(landmarks)))
    angle = rng.uniform(0, np.pi)
    kernel = np.zeros((2 * length + 1, 2 * length + 1), np.float32)
    for step in np.linspace(-length / 2, length / 2, 4 * length):
        kernel[round(length + step * np.sin(angle)), round(length + step * np.cos(angle))] += 1
    return _noisy(
        cv2.filter2D(frame, cv2.CV_32F, kernel / kernel.sum(), borderType=cv2.BORDER_REPLICATE).astype(np.float32), rng
    )


def _distance(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    """Shrink the frame into the middle of one of the same size, as if the person stood farther away."""
    scale = level / eye_distance(landmarks)
    if scale >= 1:
        return frame
    small = cv2.resize(frame, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA)
    top, left = ((full - part) // 2 for full, part in zip(frame.shape[:2], small.shape[:2], strict=True))
    bottom, right = frame.shape[0] - small.shape[0] - top, frame.shape[1] - small.shape[1] - left
    wide = cv2.copyMakeBorder(small, top, bottom, left, right, cv2.BORDER_REPLICATE)
    return _noisy(wide.astype(np.float32), rng)


def _turn(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    return _rotated(frame, landmarks, np.radians(level))


def _nod(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    turned = _rotated(frame.transpose(1, 0, 2), np.ascontiguousarray(landmarks[:, ::-1]), np.radians(level), tall=1.35)
    return turned.transpose(1, 0, 2)


def _rotated(frame: Frame, landmarks: Landmarks, angle: float, tall: float = 1.0) -> Frame:
    """Turn the head about an axis through its middle: a cylinder with a nose, drawn from far away.

    What was hidden cannot be shown: it is filled from its edge. Sizes are in units of the eye distance.
    """
    unit = max(eye_distance(landmarks), np.hypot(*(landmarks[1] - landmarks[0])[::-1]))
    middle = landmarks[[0, 1, 3, 4]].mean(axis=0)
    radius, oversampling = 1.2 * tall, 2
    across = (np.arange(frame.shape[1] * oversampling) / oversampling - middle[0]) / unit
    down = (np.arange(frame.shape[0]) - landmarks[2, 1]) / unit
    depth = np.sqrt(np.maximum(radius**2 - across**2, 0))[None, :] + 0.3 * np.exp(
        -((across[None, :] ** 2 + down[:, None] ** 2) / (2 * 0.18**2))
    )
    seen_at = np.rint((across[None, :] * np.cos(angle) + depth * np.sin(angle)) * unit + middle[0]).astype(int)
    nearness = depth * np.cos(angle) - across[None, :] * np.sin(angle)
    order = np.argsort(nearness, axis=None, kind="stable")
    rows, columns = np.unravel_index(order, depth.shape)
    target = seen_at.ravel()[order]
    inside = (target >= 0) & (target < frame.shape[1])
    source = np.full(frame.shape[:2], np.nan, np.float32)
    source[rows[inside], target[inside]] = columns[inside] / oversampling
    places = np.arange(frame.shape[1])
    for row in source:
        filled = np.isfinite(row)
        row[:] = np.interp(places, places[filled], row[filled])
    lines = np.repeat(np.arange(frame.shape[0], dtype=np.float32)[:, None], frame.shape[1], axis=1)
    return np.asarray(cv2.remap(np.ascontiguousarray(frame), source, lines, cv2.INTER_LINEAR), np.uint8)


def _tilt(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    x, y = (float(value) for value in landmarks[2])
    matrix = cv2.getRotationMatrix2D((x, y), level, 1.0)
    size = (frame.shape[1], frame.shape[0])
    return np.asarray(cv2.warpAffine(frame, matrix, size, borderMode=cv2.BORDER_REPLICATE), np.uint8)


def _jpeg(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    return decode(encode_jpeg(frame, int(level)))


def _cut(level: float, frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    """Move the face out of the frame at one side; a face is about 2.2 eye distances wide."""
    width = 2.2 * eye_distance(landmarks)
    left = landmarks[:, 0].mean() - width / 2
    if rng.random() < 0.5:
        return frame[:, int(max(left + (1 - level) * width, 0)) :]
    return frame[:, : int(max(left + level * width, 32))]


def _glasses(frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    drawn = frame.copy()
    _spectacles(drawn, landmarks, thickness=max(2, round(eye_distance(landmarks) / 14)))
    return drawn


def _dark_glasses(frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    drawn = frame.copy()
    _spectacles(drawn, landmarks, thickness=-1)
    return drawn


def _spectacles(frame: Frame, landmarks: Landmarks, thickness: int) -> None:
    unit, (right, left) = eye_distance(landmarks), landmarks[:2].astype(np.float64)
    angle = float(np.degrees(np.arctan2(left[1] - right[1], left[0] - right[0])))
    axes = (round(0.38 * unit), round(0.28 * unit))
    for eye in (right, left):
        centre = (round(eye[0]), round(eye[1]))
        cv2.ellipse(frame, centre, axes, angle, 0, 360, (25, 25, 25), thickness, cv2.LINE_AA)
    bridge = [tuple(np.rint(right + share * (left - right)).astype(int).tolist()) for share in (0.38, 0.62)]
    cv2.line(frame, bridge[0], bridge[1], (25, 25, 25), max(2, round(unit / 14)), cv2.LINE_AA)


def _mask(frame: Frame, landmarks: Landmarks, rng: Rng) -> Frame:
    drawn = frame.copy()
    mouth, nose = landmarks[3:].mean(axis=0), landmarks[2]
    across = landmarks[1] - landmarks[0]
    down = mouth - landmarks[:2].mean(axis=0)
    corners = [nose - 0.8 * across, nose + 0.8 * across, mouth + 0.7 * across + down, mouth - 0.7 * across + down]
    cv2.fillConvexPoly(drawn, np.rint(np.array(corners)).astype(np.int32), (190, 190, 190), cv2.LINE_AA)
    return drawn
