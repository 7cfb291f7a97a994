"""Decoding: bytes in, an upright RGB frame out, with the limits checked before any pixel is made."""

import struct
from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.errors import InvalidImage, TooLarge

Frame = NDArray[np.uint8]
"""uint8[H, W, 3], RGB."""


@dataclass(frozen=True)
class ImageLimits:
    """What a picture may be at most and at least."""

    max_bytes: int = 20_000_000
    max_pixels: int = 40_000_000
    min_side_px: int = 16


def decode(data: bytes, limits: ImageLimits = ImageLimits()) -> Frame:
    """Return the picture as a frame uint8[H, W, 3], RGB, turned upright by its EXIF orientation.

    JPEG, PNG and WebP are read. Size is read from the header first, so a small file that unpacks to a huge picture is
    refused without unpacking it.

    Raises:
        InvalidImage: empty, of another kind, damaged, or too small to show a face.
        TooLarge: more bytes or pixels than ``limits``.
    """
    if not data:
        raise InvalidImage("the picture is empty (0 bytes)")
    if len(data) > limits.max_bytes:
        raise TooLarge(f"the picture has {len(data)} bytes; at most {limits.max_bytes} are taken")
    width, height = read_size(data)
    if width * height > limits.max_pixels:
        raise TooLarge(f"the picture has {width}x{height} pixels; at most {limits.max_pixels} in all are taken")
    if min(width, height) < limits.min_side_px:
        raise InvalidImage(f"the picture is {width}x{height} pixels; each side needs {limits.min_side_px} or more")
    if _is_cut_short(data):
        raise InvalidImage("the picture is cut short: its end is missing")
    try:
        # At once in our order of colours: turning OpenCV's own round would take another frame's memory, and its time.
        rgb = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR_RGB)
    except cv2.error as exc:
        raise InvalidImage("the picture cannot be decoded") from exc
    if rgb is None:
        raise InvalidImage("the picture cannot be decoded")
    return np.asarray(rgb, np.uint8)


def encode_jpeg(frame: Frame, quality: int = 92) -> bytes:
    """Return ``frame`` uint8[H, W, 3], RGB, as JPEG."""
    done, data = cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, quality])
    if not done:
        raise ValueError("the frame cannot be written as JPEG")
    return data.tobytes()


def read_size(data: bytes) -> tuple[int, int]:
    """Return (width, height) in pixels as the header states them.

    Raises:
        InvalidImage: the header is not that of a JPEG, PNG or WebP, or is damaged.
    """
    try:
        if data[:3] == b"\xff\xd8\xff":
            return _jpeg_size(data)
        if data[:8] == b"\x89PNG\r\n\x1a\n":
            if data[12:16] != b"IHDR":
                raise InvalidImage("the PNG has no header")
            width, height = struct.unpack(">II", data[16:24])
            return int(width), int(height)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp_size(data)
    except (struct.error, IndexError) as exc:
        raise InvalidImage("the picture's header is cut short") from exc
    raise InvalidImage("the bytes are not a JPEG, PNG or WebP picture")


def _jpeg_size(data: bytes) -> tuple[int, int]:
    for marker, position in _jpeg_segments(data):
        if 0xC0 <= marker <= 0xCF and marker not in (0xC4, 0xC8, 0xCC):
            height, width = struct.unpack(">HH", data[position + 5 : position + 9])
            return int(width), int(height)
    raise InvalidImage("the JPEG's header is cut short")


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int]]:
    """Yield (marker, position) of each segment up to and including the start of the scan (0xDA)."""
    position = 2
    while position < len(data):
        if data[position] != 0xFF:
            raise InvalidImage("the JPEG's header is damaged")
        marker = data[position + 1]
        if marker == 0xFF:  # padding between segments
            position += 1
            continue
        yield marker, position
        if marker in (0xD9, 0xDA):
            return
        if marker == 0x01 or 0xD0 <= marker <= 0xD8:
            position += 2
            continue
        (length,) = struct.unpack(">H", data[position + 2 : position + 4])
        if length < 2:
            raise InvalidImage("the JPEG's header is damaged")
        position += 2 + length


def _webp_size(data: bytes) -> tuple[int, int]:
    kind = data[12:16]
    if kind == b"VP8X":
        width = 1 + int.from_bytes(data[24:27], "little")
        height = 1 + int.from_bytes(data[27:30], "little")
    elif kind == b"VP8L":
        (bits,) = struct.unpack("<I", data[21:25])
        width, height = 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)
    elif kind == b"VP8 ":
        width, height = (side & 0x3FFF for side in struct.unpack("<HH", data[26:30]))
    else:
        raise InvalidImage("the WebP's header is damaged")
    return int(width), int(height)


def _is_cut_short(data: bytes) -> bool:
    """Whether the end is missing; OpenCV would fill the rest with grey and call it a picture."""
    if data[:3] == b"\xff\xd8\xff":
        # The end marker must follow the scan: one in a thumbnail before it does not count, bytes after it are allowed.
        scan = max(position for _, position in _jpeg_segments(data))
        return data.rfind(b"\xff\xd9", scan) < 0
    if data[:8] == b"\x89PNG\r\n\x1a\n":
        return data.rfind(b"IEND") < 0
    return len(data) < 8 + int.from_bytes(data[4:8], "little")
