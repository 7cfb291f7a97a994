"""Alignment: the one way a face is cut out, for enrolment and recognition alike."""

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.seeing.image import Frame

_TEMPLATE_PX = 150.0
# Where the five points of YuNet (right eye, left eye, nose, right and left mouth corner) fall in a chip of dlib's
# face ResNet, 150 px wide, measured over real chips. The points were cut off to whole pixels then, so each has half a
# pixel of the picture more, 0.6 of a chip.
TEMPLATE = (
    np.array([[46.6, 45.4], [102.3, 44.4], [76.6, 74.0], [50.9, 102.7], [98.9, 101.9]], np.float32) / _TEMPLATE_PX
)
"""float32[5, 2] in units of the chip's side, so every backbone takes the same view of a face at its own size."""

CROP_PX = 224
"""Side of the crop that is stored with a sample: large enough for every backbone we ship."""


def align(frame: Frame, landmarks: NDArray[np.float32], size_px: int) -> Frame:
    """Return the face as a chip uint8[size_px, size_px, 3], RGB, landmarks moved onto the template.

    Args:
        frame: uint8[H, W, 3], RGB.
        landmarks: float32[5, 2], x and y in pixels of the frame.
        size_px: side of the chip.

    Raises:
        ValueError: the five points do not span a plane (all in one place), so no face can be cut out.
    """
    points = np.asarray(landmarks, np.float32)
    # A degenerate set of points can make the estimate fail or blow up; either way there is no face to show.
    matrix, _ = cv2.estimateAffinePartial2D(points, TEMPLATE * size_px, method=cv2.LMEDS)
    if matrix is None or not np.isfinite(matrix).all() or np.abs(matrix[:, :2]).max() < 1e-4:
        raise ValueError("the landmarks do not describe a face")
    return np.asarray(cv2.warpAffine(frame, matrix, (size_px, size_px), flags=cv2.INTER_LINEAR), np.uint8)


def resize(crop: Frame, size_px: int) -> Frame:
    """Return a stored crop uint8[S, S, 3] at another side length; how embeddings are renewed for a new backbone."""
    if crop.shape[0] == size_px:
        return crop
    shrink = size_px < crop.shape[0]
    method = cv2.INTER_AREA if shrink else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(crop, (size_px, size_px), interpolation=method), np.uint8)
