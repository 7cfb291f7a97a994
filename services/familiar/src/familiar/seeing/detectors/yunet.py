"""YuNet, twice: run by LiteRT from the file in this package, or by OpenCV from a file of the user's.

W. Wu, H. Peng, S. Yu: YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research 20, 2023.
"""

import os
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np

from familiar.errors import MisconfiguredError
from familiar.seeing.detection import Box, Face, largest_first
from familiar.seeing.detectors.network import Found, Network
from familiar.seeing.detectors.searching import SEARCH_PIXELS, Searcher
from familiar.seeing.image import Frame

# Landmarks are as exact as the grid they were found on, and the backbone's template was measured on upright faces of
# about 130 px in pictures of 250 px. A face that the search saw much smaller, scaled down or tilted is looked at again
# in a cut-out of that kind.
_CLOSE_UP_PX = 250
_UNSHRUNK_PX = 480
_FACE_SHARE = 0.5
_LEAST_HEIGHT_PX = 80
_UPRIGHT_DEG = 6.0
_SETTLED_DEG = 2.0
_MARKED_DEG = 20.0
_MOST_LOOKS = 5
# The landmarks lean towards an upright face: of a tilt they show about half.
_UNDERSTATED = 2.0
_LEAST_CONFIDENCE = 0.5
_MOST_THREADS = 4


class _YuNet:
    """Search coarsely, then look closely: the part that does not depend on who runs the network."""

    name: str

    def __init__(self, search: Callable[[Frame], list[Found]], search_pixels: int) -> None:
        self._search = search
        # Shared by all who call, so that however many do, no more memory is taken at once for tiles.
        self._threads = ThreadPoolExecutor(min(os.cpu_count() or 1, _MOST_THREADS), "detector")
        self._searcher = Searcher(search, search_pixels, self._threads)

    def search(self, frame: Frame, least_share: float = 0.0) -> Sequence[Face]:
        """Return the faces of ``frame`` uint8[H, W, 3], RGB, as one look over it shows them, the largest first."""
        found = self._searcher.search(frame, least_share)
        return largest_first([_to_face(each) for each in found if min(each.box[2:]) > 0])

    def settle(self, frame: Frame, faces: Sequence[Face]) -> Sequence[Face]:
        """Return ``faces`` of ``frame`` uint8[H, W, 3], RGB, as a closer look shows them, in the same order."""
        shrunk = max(frame.shape[:2]) > _UNSHRUNK_PX

        def settled(face: Face) -> Face:
            found = _to_found(face)
            if shrunk or found.box[3] < _LEAST_HEIGHT_PX or abs(found.tilt_deg) > _UPRIGHT_DEG:
                return _to_face(self._settle(frame, found))
            return face

        return list(self._threads.map(settled, faces) if len(faces) > 1 else map(settled, faces))

    def _settle(self, frame: Frame, face: Found) -> Found:
        """Return ``face`` as a closer look sees it; if it is tilted, after so many that one sees it upright."""
        turned_deg = 0.0
        for looks in range(_MOST_LOOKS):
            left_deg = face.tilt_deg - turned_deg
            if abs(left_deg) > (_SETTLED_DEG if turned_deg else _UPRIGHT_DEG):
                turned_deg += _UNDERSTATED * left_deg
            elif looks:
                break
            coarse, face = face, self._look_closely(frame, face, turned_deg)
            if face is coarse:
                break
        return face

    def _look_closely(self, frame: Frame, coarse: Found, turn_deg: float) -> Found:
        """Return the face found again in a cut-out around it, turned by so much, or ``coarse`` itself if it is not."""
        centre = (float(coarse.middle[0]), float(coarse.middle[1]))
        zoom = _CLOSE_UP_PX * _FACE_SHARE / float(coarse.box[2:].max())
        middle = np.full(2, _CLOSE_UP_PX / 2, np.float32)
        matrix = np.asarray(cv2.getRotationMatrix2D(centre, turn_deg, zoom), np.float64)
        matrix[:, 2] += middle - coarse.middle
        method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        close_up = cv2.warpAffine(frame, matrix, (_CLOSE_UP_PX, _CLOSE_UP_PX), flags=method)
        found = self._search(np.asarray(cv2.cvtColor(close_up, cv2.COLOR_RGB2BGR), np.uint8))
        again = min(found, key=lambda each: float(np.linalg.norm(each.middle - middle)), default=None)
        if again is None or np.linalg.norm(again.middle - middle) > _CLOSE_UP_PX / 4:
            return coarse
        # A tilt makes the search less sure of a good face; smallness and whatever else does so was still there.
        tilted = abs(turn_deg) > _MARKED_DEG
        back = cv2.invertAffineTransform(matrix)
        size = again.box[2:] / zoom
        corner = back[:, :2] @ again.middle + back[:, 2] - size / 2
        return Found(
            max(again.confidence, coarse.confidence) if tilted else coarse.confidence,
            np.concatenate([corner, size]).astype(np.float32),
            (again.landmarks @ back[:, :2].T + back[:, 2]).astype(np.float32),
        )


class YuNet(_YuNet):
    """YuNet as it ships with this package; safe from several threads, which hold up nobody."""

    name = "yunet"

    def __init__(self, search_pixels: int = SEARCH_PIXELS) -> None:
        super().__init__(Network().search, search_pixels)


class OpenCvYuNet(_YuNet):
    """YuNet run by OpenCV from an ONNX file; one picture at a time, since the network object holds its input size."""

    name = "yunet-opencv"

    def __init__(self, model: str | Path, search_pixels: int = SEARCH_PIXELS) -> None:
        if not Path(model).is_file():
            raise MisconfiguredError(f"DETECTOR={str(model)!r}: no such file")
        try:
            network = cv2.FaceDetectorYN.create(str(model), "", (320, 320), _LEAST_CONFIDENCE)
        except cv2.error as exc:
            raise MisconfiguredError(f"DETECTOR={str(model)!r}: OpenCV cannot read it as a YuNet model") from exc
        lock = threading.Lock()

        def search(bgr: Frame) -> list[Found]:
            with lock:
                network.setInputSize((bgr.shape[1], bgr.shape[0]))
                _, rows = network.detect(np.ascontiguousarray(bgr))
            rows = np.zeros((0, 15), np.float32) if rows is None else rows
            return [Found(float(row[14]), row[:4], row[4:14].reshape(5, 2)) for row in rows]

        super().__init__(search, search_pixels)


def _to_face(found: Found) -> Face:
    x, y, width, height = (float(value) for value in found.box)
    return Face(Box(x, y, x + width, y + height), found.landmarks.astype(np.float32), found.confidence)


def _to_found(face: Face) -> Found:
    box = np.array([face.box.x_min, face.box.y_min, face.box.width, face.box.height], np.float32)
    return Found(face.confidence, box, face.landmarks)
