"""YuNet, twice: compiled into the ``yuface`` package (x86-64), or run by OpenCV from a model file (anywhere).

W. Wu, H. Peng, S. Yu: YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research 20, 2023.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.detection import Box, Face
from familiar.detectors.facedetection import FaceDetection
from familiar.errors import MisconfiguredError
from familiar.image import Frame

# The frame is searched at this size; the time grows with its square, and 480 px still finds a face of 5 % of it.
_SEARCH_PX = 480
# Landmarks come in whole pixels, and the backbone's template was measured on faces of about 130 px in pictures of
# 250 px. A face that the search saw much smaller, or scaled down, is looked at once more in a cut-out of that kind.
_CLOSE_UP_PX = 250
_FACE_SHARE = 0.5
_LEAST_HEIGHT_PX = 80
_LEAST_CONFIDENCE = 0.5
_LEAST_SIDE_PX = 8

Raw = list[tuple[float, NDArray[np.float32], NDArray[np.float32]]]
"""(confidence 0..1, box float32[4] as x y w h, landmarks float32[5, 2]) of each face, in pixels searched."""


class _YuNet:
    """Search coarsely, then look closely: the part that does not depend on who runs the network."""

    name: str

    def __init__(self, search: Callable[[Frame], Raw]) -> None:
        self._search = search

    def detect(self, frame: Frame) -> Sequence[Face]:
        """Return the faces of ``frame`` uint8[H, W, 3], RGB, the largest first."""
        bgr = np.ascontiguousarray(frame[:, :, ::-1])
        scale = min(1.0, _SEARCH_PX / max(bgr.shape[:2]))
        # A strip of a picture would shrink to nothing on its short side.
        fy, fx = (max(scale, _LEAST_SIDE_PX / side) for side in bgr.shape[:2])
        small = bgr if scale == 1.0 else cv2.resize(bgr, None, fx=fx, fy=fy, interpolation=cv2.INTER_AREA)
        faces = []
        for confidence, box, landmarks in self._search(np.asarray(small, np.uint8)):
            if confidence < _LEAST_CONFIDENCE or box[2] <= 0 or box[3] <= 0:
                continue
            if scale < 1.0 or box[3] < _LEAST_HEIGHT_PX:
                box, landmarks = self._look_closely(bgr, box / scale, landmarks / scale)
            faces.append(Face(_to_box(box), landmarks.astype(np.float32), confidence))
        return sorted(faces, key=lambda face: -face.box.width * face.box.height)

    def _look_closely(
        self, bgr: Frame, box: NDArray[np.float32], landmarks: NDArray[np.float32]
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Return box and landmarks found again in a cut-out around ``box``, or the coarse ones if it is not found."""
        centre = box[:2] + box[2:] / 2
        side = max(float(box[2]), float(box[3])) / _FACE_SHARE
        zoom = _CLOSE_UP_PX / side
        origin = centre - side / 2
        matrix = np.array([[zoom, 0, -origin[0] * zoom], [0, zoom, -origin[1] * zoom]], np.float64)
        method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        close_up = cv2.warpAffine(bgr, matrix, (_CLOSE_UP_PX, _CLOSE_UP_PX), flags=method)
        middle = np.array([_CLOSE_UP_PX / 2, _CLOSE_UP_PX / 2], np.float32)
        found = [
            (float(np.linalg.norm(again[:2] + again[2:] / 2 - middle)), again, points)
            for confidence, again, points in self._search(np.asarray(close_up, np.uint8))
            if confidence >= _LEAST_CONFIDENCE
        ]
        if not found:
            return box, landmarks
        distance, again, points = min(found, key=lambda item: item[0])
        if distance > _CLOSE_UP_PX / 4:
            return box, landmarks
        return np.concatenate([again[:2] / zoom + origin, again[2:] / zoom]), points / zoom + origin


class YuFace(_YuNet):
    """YuNet compiled into the ``yuface`` package; safe from several threads."""

    name = "yunet-yuface"

    def __init__(self) -> None:
        try:
            network = FaceDetection()
        except ImportError as exc:
            raise MisconfiguredError(
                "DETECTOR='yuface': the package yuface is not installed (it exists for x86-64 and Python 3.11 or "
                "older); set DETECTOR to the path of a YuNet ONNX file"
            ) from exc

        def search(bgr: Frame) -> Raw:
            rows = network.detect(bgr).astype(np.float32)
            return [(float(row[0]) / 100, row[1:5], row[5:15].reshape(5, 2)) for row in rows]

        super().__init__(search)


class OpenCvYuNet(_YuNet):
    """YuNet run by OpenCV from an ONNX file; one picture at a time, since the network object holds its input size."""

    name = "yunet-opencv"

    def __init__(self, model: str | Path) -> None:
        if not Path(model).is_file():
            raise MisconfiguredError(f"DETECTOR={str(model)!r}: no such file")
        try:
            network = cv2.FaceDetectorYN.create(str(model), "", (320, 320), _LEAST_CONFIDENCE)
        except cv2.error as exc:
            raise MisconfiguredError(f"DETECTOR={str(model)!r}: OpenCV cannot read it as a YuNet model") from exc
        lock = threading.Lock()

        def search(bgr: Frame) -> Raw:
            with lock:
                network.setInputSize((bgr.shape[1], bgr.shape[0]))
                _, rows = network.detect(bgr)
            rows = np.zeros((0, 15), np.float32) if rows is None else rows
            return [(float(row[14]), row[:4], row[4:14].reshape(5, 2)) for row in rows]

        super().__init__(search)


def _to_box(box: NDArray[np.float32]) -> Box:
    x, y, width, height = (float(value) for value in box)
    return Box(x, y, x + width, y + height)
