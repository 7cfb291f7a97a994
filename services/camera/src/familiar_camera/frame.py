"""A frame: one picture on its way to the server."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

Picture = NDArray[np.uint8]
"""uint8[H, W, 3] in OpenCV's order, BGR."""

MAX_SIDE_PX = 3840
"""The longer side of a picture that is sent to be recognised: a face far away is small in it."""

ENROLMENT_SIDE_PX = 1920
"""The same while enrolling: whoever enrols is near, and many frames are sent."""

JPEG_QUALITY = 92


@dataclass(frozen=True)
class Frame:
    """One picture and what to call it: a file's name, or its place in the stream."""

    label: str
    picture: Picture

    def jpeg(self, max_side_px: int = MAX_SIDE_PX) -> bytes:
        """Return the picture as JPEG, its longer side at most ``max_side_px``."""
        picture = self.picture
        scale = max_side_px / max(picture.shape[:2])
        if scale < 1:
            picture = np.asarray(cv2.resize(picture, None, fx=scale, fy=scale, interpolation=cv2.INTER_AREA), np.uint8)
        done, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, JPEG_QUALITY])
        if not done:
            raise ValueError(f"{self.label}: not a picture: shape {picture.shape}, {picture.dtype}")
        return data.tobytes()
