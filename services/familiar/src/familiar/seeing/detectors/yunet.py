"""YuNet, twice: run by LiteRT from the file in this package, or by OpenCV from a file of the user's.

W. Wu, H. Peng, S. Yu: YuNet: A Tiny Millisecond-level Face Detector, Machine Intelligence Research 20, 2023.
"""

import threading
from collections.abc import Callable, Sequence
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.errors import MisconfiguredError
from familiar.seeing.detection import Box, Face
from familiar.seeing.detectors.network import Found, Network
from familiar.seeing.image import Frame

# The frame is searched at this size; the time grows with its square, and 480 px still finds a face of 5 % of it.
_SEARCH_PX = 480
# Landmarks come in whole pixels, and the backbone's template was measured on upright faces of about 130 px in pictures
# of 250 px. A face that the search saw much smaller, scaled down or tilted is looked at again in a cut-out of that
# kind.
_CLOSE_UP_PX = 250
_FACE_SHARE = 0.5
_LEAST_HEIGHT_PX = 80
_UPRIGHT_DEG = 6.0
_SETTLED_DEG = 2.0
_MARKED_DEG = 20.0
_MOST_LOOKS = 5
# The landmarks lean towards an upright face: of a tilt they show about half.
_UNDERSTATED = 2.0
_LEAST_CONFIDENCE = 0.5
_LEAST_SIDE_PX = 8


class _YuNet:
    """Search coarsely, then look closely: the part that does not depend on who runs the network."""

    name: str

    def __init__(self, search: Callable[[Frame], list[Found]]) -> None:
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
            face = Found(confidence, box / scale, landmarks / scale)
            if scale < 1.0 or box[3] < _LEAST_HEIGHT_PX or abs(face.tilt_deg) > _UPRIGHT_DEG:
                face = self._settle(bgr, face)
            faces.append(Face(_to_box(face.box), face.landmarks.astype(np.float32), face.confidence))
        return sorted(faces, key=lambda face: -face.box.width * face.box.height)

    def _settle(self, bgr: Frame, face: Found) -> Found:
        """Return ``face`` as a closer look sees it; if it is tilted, after so many that one sees it upright."""
        turned_deg = 0.0
        for looks in range(_MOST_LOOKS):
            left_deg = face.tilt_deg - turned_deg
            if abs(left_deg) > (_SETTLED_DEG if turned_deg else _UPRIGHT_DEG):
                turned_deg += _UNDERSTATED * left_deg
            elif looks:
                break
            coarse, face = face, self._look_closely(bgr, face, turned_deg)
            if face is coarse:
                break
        return face

    def _look_closely(self, bgr: Frame, coarse: Found, turn_deg: float) -> Found:
        """Return the face found again in a cut-out around it, turned by so much, or ``coarse`` itself if it is not."""
        centre = (float(coarse.middle[0]), float(coarse.middle[1]))
        zoom = _CLOSE_UP_PX * _FACE_SHARE / float(coarse.box[2:].max())
        middle = np.full(2, _CLOSE_UP_PX / 2, np.float32)
        matrix = np.asarray(cv2.getRotationMatrix2D(centre, turn_deg, zoom), np.float64)
        matrix[:, 2] += middle - coarse.middle
        method = cv2.INTER_AREA if zoom < 1 else cv2.INTER_LINEAR
        close_up = cv2.warpAffine(bgr, matrix, (_CLOSE_UP_PX, _CLOSE_UP_PX), flags=method)
        found = [each for each in self._search(np.asarray(close_up, np.uint8)) if each.confidence >= _LEAST_CONFIDENCE]
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

    def __init__(self) -> None:
        super().__init__(Network().search)


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

        def search(bgr: Frame) -> list[Found]:
            with lock:
                network.setInputSize((bgr.shape[1], bgr.shape[0]))
                _, rows = network.detect(bgr)
            rows = np.zeros((0, 15), np.float32) if rows is None else rows
            return [Found(float(row[14]), row[:4], row[4:14].reshape(5, 2)) for row in rows]

        super().__init__(search)


def _to_box(box: NDArray[np.float32]) -> Box:
    x, y, width, height = (float(value) for value in box)
    return Box(x, y, x + width, y + height)
