"""Pictures that cost far more than they weigh, or were not foreseen: one of each kind that was found or thought of."""

import struct
import zlib
from collections.abc import Callable, Mapping

from fuzz.parts import (
    animation_frame,
    canvas,
    chunk,
    jpeg,
    last_scan,
    pieces,
    png,
    riff,
    segment,
    webp_chunk,
    webp_pixels,
)

_FOUR_GB = 0xFFFFFF00
_ANIMATED = 0x02
_WITH_EXIF = 0x08


def _unpacking_to(megabytes: int) -> bytes:
    """Return what unpacks to so many megabytes of zeros, and is damaged after that."""
    packer = zlib.compressobj(9)
    head = packer.compress(b"") + packer.flush(zlib.Z_FULL_FLUSH)
    block = packer.compress(bytes(2**20)) + packer.flush(zlib.Z_FULL_FLUSH)
    return head + block * megabytes


def with_scans(count: int, side_px: int) -> bytes:
    """Return a progressive JPEG whose last scan comes so many times more."""
    data = jpeg(side_px, side_px, progressive=True)
    return data[:-2] + last_scan(data) * count + data[-2:]


def _jpeg_before_its_scan(more: bytes) -> bytes:
    data = jpeg(64, 64)
    return data[:2] + more + data[2:]


def _exif(entries: int, length: int) -> bytes:
    """Return notes of a camera, each a text of ``length`` bytes that begins at the same place."""
    return b"II*\0" + struct.pack("<IH", 8, entries) + struct.pack("<HHII", 0x010E, 2, length, 8) * entries + bytes(4)


def _frame_control(sequence: int, width: int, height: int) -> bytes:
    return chunk(b"fcTL", struct.pack(">IIIIIHHBB", sequence, width, height, 0, 0, 1, 10, 0, 0))


REFUSED: Mapping[str, Callable[[], bytes]] = {
    **{
        f"png {kind.decode()} of 4 GB": lambda kind=kind: png(before=chunk(kind, stated=_FOUR_GB))
        for kind in (b"IDAT", b"tEXt", b"PLTE", b"fdAT", b"acTL", b"eXIf", b"zzZz", b"IHDR", b"iCCP")
    },
    "png IDAT of 4 GB before its end": lambda: bytes.fromhex(
        "89504e470d0a1a0a0000000d4948445200000010000000100800000000" "3a98a0bdffffff004944415449454e44"
    ),
    "png end of 4 GB": lambda: png()[:-12] + chunk(b"IEND", stated=_FOUR_GB),
    "png of 2 million chunks": lambda: png(before=chunk(b"IDAT") * 1_600_000),
    "png with two headers": lambda: png(before=png(4000, 4000, pixels=b"")[8:33]),
    "png that unpacks to 3 GB": lambda: png(pixels=_unpacking_to(3000)),
    "png that unpacks to 3 GB in many parts": lambda: png(
        before=b"".join(chunk(b"IDAT", part) for part in _in_parts(_unpacking_to(3000), 8192)), pixels=b""
    ),
    "png without pixels": lambda: png()[:33] + chunk(b"IEND"),
    "jpeg of 5 million comments": lambda: _jpeg_before_its_scan(segment(0xFE) * 4_900_000),
    "jpeg of 5 million segments": lambda: _jpeg_before_its_scan(segment(0xE5) * 2_000_000 + segment(0xDB) * 2_900_000),
    "jpeg of 5 million comments after a scan": lambda: jpeg()[:-2] + segment(0xFE) * 4_900_000 + b"\xff\xd9",
    "jpeg of 2,000 scans": lambda: with_scans(2_000, 6320),
    "jpeg of 30 scans": lambda: with_scans(30, 6320),
    "small jpeg of 100,000 scans": lambda: with_scans(100_000, 64),
    "jpeg scan that ends the file": lambda: jpeg(64, 64)[:-2],
    "jpeg with a segment longer than the file": lambda: _jpeg_before_its_scan(segment(0xE1, stated=65_535)),
    "jpeg cut between header and scan": lambda: bytes.fromhex("ffd8ffc0000b0800fa00fa01011100ff"),
    "jpeg cut within a length": lambda: bytes.fromhex("ffd8ffe000"),
    "jpeg with two sizes": lambda: _jpeg_before_its_scan(next(p for p in pieces(jpeg(4000, 4000)) if p[1] == 0xC0)),
    "webp chunk of 4 GB": lambda: riff(canvas(16, 16), webp_chunk(b"ABCD", stated=_FOUR_GB), webp_pixels()),
    "webp pixels of 4 GB": lambda: riff(webp_chunk(b"VP8L", webp_pixels(lossless=True)[8:], stated=_FOUR_GB)),
    "webp that states 4 GB": lambda: riff(webp_pixels(), stated=_FOUR_GB),
    "webp of 2 million chunks": lambda: riff(canvas(16, 16), webp_chunk(b"ABCD") * 2_400_000, webp_pixels()),
    "webp of 2 million chunks within frames": lambda: riff(
        canvas(16, 16, _ANIMATED), animation_frame(16, 16, webp_chunk(b"ABCD") * 19_000) * 120
    ),
    "webp frame whose part is longer than it": lambda: riff(
        canvas(16, 16, _ANIMATED), webp_chunk(b"ANIM", bytes(6)),
        animation_frame(16, 16, webp_chunk(b"VP8L", webp_pixels(lossless=True)[8:], stated=4000)),
        webp_chunk(b"ABCD", bytes(5000)),
    ),
    "webp picture larger than its canvas": lambda: riff(canvas(16, 16), webp_pixels(4000, 4000)),
    "webp frame larger than its canvas": lambda: riff(
        canvas(16, 16, _ANIMATED), webp_chunk(b"ANIM", bytes(6)),
        animation_frame(16, 16, webp_pixels(4000, 4000, lossless=True)),
    ),
}  # fmt: skip
"""What must be refused before a decoder sees it, by a word for it."""


READ: Mapping[str, Callable[[], bytes]] = {
    "jpeg whose marker lacks its own byte": lambda: _jpeg_before_its_scan(segment(0xFE, b"\xff") + b"\xda\x00\x08"),
    "png with texts that unpack to 1.4 GB": lambda: png(
        before=b"".join(chunk(b"zTXt", b"k%d\0\0" % i + _unpacking_to(7)) for i in range(200))
    ),
    "png with translated texts that unpack to 1.4 GB": lambda: png(
        before=b"".join(chunk(b"iTXt", b"k%d\0\1\0\0\0" % i + _unpacking_to(7)) for i in range(200))
    ),
    "png with a profile that unpacks to 1 GB": lambda: png(before=chunk(b"iCCP", b"k\0\0" + _unpacking_to(1000))),
    "png with 15,000 texts": lambda: png(before=chunk(b"tEXt") * 15_000),
    "animated png of one frame too large": lambda: png(
        before=chunk(b"acTL", struct.pack(">II", 2, 0)) + _frame_control(0, 16_000, 16_000)
    ),
    "animated png": lambda: (
        png(before=chunk(b"acTL", struct.pack(">II", 2, 0)) + _frame_control(0, 16, 16))[:-12]
        + _frame_control(1, 16, 16) + chunk(b"fdAT", bytes(4) + zlib.compress(bytes(16 * 49))) + chunk(b"IEND")
    ),
    "jpeg whose camera noted 5,000 things 300 times": lambda: _jpeg_before_its_scan(
        segment(0xE1, b"Exif\0\0" + _exif(5_000, 60_000)) * 300
    ),
    "png whose camera noted 60,000 things of 10 MB": lambda: png(
        before=chunk(b"eXIf", _exif(60_000, 10_000_000) + bytes(10_000_000))
    ),
    "webp whose camera noted 60,000 things of 10 MB": lambda: riff(
        canvas(16, 16, _WITH_EXIF), webp_pixels(), webp_chunk(b"EXIF", _exif(60_000, 10_000_000) + bytes(10_000_000))
    ),
    "jpeg of 300 full segments": lambda: _jpeg_before_its_scan(segment(0xE2, bytes(65_000)) * 300),
    "jpeg of 200 scans": lambda: with_scans(200, 64),
    "jpeg with bytes after its end": lambda: jpeg(64, 64) + b"\xff\xda" * 100_000,
    "jpeg with padding": lambda: _jpeg_before_its_scan(b"\xff" * 1_000_000),
    "webp with an unknown chunk": lambda: riff(canvas(16, 16), webp_chunk(b"ABCD", bytes(1001)), webp_pixels()),
    "animated webp": lambda: riff(
        canvas(16, 16, _ANIMATED), webp_chunk(b"ANIM", bytes(6)),
        animation_frame(16, 16, webp_pixels(lossless=True)) * 30,
    ),
}  # fmt: skip
"""What is a picture all the same, and must be read without what it costs."""


def _in_parts(data: bytes, length: int) -> list[bytes]:
    return [data[start : start + length] for start in range(0, len(data), length)]
