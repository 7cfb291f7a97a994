"""Feeds: one connection to a camera each, until it breaks; how a broken one is replaced is told in ``live``."""

import os
import socket
import ssl
from contextlib import ExitStack
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import urlsplit, urlunsplit

import cv2
import numpy as np

from familiar_camera.errors import SourceError
from familiar_camera.frame import Picture
from familiar_camera.lateness import Lateness
from familiar_camera.trust import believing, doubt, unbelieved
from familiar_camera.tunnel import Tunnel

CONNECT_S, READ_S = 3.2, 5.0
"""How long a connection to a camera may take to be made, and its next picture.

Packets that begin a connection are sent again after 1 and 3 seconds, and then after 7: too late where the network came
back at 4, so it is given up before.
"""
STREAM_OPEN_S = 12.0
"""How long FFmpeg may look at a stream before its first picture: nine of its pictures, and one a second may come."""

# Where pictures come one by one over UDP those that are lost leave smears behind, which are no faces. By itself FFmpeg
# looks at twenty pictures to tell how many a second come: four seconds of some cameras, and nobody asks.
# By TLS it believes anybody by itself; what comes through a tunnel has been looked at, and whatever else it opens is.
_ROOTS = ssl.get_default_verify_paths().cafile
os.environ.setdefault(
    "OPENCV_FFMPEG_CAPTURE_OPTIONS",
    "rtsp_transport;tcp|fpsprobesize;2|tls_verify;1" + (f"|ca_file;{_ROOTS}" if _ROOTS else ""),
)
# What FFmpeg says by itself may have the address in it, and the password with that.
os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
# A driver that has nothing to hand out waits ten seconds by itself.
os.environ.setdefault("OPENCV_VIDEOIO_V4L_SELECT_TIMEOUT", f"{READ_S:.0f}")


NO_ADDRESS = "it is not an address; in a password, '/' is written %2F, '@' %40, ':' %3A, '?' %3F and '#' %23"
_MOST_DIGITS = 8
_PORTS = {"rtsp": 554, "rtsps": 322, "rtmp": 1935, "rtmps": 443, "https": 443, "tcp": None}
"""Of the streams that come over TCP, and the ports that they come from where the address names none."""
_BY_TLS = {"rtsps": "rtsp", "rtmps": "rtmp", "https": "http"}
"""Of those that come by TLS, and what they are inside."""


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

    def late_s(self, now: float) -> float | None:
        """Return how much later than it could the picture came that was grabbed last; None if that is not known."""

    def picture(self) -> Picture | None:
        """Return the picture that was grabbed last; None if it cannot be read."""

    def close(self) -> None:
        """End the connection."""


class CaptureFeed:
    """A device, or a stream of any kind that FFmpeg reads, by OpenCV."""

    on_demand = False

    def __init__(self, capture: Any, *, warms_up: bool, queues: bool, beside: ExitStack | None = None) -> None:
        """Take what OpenCV opened, and what has to be closed with it."""
        self._capture = capture
        self._beside = beside
        self.warms_up = warms_up
        self.queues = queues
        self._lateness = Lateness()
        self._stream_s: float | None = None

    def grab(self) -> None:
        """Wait for the next picture."""
        if not self._capture.grab():
            raise FeedLost("it gives no pictures any more")

    def late_s(self, now: float) -> float | None:
        """Compare the clock of the stream with ours; a device waits for nobody, and some streams have no clock.

        A picture here and there that has no time, as after a pause, is held to be of the time of the one before.
        """
        told_s = self._capture.get(cv2.CAP_PROP_POS_MSEC) / 1000.0 if self.queues else 0.0
        self._stream_s = told_s if told_s > 0 else self._stream_s
        return None if self._stream_s is None else self._lateness.of(now - self._stream_s, now)

    def picture(self) -> Picture | None:
        """Decode the picture that was grabbed last."""
        done, picture = self._capture.retrieve()
        return np.asarray(picture, np.uint8) if done and picture is not None and picture.size else None

    def close(self) -> None:
        """Give the device or the connection back."""
        self._capture.release()
        if self._beside is not None:
            self._beside.close()


def is_number(device: str) -> bool:
    """Whether a camera of this machine is named by its number."""
    return device.isascii() and device.isdigit() and len(device) < _MOST_DIGITS


def open_device(device: str) -> CaptureFeed:
    """Open a camera of this machine: its number, its path, or a link to that, which is followed anew each time."""
    capture = cv2.VideoCapture(int(device) if is_number(device) else str(Path(device).resolve()))
    if not capture.isOpened():
        capture.release()
        if Path(device).exists() and not os.access(device, os.R_OK | os.W_OK):
            raise FeedLost(f"this user may not use {device}: cameras are often for those of the group 'video'")
        raise FeedLost(f"there is no camera at {device}, or another program is using it")
    capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)
    return CaptureFeed(capture, warms_up=True, queues=False)


def open_stream(address: str, context: ssl.SSLContext | None = None) -> CaptureFeed:
    """Open a stream that FFmpeg reads; by TLS, ``context`` says whom to believe.

    Raises:
        FeedLost: there is none now.
        SourceError: whoever is there is not believed.
    """
    with ExitStack() as opened:
        _knock(address, context)
        open_ms, read_ms = int(1000 * STREAM_OPEN_S), int(1000 * READ_S)
        limits = (cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, open_ms, cv2.CAP_PROP_READ_TIMEOUT_MSEC, read_ms)
        capture = cv2.VideoCapture(_through_tls(address, context, opened), cv2.CAP_FFMPEG, limits)
        if not capture.isOpened():
            capture.release()
            raise FeedLost("there is no stream: is the camera on, and are path, user and password right?")
        return CaptureFeed(capture, warms_up=False, queues=True, beside=opened.pop_all())


def _knock(address: str, context: ssl.SSLContext | None) -> None:
    """See whether a connection can be made at all, of which FFmpeg does not tell, and for which it takes its time."""
    scheme, host, port = _place(address)
    if host is None or port is None or scheme not in _PORTS:
        return
    try:
        with socket.create_connection((host, port), timeout=CONNECT_S) as connection:
            if scheme in _BY_TLS:
                (context or believing(None)).wrap_socket(connection, server_hostname=host).close()
    except OSError as exc:
        if (why := doubt(exc)) is not None:
            raise unbelieved(why, host, port) from exc
        raise FeedLost(unreachable(exc)) from exc


def _through_tls(address: str, context: ssl.SSLContext | None, opened: ExitStack) -> str:
    """Return the address at which FFmpeg finds a stream that comes by TLS."""
    scheme, host, port = _place(address)
    if scheme not in _BY_TLS or host is None or port is None:
        return address
    tunnel = opened.enter_context(Tunnel(host, port, context or believing(None), READ_S))
    taken = urlsplit(address)
    login = taken.netloc.rpartition("@")
    netloc = f"{login[0]}{login[1]}127.0.0.1:{tunnel.port}"
    return urlunsplit((_BY_TLS[scheme], netloc, taken.path, taken.query, taken.fragment))


def _place(address: str) -> tuple[str, str | None, int | None]:
    """Return scheme, host and port of an address; no host where FFmpeg has to make something of it.

    Raises:
        SourceError: it is none.
    """
    try:
        taken = urlsplit(address)
        return taken.scheme, taken.hostname, taken.port or _PORTS.get(taken.scheme)
    except ValueError as exc:
        raise SourceError(NO_ADDRESS) from exc


def unreachable(exc: Exception) -> str:
    """Return in words that a connection could not be made."""
    return "it does not answer in time" if isinstance(exc, TimeoutError) else f"it does not answer ({str(exc).lower()})"
