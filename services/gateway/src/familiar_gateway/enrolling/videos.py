"""Frames of a video, evenly over its length, decoded one at a time by a process that may be ended."""

import hashlib
import logging
import os
import select
import signal
import subprocess
import sys
import time
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import IO, Self

import numpy as np

from familiar.errors import InvalidInput, TooLarge, Unavailable
from familiar.seeing import Decoder, Frame, is_still
from familiar.settings import Settings
from familiar_gateway.enrolling import video_reader
from familiar_gateway.enrolling.frames import CutOff, Shot

log = logging.getLogger(__name__)

_MAX_SECONDS = 300
_ENDING_S = 1.0
_FOR_THE_READER = {
    # Nothing but the file is opened, and by none but the three readers that ``is_video`` knows.
    "OPENCV_FFMPEG_CAPTURE_OPTIONS": "protocol_whitelist;file|format_whitelist;avi,matroska,mov",
    # Each thread's stack would count as memory in use.
    "OPENBLAS_NUM_THREADS": "1",
    "OMP_NUM_THREADS": "1",
}


def is_video(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is MP4 or QuickTime, Matroska or WebM, or AVI.

    No other kind reaches the decoder: a playlist, for one, could make it open other files and addresses. Phones' still
    pictures, which have the form of MP4, are none of them.
    """
    if head[4:8] == b"ftyp":
        return not is_still(head)
    return head[:4] == b"\x1aE\xdf\xa3" or (head[:4] == b"RIFF" and head[8:12] == b"AVI ")


def read_shots(file: IO[bytes], decoder: Decoder, settings: Settings) -> Generator[Shot]:
    """Yield up to ``settings.enroll_frames`` frames of the video file, evenly spaced.

    Raises:
        InvalidInput: not one frame can be decoded.
        TooLarge: its frames have more pixels than a picture may have, or it is longer than five minutes.
        CutOff: after the frames that there was time for, or that could be read.
        Unavailable: the process that reads it was killed, which says nothing of the video.
    """
    with _Reading(file, decoder.limits.max_pixels, settings) as reading:
        given = 0
        for frame in reading.frames():
            given += 1
            yield _shot(frame, decoder)
        if not given:
            why = "has no frame that can be decoded" if reading.at_end else "cannot be read, or not in the time it has"
            raise InvalidInput(f"the video {why}", code="invalid_video")
        if not reading.at_end:
            raise CutOff


def _shot(frame: Frame, decoder: Decoder) -> Shot:
    @contextmanager
    def unpack() -> Iterator[Frame]:
        with decoder.hold(frame.shape[0] * frame.shape[1]):
            yield frame

    return Shot(hashlib.sha256(frame.data).hexdigest(), unpack)


class _Reading:
    """A process that reads a video, see ``video_reader``; it is ended with the block, or when its time is over."""

    def __init__(self, file: IO[bytes], max_pixels: int, settings: Settings) -> None:
        self.at_end = False
        self._max_pixels = max_pixels
        self._deadline = time.monotonic() + settings.upload_time_s
        numbers = (
            settings.enroll_frames, max_pixels, _MAX_SECONDS, settings.video_memory_bytes, settings.upload_time_s
        )  # fmt: skip
        number = file.fileno()  # which puts it on disk, if it was small enough not to be there yet
        file.flush()
        self._process = subprocess.Popen(
            [sys.executable, "-P", str(Path(video_reader.__file__)), *(f"{each:.0f}" for each in numbers)],
            stdin=number,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,  # what a decoder says of a damaged video
            env={**os.environ, **_FOR_THE_READER},
        )
        assert self._process.stdout is not None
        self._pipe = self._process.stdout
        self._poll = select.poll()
        self._poll.register(self._pipe, select.POLLIN)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, _kind: type | None, _error: BaseException | None, _trace: TracebackType | None) -> None:
        self._process.kill()
        self._process.wait()
        self._pipe.close()

    def frames(self) -> Iterator[Frame]:
        """Yield the frames it sends, until it ends or its time is over.

        Raises:
            TooLarge: it says that the video is.
            Unavailable: it was killed.
        """
        head = np.empty(video_reader.MESSAGE.size, np.uint8)
        while self._fill(head):
            kind, first, second = video_reader.MESSAGE.unpack(head.tobytes())
            if kind == b"E":
                self.at_end = True
                return
            if kind == b"L":
                raise TooLarge(f"the video lasts {first} s, or has more pictures than that; at most {_MAX_SECONDS} s")
            if kind == b"S":
                most = f"at most {self._max_pixels} in all are taken"
                raise TooLarge(f"the video has frames of {second}x{first} pixels; {most}")
            if first * second > self._max_pixels:
                return
            frame = np.empty((first, second, 3), np.uint8)
            if not self._fill(frame.reshape(-1)):
                return
            yield frame

    def _fill(self, buffer: Frame) -> bool:
        """Fill all of ``buffer``, uint8[N], from the pipe; False if it ended, or the time is over."""
        missing = buffer.data
        while len(missing):
            left_s = self._deadline - time.monotonic()
            if left_s <= 0 or not self._poll.poll(1000 * left_s):
                return False
            got = os.readv(self._pipe.fileno(), [missing])
            if not got:
                self._ended_early()
                return False
            missing = missing[got:]
        return True

    def _ended_early(self) -> None:
        try:
            status = self._process.wait(_ENDING_S)
        except subprocess.TimeoutExpired:  # it has closed its output and goes on
            return
        log.warning("the process that read a video ended before it, with status %s", status)
        if status == -signal.SIGKILL:  # by a hand, or by a kernel that had no memory left: what it was sent may be good
            raise Unavailable("the process that read the video was killed; send it again")
