"""YuNet's network: from a picture to faces, by anchors on three grids; the weights are libfacedetection's.

The file ``yunet.tflite`` beside this module is made by ``python -m familiar_trainer.detector`` from the library that
the package ``yuface`` ships. What follows here is the same as there: how a picture is padded, what an output means,
and which of many overlapping boxes stays.
"""

from importlib import resources
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from familiar.seeing.detectors.interpreters import Interpreters

Float32 = NDArray[np.float32]

MOST_OVERLAP = 0.45
"""Share of the place of two boxes that they have in common, from which on they show one face."""

_STRIDES = (8, 16, 32)
_MULTIPLE = 32
_LEAST_CONFIDENCE = 0.5
# The confidence is the root of two probabilities' product, so each of them is at least its square.
_LEAST_LOGIT = float(np.log(_LEAST_CONFIDENCE**2 / (1 - _LEAST_CONFIDENCE**2)))
_MOST_BOXES = 10_000
_MOST_FACES = 1_000
# An interpreter takes some 85 bytes a pixel of its size, so 170 MB in all: two tiles, and what eight threads need else.
_KEPT_PIXELS = 2_000_000


class Found(NamedTuple):
    """A face in pixels of what was searched: ``box`` float32[4] as x, y, width, height; ``landmarks`` float32[5, 2]."""

    confidence: float
    box: Float32
    landmarks: Float32

    @property
    def middle(self) -> Float32:
        """The middle of the box, float32[2]."""
        return self.box[:2] + self.box[2:] / 2

    def scaled(self, ratio: Float32) -> "Found":
        """Return the face in a picture from which this one was scaled down by ``ratio`` float32[2], across and down."""
        return self._replace(box=self.box / np.tile(ratio, 2), landmarks=self.landmarks / ratio)

    @property
    def tilt_deg(self) -> float:
        """How far the line through the eyes is turned in the picture plane, clockwise."""
        across, down = self.landmarks[1] - self.landmarks[0]
        return float(np.degrees(np.arctan2(down, across)))


class Network:
    """The network, ready for pictures of any size; safe from several threads, which hold up nobody."""

    def __init__(self) -> None:
        model = (resources.files("familiar.seeing.detectors") / "yunet.tflite").read_bytes()
        self._interpreters = Interpreters(model, _KEPT_PIXELS)

    def search(self, bgr: NDArray[np.uint8]) -> list[Found]:
        """Return the faces of uint8[H, W, 3], BGR, the surest first."""
        height, width = bgr.shape[:2]
        padded = [-(-side // _MULTIPLE) * _MULTIPLE for side in (height, width)]
        # The first layer looks one pixel beyond the upper and the left edge, too.
        with self._interpreters.lend((padded[0] + 1, padded[1] + 1)) as interpreter:
            view = interpreter.fill()
            view[0], view[:, 0] = 0, 0
            view[1 : height + 1, 1 : width + 1] = bgr
            view[height + 1 :], view[:, width + 1 :] = 0, 0
            del view
            outputs = interpreter.run()
        boxes = np.concatenate([_decode(output, stride) for output, stride in zip(outputs, _STRIDES, strict=True)])
        boxes = boxes[np.argsort(-boxes[:, 0], kind="stable")[:_MOST_BOXES]]
        return [_found(row) for row in _without_overlap(boxes)]


def _decode(output: Float32, stride: int) -> Float32:
    """Return float32[N, 15], confidence, two corners and five landmarks, of the cells of a grid that show a face.

    Args:
        output: float32[H, W, 16]: logits of "face" and "object", the middle's place in the cell, the logarithms of
            width and height, and the landmarks' places, all in strides.
        stride: width and height of a cell in pixels.
    """
    row, column = np.nonzero(np.minimum(output[:, :, 0], output[:, :, 1]) > _LEAST_LOGIT)
    raw = output[row, column]
    confidence = np.sqrt(_sigmoid(raw[:, 0]) * _sigmoid(raw[:, 1]))
    sure = confidence >= _LEAST_CONFIDENCE
    raw, confidence = raw[sure] * np.float32(stride), confidence[sure]
    anchor = np.stack([column[sure], row[sure]], axis=1).astype(np.float32) * stride
    middle = anchor + raw[:, 2:4]
    half = np.exp(raw[:, 4:6] / stride) * (stride / 2)
    landmarks = anchor[:, None] + raw[:, 6:].reshape(-1, 5, 2)
    columns = [confidence[:, None], middle - half, middle + half, landmarks.reshape(-1, 10)]
    rows = np.concatenate(columns, axis=1).astype(np.float32)
    return np.asarray(rows[np.isfinite(rows).all(axis=1)], np.float32)


def _without_overlap(boxes: Float32) -> list[Float32]:
    """Return the rows, the surest first, without those that mostly cover the place of a surer one."""
    kept: list[Float32] = []
    while len(boxes) and len(kept) < _MOST_FACES:
        best, boxes = boxes[0], boxes[1:]
        kept.append(best)
        common = common_areas(best[1:5], boxes[:, 1:5])
        areas = (boxes[:, 3:5] - boxes[:, 1:3]).prod(axis=1)
        union = (best[3] - best[1]) * (best[4] - best[2]) + areas - common
        boxes = boxes[common <= MOST_OVERLAP * union]
    return kept


def common_areas(box: Float32, boxes: Float32) -> Float32:
    """Return float32[N]: how much of ``box`` float32[4] each of ``boxes`` float32[N, 4] covers, all by two corners."""
    near, far = np.maximum(boxes[:, :2], box[:2]), np.minimum(boxes[:, 2:], box[2:])
    return np.asarray(np.maximum(far - near, 0).prod(axis=1), np.float32)


def _found(row: Float32) -> Found:
    return Found(float(row[0]), np.concatenate([row[1:3], row[3:5] - row[1:3]]), row[5:].reshape(5, 2))


def _sigmoid(logits: Float32) -> Float32:
    return np.asarray(1 / (1 + np.exp(-logits.astype(np.float64))), np.float32)
