"""Decoding: bytes in, an upright RGB frame out, with the limits checked before any pixel is made."""

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.errors import InvalidImage
from familiar.seeing.formats import nothing_escapes, outline
from familiar.seeing.outline import ImageLimits, Outline

Frame = NDArray[np.uint8]
"""uint8[H, W, 3], RGB."""


def decode(data: bytes, limits: ImageLimits = ImageLimits()) -> Frame:
    """Return the picture as a frame uint8[H, W, 3], RGB, turned upright by its EXIF orientation.

    JPEG, PNG and WebP are read; of an animation, one picture.

    Raises:
        InvalidImage: empty, of another kind, damaged, or too small to show a face.
        TooLarge: more bytes, pixels or passes over them than ``limits``.
    """
    return unpack(outline(data, limits))


def unpack(picture: Outline) -> Frame:
    """Return the pixels of a picture that has been looked over, as ``decode`` does.

    Raises:
        InvalidImage: it is damaged.
    """
    with nothing_escapes(picture.data):
        try:
            # At once in our order of colours: turning OpenCV's own round would take another frame's memory, and time.
            rgb = cv2.imdecode(np.frombuffer(picture.data, np.uint8), cv2.IMREAD_COLOR_RGB)
        except cv2.error as exc:
            raise InvalidImage("the picture cannot be decoded") from exc
        if rgb is None or rgb.size != 3 * picture.pixels:
            raise InvalidImage("the picture cannot be decoded")
        return np.asarray(rgb, np.uint8)


def encode_jpeg(frame: Frame, quality: int = 92) -> bytes:
    """Return ``frame`` uint8[H, W, 3], RGB, as JPEG."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("the frame cannot be written as JPEG")
    return data.tobytes()
