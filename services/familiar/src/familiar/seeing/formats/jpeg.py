"""The outline of a JPEG: segments, of which a scan is followed by pixels, up to the next marker among them.

Decoders read over what stands between segments, and so do we: it is left out, and they need not complain of it.
"""

import re
import struct
from collections.abc import Iterator

from familiar.errors import InvalidImage, TooLarge
from familiar.seeing.outline import MAX_PIECES, ImageLimits, Needed, Outline

# Encoders make some ten scans. Each costs a decoder a visit to every pixel, however few bytes it has.
_MAX_SCANS = 20

START = b"\xff\xd8"
_MARKER = re.compile(rb"\xff[^\x00\xff]")
_MARKER_AMONG_PIXELS = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_END, _SCAN = 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_EXIF = 0xE1
# What needs no length: decoders take one that is none for nothing at all.
_OPTIONAL = frozenset({*range(0xE0, 0xF0), 0xFE})
# All others of an application, but for those two that say how colours are meant.
_REMARKS = _OPTIONAL - {0xE0, 0xEE}


def outline(data: bytes, limits: ImageLimits) -> Outline:
    """Return the outline of what begins like a JPEG; raises as ``familiar.seeing.formats.outline`` does."""
    size: tuple[int, int] | None = None
    scans = 0
    exif = False
    needed = Needed(data)
    for marker, start, end in _segments(data, needed):
        if marker == _EXIF and not exif and data.startswith(b"Exif\0\0", start):
            exif = True
        elif marker in _REMARKS:
            needed.leave_out(start - 4, end)
        if marker in _FRAMES:
            if size is not None or end - start < 6:
                raise InvalidImage("the JPEG's header is damaged")
            height, width = struct.unpack_from(">HH", data, start + 1)
            limits.check_size(width, height)
            size = width, height
        elif marker == _SCAN:
            scans += 1
            if size is None:
                raise InvalidImage("the JPEG has a scan before its size")
            if scans * size[0] * size[1] > _MAX_SCANS * limits.max_pixels:
                raise TooLarge(f"the JPEG goes over its {size[0]}x{size[1]} pixels {scans} times, or more often")
    if size is None or not scans:
        raise InvalidImage("the JPEG ends before its pixels")
    return Outline(*size, needed.joined())


def _segments(data: bytes, needed: Needed) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of the content of each segment before the end marker, which must be there.

    What stands between them and behind the end marker is not ``needed``.
    """
    position = len(START)
    for _ in range(MAX_PIECES):
        found = _MARKER.search(data, position)
        if found is None:
            raise InvalidImage("the picture is cut short: its end is missing")
        if found.start() > position:
            needed.leave_out(position, found.start())
        marker, position = data[found.end() - 1], found.end()
        if marker == _END:
            if position < len(data):
                needed.leave_out(position, len(data))  # a second picture, for one, which may be turned otherwise
            return
        if marker in _ALONE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if marker in _OPTIONAL:
            length = max(2, length)
        if position + max(2, length) > len(data):
            raise InvalidImage("the picture is cut short: its end is missing")
        if length < 2 or marker < 0xC0 or marker == 0xD8:
            raise InvalidImage("the JPEG's header is damaged")
        yield marker, position + 2, position + length
        position += length
        if marker == _SCAN:
            found = _MARKER_AMONG_PIXELS.search(data, position)
            if found is None:
                raise InvalidImage("the picture is cut short: its end is missing")
            position = found.start()
    raise TooLarge(f"the JPEG has more than {MAX_PIECES} segments")
