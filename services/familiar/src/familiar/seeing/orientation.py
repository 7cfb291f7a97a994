"""Orientation: how a picture has to be turned to be upright, as its camera noted it (EXIF)."""

import struct

UPRIGHT = 1
_TAG, _SHORT = 0x0112, 3
_MOST_ENTRIES = 1_000
_ENTRY = 12


def orientation(data: bytes) -> int:
    """Return the EXIF orientation, 1 to 8, of the bytes of a JPEG, PNG or WebP; 1 where none is noted.

    ``data`` is what an outline has of it: elsewhere another picture, or a remark, may be taken for what is noted.
    The first row that is stored is the top of the upright picture (1, 2), its bottom (3, 4), its left (5, 8) or its
    right side (6, 7).
    """
    for mark, skip in ((b"Exif\0\0", 6), (b"eXIf", 4), (b"EXIF", 8)):
        at = data.find(mark)
        if at >= 0 and (found := _of_tiff(data[at + skip : at + skip + 65_536])) is not None:
            return found
    return UPRIGHT


def _of_tiff(tiff: bytes) -> int | None:
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(tiff[:4])
    if order is None:
        return None
    try:
        (start,) = struct.unpack_from(f"{order}I", tiff, 4)
        (count,) = struct.unpack_from(f"{order}H", tiff, start)
        for place in range(min(count, _MOST_ENTRIES)):
            tag, kind, _, value = struct.unpack_from(f"{order}HHIH", tiff, start + 2 + _ENTRY * place)
            if (tag, kind) == (_TAG, _SHORT):
                return value if 1 <= value <= 8 else UPRIGHT
    except struct.error:
        return None
    return UPRIGHT
