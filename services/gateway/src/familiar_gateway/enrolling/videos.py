"""Frames of a video, evenly over its length, decoded one at a time."""

import hashlib
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from familiar.errors import InvalidInput, TooLarge
from familiar.seeing import Frame, PixelBudget
from familiar_gateway.enrolling.capture import Shot

_MAX_DECODE_S = 60.0
_MAX_SECONDS = 300


def is_video(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is MP4 or QuickTime, Matroska or WebM, or AVI.

    No other kind reaches the decoder: a playlist, for one, could make it open other files and addresses.
    """
    return head[4:8] == b"ftyp" or head[:4] == b"\x1aE\xdf\xa3" or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def read_shots(path: Path, *, max_frames: int, max_pixels: int, budget: PixelBudget) -> Iterator[Shot]:
    """Yield up to ``max_frames`` frames of the video file, evenly spaced.

    Raises:
        InvalidInput: not one frame can be decoded.
        TooLarge: its frames have more than ``max_pixels``, or it is longer than five minutes.
    """
    video = cv2.VideoCapture(str(path), cv2.CAP_FFMPEG)
    try:
        if not video.isOpened():
            raise InvalidInput("the video cannot be read", code="invalid_video")
        width, height = (int(video.get(key)) for key in (cv2.CAP_PROP_FRAME_WIDTH, cv2.CAP_PROP_FRAME_HEIGHT))
        if width * height > max_pixels:
            raise TooLarge(f"the video has frames of {width}x{height} pixels; at most {max_pixels} in all are taken")
        yield from _sample(video, width * height, max_frames, budget)
    finally:
        video.release()


def _sample(video: cv2.VideoCapture, pixels: int, max_frames: int, budget: PixelBudget) -> Iterator[Shot]:
    total, rate = video.get(cv2.CAP_PROP_FRAME_COUNT), video.get(cv2.CAP_PROP_FPS)
    if total > 0 and rate > 0 and total / rate > _MAX_SECONDS:
        raise TooLarge(f"the video lasts {total / rate:.0f} s; at most {_MAX_SECONDS} s are taken")
    step = max(1, math.ceil(total / max_frames)) if total > 0 else 1
    deadline = time.monotonic() + _MAX_DECODE_S
    position = given = 0
    while given < max_frames and time.monotonic() < deadline:
        with budget.hold(pixels):
            if not video.grab():
                break
            taken = position % step == 0
            bgr = video.retrieve()[1] if taken else None
            position += 1
            if bgr is None:
                continue
            frame = np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)
        given += 1
        yield _shot(frame, budget)
    if not given:
        raise InvalidInput("the video has no frame that can be decoded", code="invalid_video")


def _shot(frame: Frame, budget: PixelBudget) -> Shot:
    @contextmanager
    def unpack() -> Iterator[Frame]:
        with budget.hold(frame.shape[0] * frame.shape[1]):
            yield frame

    return Shot(hashlib.sha256(frame.tobytes()).hexdigest(), unpack)
