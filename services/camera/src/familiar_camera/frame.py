"""A frame: one picture on its way to the server."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""uint8[H, W, 3] in OpenCV's order, BGR."""

# Faces in larger pictures are still large after shrinking, and the upload is a tenth.
MAX_SIDE_PX = 1920
JPEG_QUALITY = 92


@dataclass(frozen=True)
class Frame:
    """One picture and what to call it: a file's name, or its place in the stream."""

    label: str
    picture: Picture

    def jpeg(self) -> bytes:
        """Return the picture as JPEG, its longer side at most ``MAX_SIDE_PX``."""
        picture = self.picture
        side = max(picture.shape[:2])
        if side > MAX_SIDE_PX:
            picture = cv2.resize(picture, None, fx=MAX_SIDE_PX / side, fy=MAX_SIDE_PX / side)  # type: ignore[assignment]
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not done:
            raise ValueError(f"{self.label}: not a picture: shape {picture.shape}, {picture.dtype}")
        return data.tobytes()
