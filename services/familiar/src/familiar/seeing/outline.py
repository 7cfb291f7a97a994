"""Outline: what the bytes of a picture state, held against the bytes that are there, before any pixel is made.

A decoder believes what it reads: it asks for the four gigabytes that a length states, goes over all pixels as often as
that is written down, and unpacks remarks that nobody will look at. So everything is walked through first, in steps that
are bounded, and the decoder is given no more than what makes the pixels.
"""

import logging
import re
import struct
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from familiar.errors import FamiliarError, InvalidImage, TooLarge

log = logging.getLogger(__name__)

# A picture of 20 MB in pieces of 1 kB has as many; each costs the walk through them a microsecond.
_MAX_PIECES = 20_000
# Encoders make some ten scans. Each costs a decoder a visit to every pixel, however few bytes it has.
_MAX_SCANS = 20
# What a camera notes beside its picture fits into a segment of a JPEG.
_MAX_EXIF_BYTES = 65_535
# What a PNG may unpack to beyond its pixels: half a second.
_SPARE_BYTES = 2**28
_DEFLATE_MOST = 1032


@dataclass(frozen=True)
class ImageLimits:
    """What a picture may be at most and at least."""

    max_bytes: int = 20_000_000
    max_pixels: int = 40_000_000
    min_side_px: int = 16

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture of this size in pixels, if it is out of the limits.

        Raises:
            TooLarge, InvalidImage: too many pixels, or too few to show a face.
        """
        if width * height > self.max_pixels:
            raise TooLarge(f"the picture has {width}x{height} pixels; at most {self.max_pixels} in all are taken")
        if min(width, height) < self.min_side_px:
            raise InvalidImage(f"the picture is {width}x{height} pixels; each side needs {self.min_side_px} or more")


@dataclass(frozen=True)
class Outline:
    """A picture that may be decoded.

    Attributes:
        width: in pixels.
        height: in pixels.
        data: what a decoder needs of it.
    """

    width: int
    height: int
    data: bytes

    @property
    def pixels(self) -> int:
        """How many pixels it will unpack to."""
        return self.width * self.height


def outline(data: bytes, limits: ImageLimits) -> Outline:
    """Return the outline of a JPEG, PNG or WebP; it takes time in proportion to its bytes, and little of it.

    Raises:
        InvalidImage: empty, of another kind, damaged, cut short, or too small to show a face.
        TooLarge: more bytes, pixels or passes over them than ``limits``.
    """
    if not data:
        raise InvalidImage("the picture is empty (0 bytes)")
    if len(data) > limits.max_bytes:
        raise TooLarge(f"the picture has {len(data)} bytes; at most {limits.max_bytes} are taken")
    with nothing_escapes(data):
        if data[:3] == b"\xff\xd8\xff":
            return _jpeg(data, limits)
        if data[:8] == _PNG_SIGNATURE:
            return _png(data, limits)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return _webp(data, limits)
    raise InvalidImage("the bytes are not a JPEG, PNG or WebP picture")


@contextmanager
def nothing_escapes(data: bytes) -> Iterator[None]:
    """Make a picture that cannot be read of one that nobody foresaw; the log tells, since that is a defect of ours.

    Raises:
        InvalidImage: instead of anything that is not an error of ours.
    """
    try:
        yield
    except FamiliarError:
        raise
    except Exception as exc:
        log.exception("defect: a picture of %d bytes, beginning with %s, was not foreseen", len(data), data[:64].hex())
        raise InvalidImage("the picture cannot be read") from exc


class _Needed:
    """The bytes of a picture without those that a decoder does not need."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._kept: list[bytes] = []
        self._position = 0

    def leave_out(self, start: int, end: int) -> None:
        """Leave out these bytes, which lie behind those left out before."""
        self._kept.append(self._data[self._position : start])
        self._position = end

    def joined(self) -> bytes:
        """Return all others."""
        return b"".join([*self._kept, self._data[self._position :]]) if self._kept else self._data


# --- JPEG: segments, of which a scan is followed by the pixels themselves, up to the next marker among them.

_NEXT_MARKER = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")
_PADDING = re.compile(rb"\xff+")
_END, _SCAN = 0xD9, 0xDA
_FRAMES = frozenset(range(0xC0, 0xD0)) - {0xC4, 0xC8, 0xCC}
_ALONE = frozenset({0x01, *range(0xD0, 0xD8)})
_EXIF = 0xE1
# All others of an application, but for those two that say how colours are meant.
_REMARKS = frozenset({*range(0xE1, 0xF0), 0xFE}) - {0xEE}


def _jpeg(data: bytes, limits: ImageLimits) -> Outline:
    size: tuple[int, int] | None = None
    scans = 0
    exif = False
    needed = _Needed(data)
    for marker, start, end in _jpeg_segments(data):
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


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Yield (marker, start, end) of the content of each segment before the end marker, which must be there."""
    position = 2
    for _ in range(_MAX_PIECES):
        padding = _PADDING.match(data, position)
        if padding is None and position < len(data):
            raise InvalidImage("the JPEG's header is damaged")
        if padding is None or padding.end() == len(data):
            raise InvalidImage("the picture is cut short: its end is missing")
        marker, position = data[padding.end()], padding.end() + 1
        if marker == _END:
            return
        if marker in _ALONE:
            continue
        length = int.from_bytes(data[position : position + 2], "big")
        if position + max(2, length) > len(data):
            raise InvalidImage("the picture is cut short: its end is missing")
        if length < 2 or marker < 0xC0 or marker == 0xD8:
            raise InvalidImage("the JPEG's header is damaged")
        yield marker, position + 2, position + length
        position += length
        if marker == _SCAN:
            found = _NEXT_MARKER.search(data, position)
            if found is None:
                raise InvalidImage("the picture is cut short: its end is missing")
            position = found.start()
    raise TooLarge(f"the JPEG has more than {_MAX_PIECES} segments")


# --- PNG: chunks, of which those with a capital letter are needed, and all others are remarks.

_PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_PNG_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}


def _png(data: bytes, limits: ImageLimits) -> Outline:
    size: tuple[int, int] | None = None
    exif = False
    needed = _Needed(data)
    pixels: list[slice] = []
    for kind, start, end in _png_chunks(data):
        if (kind == b"IHDR") != (size is None) or (kind == b"IHDR" and end - start != 13):
            raise InvalidImage("the PNG's header is damaged")
        if kind == b"IHDR":
            size = struct.unpack_from(">II", data, start)
            limits.check_size(*size)
        if kind == b"IDAT":
            pixels.append(slice(start, end))
        if kind == b"eXIf" and not exif and end - start <= _MAX_EXIF_BYTES:
            exif = True
        elif kind[0] & 0x20 and kind != b"tRNS":
            # An animation's frames, for one, and texts that unpack to any size.
            needed.leave_out(start - 8, end + 4)
    if size is None or not pixels:
        raise InvalidImage("the PNG has no pixels")
    _check_unpacked(data, pixels, *size)
    return Outline(*size, needed.joined())


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the content of each chunk up to the last one, which must be there."""
    position = len(_PNG_SIGNATURE)
    for _ in range(_MAX_PIECES):
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
    raise TooLarge(f"the PNG has more than {_MAX_PIECES} chunks")


def _check_unpacked(data: bytes, pixels: list[slice], width: int, height: int) -> None:
    """Refuse pixels that unpack to far more than there are; a decoder would unpack them all and throw them away."""
    depth, kind = data[24], data[25]
    row = 2 + width * depth * _PNG_CHANNELS.get(kind, 4) // 8
    most = 2 * height * row + _SPARE_BYTES  # an interlaced picture has up to twice as many rows
    if _DEFLATE_MOST * sum(each.stop - each.start for each in pixels) <= most:
        return
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


_STEP_BYTES = 16_384  # which unpack to 17 MB at most


# --- WebP: chunks; those of an animation's pictures hold chunks again, behind a header of their own.

_WEBP_FRAME_BYTES = 16
_WEBP_NEEDED = (b"ALPH", b"ANIM")


def _webp(data: bytes, limits: ImageLimits) -> Outline:
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise InvalidImage("the picture is cut short: its end is missing")
    whole: tuple[int, int] | None = None
    exif = False
    frame_end = 0
    needed = _Needed(data[:end])
    for kind, start, stop in _webp_chunks(data, 12, end, iter(range(_MAX_PIECES))):
        if kind not in _WEBP_SIZES:
            if whole is None:
                raise InvalidImage("the WebP's header is damaged")
            if kind == b"ANMF":
                frame_end = stop
            elif kind == b"EXIF" and not exif and stop - start <= _MAX_EXIF_BYTES:
                exif = True
            elif kind not in _WEBP_NEEDED and start > frame_end:
                needed.leave_out(start - 8, min(end, stop + stop % 2))
            continue
        size = _WEBP_SIZES[kind](data[start:stop])
        if whole is None:
            limits.check_size(*size)
            whole = size
        if size[0] > whole[0] or size[1] > whole[1]:
            raise InvalidImage("the WebP holds a picture larger than it states")
    if whole is None:
        raise InvalidImage("the WebP has no pixels")
    rest = needed.joined()
    return Outline(*whole, rest if len(rest) == end else b"RIFF%bWEBP" % struct.pack("<I", len(rest) - 8) + rest[12:])


def _webp_chunks(data: bytes, position: int, end: int, pieces: Iterator[int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the content of each chunk, and of those inside, which are held against it.

    There may be as many in all as there are ``pieces``.
    """
    while position < end:
        if next(pieces, None) is None:
            raise TooLarge(f"the WebP has more than {_MAX_PIECES} chunks")
        kind, start = data[position : position + 4], position + 8
        stop = start + int.from_bytes(data[position + 4 : start], "little")
        if max(start, stop) > end:
            raise InvalidImage("the picture is cut short: a part states more bytes than there are")
        yield kind, start, stop
        if kind == b"ANMF":
            yield from _webp_chunks(data, start + _WEBP_FRAME_BYTES, stop, pieces)
        position = stop + (stop - start) % 2


def _canvas_size(chunk: bytes) -> tuple[int, int]:
    if len(chunk) < 10:
        raise InvalidImage("the WebP's header is damaged")
    return 1 + int.from_bytes(chunk[4:7], "little"), 1 + int.from_bytes(chunk[7:10], "little")


def _lossless_size(chunk: bytes) -> tuple[int, int]:
    if len(chunk) < 5:
        raise InvalidImage("the WebP's header is damaged")
    bits = int.from_bytes(chunk[1:5], "little")
    return 1 + (bits & 0x3FFF), 1 + (bits >> 14 & 0x3FFF)


def _lossy_size(chunk: bytes) -> tuple[int, int]:
    if len(chunk) < 10:
        raise InvalidImage("the WebP's header is damaged")
    width, height = struct.unpack_from("<HH", chunk, 6)
    return width & 0x3FFF, height & 0x3FFF


_WEBP_SIZES = {b"VP8X": _canvas_size, b"VP8L": _lossless_size, b"VP8 ": _lossy_size}
