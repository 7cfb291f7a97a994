"""The outline of a WebP: chunks; those of an animation's frames hold chunks again, behind a header of their own."""

import struct
from collections.abc import Iterator

from familiar.errors import InvalidImage, TooLarge
from familiar.seeing.outline import MAX_EXIF_BYTES, MAX_PIECES, ImageLimits, Needed, Outline

_FRAME_HEADER_BYTES = 16
_SIZE_BYTES = 10  # of a chunk that states a size, as far as it does
_NEEDED = (b"ALPH", b"ANIM")


def outline(data: bytes, limits: ImageLimits) -> Outline:
    """Return the outline of what begins like a WebP; raises as ``familiar.seeing.formats.outline`` does."""
    end = 8 + int.from_bytes(data[4:8], "little")
    if end > len(data):
        raise InvalidImage("the picture is cut short: its end is missing")
    whole: tuple[int, int] | None = None
    exif = False
    frame_end = 0
    needed = Needed(data[:end])
    for kind, start, stop in _chunks(data, 12, end, iter(range(MAX_PIECES))):
        if kind not in _SIZES:
            if whole is None:
                raise InvalidImage("the WebP's header is damaged")
            if kind == b"ANMF":
                frame_end = stop
            elif kind == b"EXIF" and not exif and stop - start <= MAX_EXIF_BYTES:
                exif = True
            elif kind not in _NEEDED and start > frame_end:
                needed.leave_out(start - 8, min(end, stop + stop % 2))
            continue
        size = _SIZES[kind](data[start : min(stop, start + _SIZE_BYTES)])
        if whole is None:
            limits.check_size(*size)
            whole = size
        if size[0] > whole[0] or size[1] > whole[1]:
            raise InvalidImage("the WebP holds a picture larger than it states")
    if whole is None:
        raise InvalidImage("the WebP has no pixels")
    rest = needed.joined()
    return Outline(*whole, rest if len(rest) == end else b"RIFF%bWEBP" % struct.pack("<I", len(rest) - 8) + rest[12:])


def _chunks(data: bytes, position: int, end: int, pieces: Iterator[int]) -> Iterator[tuple[bytes, int, int]]:
    """Yield (kind, start, end) of the content of each chunk, and of those inside, which are held against it.

    There may be as many in all as there are ``pieces``.
    """
    while position < end:
        if next(pieces, None) is None:
            raise TooLarge(f"the WebP has more than {MAX_PIECES} chunks")
        kind, start = data[position : position + 4], position + 8
        stop = start + int.from_bytes(data[position + 4 : start], "little")
        if max(start, stop) > end:
            raise InvalidImage("the picture is cut short: a part states more bytes than there are")
        yield kind, start, stop
        if kind == b"ANMF":
            yield from _chunks(data, start + _FRAME_HEADER_BYTES, stop, pieces)
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


_SIZES = {b"VP8X": _canvas_size, b"VP8L": _lossless_size, b"VP8 ": _lossy_size}
