"""Feeds: one connection to a camera each, until it breaks; how a broken one is replaced is told in ``live``."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from familiar_camera.frame import Picture

OPEN_S, READ_S = 5.0, 5.0
"""How long a camera may take to answer, and for its next picture."""

# Where pictures come one by one over UDP those that are lost leave smears behind, which are no faces.
os.environ.setdefault("OPENCV_FFMPEG_CAPTURE_OPTIONS", "rtsp_transport;tcp")
# What FFmpeg says by itself may have the address in it, and the password with that.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# A driver that has nothing to hand out waits ten seconds by itself.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", f"{READ_S:.0f}")


class FeedLost(Exception):
    """The connection cannot be made, or is broken; making another one may help. Its text says what happened."""


class Feed(Protocol):
    """A connection to a camera.

    Attributes:
        warms_up: whether its first pictures come before the exposure has settled.
        queues: whether pictures that nobody fetched wait somewhere on the way, and come first.
        on_demand: whether it takes a picture when one is asked for, rather than all the time.
    """

    warms_up: bool
    queues: bool
    on_demand: bool

    def grab(self) -> None:
        """Wait for the next picture.

        Raises:
            FeedLost: there will be none.
        """

    def picture(self) -> Picture | None:
        """Return the picture that was grabbed last; None if it cannot be read."""

    def close(self) -> None:
        """End the connection."""


class CaptureFeed:
    """A device, or a stream of any kind that FFmpeg reads, by OpenCV."""

    on_demand = False

    def __init__(self, capture: Any, *, warms_up: bool, queues: bool) -> None:
        self._capture = capture
        self.warms_up = warms_up
        self.queues = queues

    def grab(self) -> None:
        """Wait for the next picture."""
        if not self._capture.grab():
            raise FeedLost("it gives no pictures any more")

    def picture(self) -> Picture | None:
        """Decode the picture that was grabbed last."""
        done, picture = self._capture.retrieve()
        return np.asarray(picture, np.uint8) if done and picture is not None and picture.size else None

    def close(self) -> None:
        """Give the device or the connection back."""
        self._capture.release()


def open_device(device: str) -> CaptureFeed:
    """Open a camera of this machine: its number, its path, or a link to that, which is followed anew each time."""
    capture = cv2.VideoCapture(int(device) if device.isdigit() else str(Path(device).resolve()))
    if not capture.isOpened():
        capture.release()
        raise FeedLost("there is no camera, or another program is using it")
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return CaptureFeed(capture, warms_up=True, queues=False)


def open_stream(address: str) -> CaptureFeed:
    """Open a stream that FFmpeg reads."""
    limits: Sequence[int] = (
        cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, int(1000 * OPEN_S), cv2.CAP_PROP_READ_TIMEOUT_MSEC, int(1000 * READ_S)
    )  # fmt: skip
    capture = cv2.VideoCapture(address, cv2.CAP_FFMPEG, limits)
    if not capture.isOpened():
        capture.release()
        raise FeedLost("there is no stream: is the camera on, and are path, user and password right?")
    return CaptureFeed(capture, warms_up=False, queues=True)
