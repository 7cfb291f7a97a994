"""Sources: where frames come from. ``open_source`` turns what was typed into one of them."""

import logging
import math
import os
import re
from collections.abc import Generator
from pathlib import Path
from typing import Protocol

import cv2
import numpy as np

from familiar_camera.address import masked, scheme_of
from familiar_camera.backoff import Backoff
from familiar_camera.errors import SourceError
from familiar_camera.feeds import Feed, FeedLost, is_number, open_device, open_stream
from familiar_camera.frame import Frame, Picture
from familiar_camera.http_feeds import open_http
from familiar_camera.live import Live, OnWait
from familiar_camera.simulation import Session
from familiar_camera.trust import believing

_log = logging.getLogger(__name__)

PICTURES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".avif", ".bmp", ".tif", ".tiff"})
_OF_PHONES = frozenset({".heic", ".heif", ".hif"})
_DEVICES = ("/dev/video", "/dev/v4l/")
_STREAMS = frozenset({"rtsp", "rtsps", "http", "https", "rtmp", "rtmps", "srt", "udp", "tcp", "rtp"})
_BY_TLS = frozenset({"https", "rtsps", "rtmps"})
_HAVE_ONE = "addresses that begin with https, rtsps or rtmps"
SIMULATE = "simulate:"
# An enrolment's 150 frames are ten seconds then; where the server takes longer for one, it sets the pace.
DEFAULT_FPS = 15.0
DEFAULT_SNAPSHOTS_FPS = 2.0

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


def open_source(
    text: str,
    fps: float | None = None,
    patience: Backoff = Backoff(),
    on_wait: OnWait = lambda _why, _seconds: None,
    trust: str | None = None,
) -> Source:
    """Return the source that ``text`` names.

    A number, a path of a camera's device or a link to one is a webcam; an address (rtsp://, http:// ...) a stream or
    single pictures; ``simulate:PATH`` (or ``simulate:PATH#SEED``) a simulated webcam; a folder, a picture and a video
    are told apart by what is there. ``fps`` is how many frames of a second are taken. Cameras that fail are opened
    again, for as long as ``patience`` lasts; before each wait ``on_wait`` is told why. No message has a password in it.
    ``trust`` says whom to believe to be the camera by https or another kind of TLS, as in ``trust.believing``.

    Raises:
        SourceError: there is nothing of the kind, or it cannot be read.
    """
    if trust is not None and scheme_of(text) not in _BY_TLS:
        raise SourceError(f"{masked(text)} shows no certificate, so 'trust' cannot be kept; {_HAVE_ONE} do")
    if text.startswith(SIMULATE):
        portrait, _, seed = text.removeprefix(SIMULATE).partition("#")
        if seed and not seed.isdigit():
            raise SourceError(f"{text}: the seed after '#' must be a number, not {seed!r}")
        return Simulated(read_picture(Path(portrait)), int(seed or 0))
    if (scheme := scheme_of(text)) is not None:
        return _stream(text, scheme, fps, patience, on_wait, trust)
    try:
        return _of_this_machine(text, fps, patience, on_wait)
    except (OSError, ValueError) as exc:
        raise SourceError(f"{masked(text)}: {getattr(exc, 'strerror', None) or 'this is no path'}") from exc


def _of_this_machine(text: str, fps: float | None, patience: Backoff, on_wait: OnWait) -> Source:
    path = Path(text)
    if is_number(text) or os.path.realpath(text).startswith(_DEVICES) or path.is_char_device():
        return _webcam(text, fps or DEFAULT_FPS, patience, on_wait)
    # Nothing, as of a variable that is not set, would be the folder that we are in.
    if not text or not path.exists():
        raise SourceError(f"{masked(text)}: there is no such file, folder or camera")
    if path.is_dir():
        return Pictures(_pictures_in(path))
    if path.suffix.lower() in PICTURES | _OF_PHONES:
        read_picture(path)
        return Pictures([path])
    return Video(path, fps)


def _webcam(device: str, fps: float, patience: Backoff, on_wait: OnWait) -> Live:
    try:
        first = open_device(device)
    except FeedLost as exc:
        # Who waits for ever waits for a camera that is not plugged in yet, too.
        if patience.patience_s < math.inf:
            raise SourceError(str(exc)) from exc
        first = None
    name = f"the camera at {device}"
    return Live(name, lambda: open_device(device), fps, first=first, patience=patience, on_wait=on_wait)


def _stream(
    address: str, scheme: str, fps: float | None, patience: Backoff, on_wait: OnWait, trust: str | None
) -> Live:
    if scheme not in _STREAMS:
        raise SourceError(f"{masked(address)}: addresses of cameras begin with {', '.join(sorted(_STREAMS))}")
    context = believing(trust) if scheme in _BY_TLS else None
    snapshots_s = 1.0 / (fps or DEFAULT_SNAPSHOTS_FPS)

    def connect() -> Feed:
        return (
            open_http(address, snapshots_s, context) if scheme in ("http", "https") else open_stream(address, context)
        )

    return Live(masked(address), connect, fps or DEFAULT_FPS, patience=patience, on_wait=on_wait)


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
        if data[4:8].tobytes() == b"ftyp":
            raise SourceError(f"{path}: HEIC pictures are not read; save them as JPEG first")
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
    wanted = PICTURES | _OF_PHONES  # of a phone's picture, too, it is said that it is passed over
    paths = sorted((p for p in folder.iterdir() if p.suffix.lower() in wanted and p.is_file()), key=_natural)
    if all(path.suffix.lower() in _OF_PHONES for path in paths):
        hint = "; HEIC pictures have to be saved as JPEG first" if paths else ""
        raise SourceError(f"{folder}: the folder holds no pictures ({', '.join(sorted(PICTURES))}){hint}")
    return paths


def _natural(path: Path) -> list[tuple[int, str]]:
    """Order 'frame 9' before 'frame 10'."""
    return [(int(part), "") if part.isdigit() else (-1, part) for part in re.split(r"(\d+)", path.name.lower())]
