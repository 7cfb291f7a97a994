"""Sources: where frames come from. ``open_source`` turns what was typed into one of them."""

import logging
import re
import time
from collections.abc import Callable, Generator
from pathlib import Path
from typing import Any, Protocol

import cv2
import numpy as np

from familiar_camera.errors import SourceError
from familiar_camera.frame import Frame, Picture
from familiar_camera.simulation import Session

_log = logging.getLogger(__name__)

PICTURES = frozenset({".jpg", ".jpeg", ".png", ".webp", ".bmp", ".tif", ".tiff"})
SIMULATE = "simulate:"
# An enrolment's 150 frames are ten seconds then; where the server takes longer for one, it sets the pace.
DEFAULT_FPS = 15.0

# Drivers hand out what they buffered first; after a pause that is the past.
_BUFFERED_FRAMES = 4
_PAUSE_S = 0.5

# The sentence for a person comes from us; OpenCV's own lines would only stand around it.
cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)


class Source(Protocol):
    """Gives frames, once.

    Attributes:
        live: whether time goes on while nobody looks, so that the newest frame is the one to send.
        total: how many frames there will be, None where nobody knows.
    """

    live: bool
    total: int | None

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames in order.

        Raises:
            SourceError: the source fails on the way.
        """
        ...


def open_source(text: str, fps: float | None = None) -> Source:
    """Return the source that ``text`` names.

    A number or /dev/video… is a webcam; ``simulate:PATH`` (or ``simulate:PATH#SEED``) a simulated one; a folder, a
    picture and a video are told apart by what is there. ``fps`` is how many frames of a second are taken.

    Raises:
        SourceError: there is nothing of the kind, or it cannot be read.
    """
    if text.startswith(SIMULATE):
        portrait, _, seed = text.removeprefix(SIMULATE).partition("#")
        if seed and not seed.isdigit():
            raise SourceError(f"{text}: the seed after '#' must be a number, not {seed!r}")
        return Simulated(read_picture(Path(portrait)), int(seed or 0))
    if text.isdigit() or text.startswith("/dev/video"):
        return Webcam(text, fps or DEFAULT_FPS)
    path = Path(text)
    if path.is_dir():
        return Pictures(_pictures_in(path))
    if not path.exists():
        raise SourceError(f"{text}: there is no such file, folder or camera")
    if path.suffix.lower() in PICTURES:
        read_picture(path)
        return Pictures([path])
    return Video(path, fps)


def read_picture(path: Path) -> Picture:
    """Read a picture file, turned as its EXIF data say.

    Raises:
        SourceError: it is not there or not a picture.
    """
    try:
        data = np.frombuffer(path.read_bytes(), np.uint8)
    except OSError as exc:
        raise SourceError(f"{path}: {exc.strerror}") from exc
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR) if data.size else None
    if picture is None:
        raise SourceError(f"{path}: this is not a picture that can be read")
    return np.asarray(picture, np.uint8)


class Pictures:
    """A folder's pictures, or a single one; what cannot be read is passed over, unless it is all of them."""

    live = False

    def __init__(self, paths: list[Path]) -> None:
        self._paths = paths
        self.total: int | None = len(paths)

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the pictures in the order of their names."""
        readable = 0
        for path in self._paths:
            try:
                picture = read_picture(path)
            except SourceError as exc:
                _log.warning("%s; passed over", exc)
                continue
            readable += 1
            yield Frame(path.name, picture)
        if not readable:
            raise SourceError(f"none of the {len(self._paths)} pictures can be read")


class Video:
    """A video file, every frame of it or ``fps`` frames of each second."""

    live = False

    def __init__(self, path: Path, fps: float | None) -> None:
        self._path = path
        self._capture = cv2.VideoCapture(str(path))
        if not self._capture.isOpened():
            raise SourceError(f"{path}: this is not a video that can be read")
        self._native_fps = self._capture.get(cv2.CAP_PROP_FPS) or 25.0
        self._every = max(1.0, self._native_fps / fps) if fps else 1.0
        count = int(self._capture.get(cv2.CAP_PROP_FRAME_COUNT))
        self.total: int | None = max(1, int(count / self._every)) if count > 0 else None

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the frames; the label is the time within the video."""
        try:
            position, wanted = 0, 0.0
            while True:
                done, picture = self._capture.read()
                if not done:
                    break
                if position >= wanted:
                    wanted += self._every
                    yield Frame(f"{position / self._native_fps:.2f} s", np.asarray(picture, np.uint8))
                position += 1
        finally:
            self._capture.release()
        if position == 0:
            raise SourceError(f"{self._path}: the video holds no frame that can be read")


class Webcam:
    """A camera of this machine, ``fps`` frames of each second, always the newest."""

    live = True
    total: int | None = None

    def __init__(
        self,
        device: str,
        fps: float,
        open_capture: Callable[..., Any] = cv2.VideoCapture,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._device = device
        self._interval_s = 1.0 / fps
        self._clock = clock
        self._capture = open_capture(int(device) if device.isdigit() else device)
        if not self._capture.isOpened():
            raise SourceError(f"there is no camera at {device}, or another program is using it")
        self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def frames(self) -> Generator[Frame, None, None]:
        """Yield frames until the caller stops."""
        number, taken_at = 0, 0.0
        due = self._clock()
        try:
            while True:
                if number and self._clock() - taken_at > _PAUSE_S:
                    for _ in range(_BUFFERED_FRAMES):
                        self._capture.grab()
                while self._grab() and self._clock() < due:
                    pass
                done, picture = self._capture.retrieve()
                if not done:
                    raise SourceError(f"the camera at {self._device} gives no pictures any more")
                taken_at = self._clock()
                # Counted on from the moment it was due: the camera's own frames hardly ever come when one is, and the
                # wait for the next of them would add up. What was missed for longer than that is not made up for.
                due = max(due + self._interval_s, taken_at)
                number += 1
                yield Frame(f"frame {number}", np.asarray(picture, np.uint8))
        finally:
            self._capture.release()

    def _grab(self) -> bool:
        if not self._capture.grab():
            raise SourceError(f"the camera at {self._device} gives no pictures any more")
        return True


class Simulated:
    """A simulated webcam session of one portrait; as it waits for nobody, it counts as recorded."""

    live = False

    def __init__(self, portrait: Picture, seed: int, frames: int = 150) -> None:
        self._session = Session(portrait, seed)
        self.total: int | None = frames

    def frames(self) -> Generator[Frame, None, None]:
        """Yield the session's frames."""
        for number in range(self.total or 0):
            yield Frame(f"frame {number + 1}", self._session.frame(number))


def _pictures_in(folder: Path) -> list[Path]:
    paths = sorted((p for p in folder.iterdir() if p.suffix.lower() in PICTURES and p.is_file()), key=_natural)
    if not paths:
        raise SourceError(f"{folder}: the folder holds no pictures ({', '.join(sorted(PICTURES))})")
    return paths


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order 'frame 9' before 'frame 10'."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name.lower())]
