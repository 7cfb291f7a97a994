"""The outline of a PNG: chunks, of which those with a capital letter are needed, and most others are remarks."""

import struct
import zlib
from collections.abc import Iterator

from familiar.errors import InvalidImage, TooLarge
from familiar.seeing.outline import MAX_EXIF_BYTES, MAX_PIECES, ImageLimits, Needed, Outline

# What is unpacked in half a second, and how much one byte may unpack to: so much is not looked into.
_LITTLE_BYTES = 2**28
_DEFLATE_MOST = 1032
_SPARE_BYTES = 2**20
_STEP_BYTES = 2048

SIGNATURE = b"\x89PNG\r\n\x1a\n"
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def outline(data: bytes, limits: ImageLimits) -> Outline:
    """Return the outline of what begins like a PNG; raises as ``familiar.seeing.formats.outline`` does."""
    size: tuple[int, int] | None = None
    exif = False
    needed = Needed(data)
    pixels: list[slice] = []
    for kind, start, end in _chunks(data):
        if (kind == b"IHDR") != (size is None) or (kind == b"IHDR" and end - start != 13):
            raise InvalidImage("the PNG's header is damaged")
        if kind == b"IHDR":
            size = struct.unpack_from(">II", data, start)
            limits.check_size(*size)
        if kind == b"IDAT":
            pixels.append(slice(start, end))
        if kind == b"eXIf" and not exif and end - start <= MAX_EXIF_BYTES:
            exif = True
        elif kind[0] & 0x20 and kind != b"tRNS":
            # An animation's frames, for one, and texts that unpack to any size.
            needed.leave_out(start - 8, end + 4)
    if size is None or not pixels:
        raise InvalidImage("the PNG has no pixels")
    _check_unpacked(data, pixels, *size)
    return Outline(*size, needed.joined())


def _chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the content of each chunk up to the last one, which must be there."""
    position = len(SIGNATURE)
    for _ in range(MAX_PIECES):
        if position + 8 > len(data):
            raise InvalidImage("the picture is cut short: its end is missing")
        length, kind = struct.unpack_from(">I4s", data, position)
        start, end = position + 8, position + 8 + length
        position = end + 4
        # The last chunk is known by its name alone; some files lack the four bytes that check it.
        if end > len(data) or (position > len(data) and kind != b"IEND"):
            raise InvalidImage(f"the picture is cut short: a part states {length} bytes and has fewer")
        yield kind, start, end
        if kind == b"IEND":
            return
    raise TooLarge(f"the PNG has more than {MAX_PIECES} chunks")


def _check_unpacked(data: bytes, pixels: list[slice], width: int, height: int) -> None:
    """Refuse pixels that unpack to far more than there are; a decoder would unpack them all and throw them away."""
    depth, kind = data[24], data[25]
    if _DEFLATE_MOST * sum(each.stop - each.start for each in pixels) <= _LITTLE_BYTES:
        return
    row = 2 + width * depth * _CHANNELS.get(kind, 4) // 8
    most = 2 * height * row + _SPARE_BYTES  # an interlaced picture has up to twice as many rows
    unpacker = zlib.decompressobj()
    unpacked = 0
    for each in pixels:
        for start in range(each.start, each.stop, _STEP_BYTES):
            try:
                unpacked += len(unpacker.decompress(data[start : min(start + _STEP_BYTES, each.stop)]))
            except zlib.error:
                return  # the decoder finds that as well, and stops there
            if unpacked > most:
                raise TooLarge("the PNG unpacks to far more than its pixels")
            if unpacker.eof:
                return
