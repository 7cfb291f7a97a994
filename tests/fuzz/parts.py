"""The parts that pictures are made of: written anew, with lengths and checks that fit or do not, and taken apart."""

import re
import struct
import zlib
from collections.abc import Iterator, Sequence

import cv2
import numpy as np

PNG_SIGNATURE = b"\x89PNG\r\n\x1a\n"
_SOLID_GREY = 100
_AFTER_SCAN = re.compile(rb"\xff[^\x00\xff\xd0-\xd7]")


def chunk(kind: bytes, data: bytes = b"", stated: int | None = None) -> bytes:
    """Return a chunk of a PNG; ``stated`` is the length it states, if that is another one."""
    length = struct.pack(">I", len(data) if stated is None else stated)
    return length + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def png(
    width: int = 16,
    height: int = 16,
    *,
    before: bytes = b"",
    pixels: bytes | None = None,
    depth: int = 8,
    colour: int = 2,
    interlaced: bool = False,
) -> bytes:
    """Return a black PNG; ``before`` goes before its pixels, and ``pixels`` in their place."""
    header = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, int(interlaced))
    if pixels is None:
        pixels = zlib.compress(bytes(2 * height * (2 + width * depth * {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}[colour] // 8)))
    return PNG_SIGNATURE + chunk(b"IHDR", header) + before + chunk(b"IDAT", pixels) + chunk(b"IEND")


def segment(marker: int, data: bytes = b"", stated: int | None = None) -> bytes:
    """Return a segment of a JPEG; ``stated`` is the length it states, if that is another one."""
    return bytes([0xFF, marker]) + struct.pack(">H", len(data) + 2 if stated is None else stated) + data


def jpeg(width: int = 16, height: int = 16, *, progressive: bool = False) -> bytes:
    """Return a grey JPEG."""
    grey = np.full((height, width), _SOLID_GREY, np.uint8)
    return cv2.imencode(".jpg", grey, [cv2.IMWRITE_JPEG_PROGRESSIVE, int(progressive)])[1].tobytes()


def resized(data: bytes, width: int, height: int) -> bytes:
    """Return a JPEG or PNG that states another size than it holds."""
    if data[:8] == PNG_SIGNATURE:
        return data[:8] + chunk(b"IHDR", struct.pack(">II", width, height) + data[24:29]) + data[33:]
    made = [bytearray(piece) for piece in pieces(data)]
    for piece in made:
        if piece[1] in (0xC0, 0xC1, 0xC2):
            struct.pack_into(">HH", piece, 5, height, width)
    return b"".join(made)


def last_scan(data: bytes) -> bytes:
    """Return the last scan of a JPEG, header and all."""
    return data[data.rindex(b"\xff\xda") : -2]


def riff(*chunks: bytes, stated: int | None = None) -> bytes:
    """Return a WebP of chunks."""
    body = b"WEBP" + b"".join(chunks)
    return b"RIFF" + struct.pack("<I", len(body) if stated is None else stated) + body


def webp_chunk(kind: bytes, data: bytes = b"", stated: int | None = None) -> bytes:
    """Return a chunk of a WebP; ``stated`` is the length it states, if that is another one."""
    length = struct.pack("<I", len(data) if stated is None else stated)
    return kind + length + data + bytes(len(data) % 2)


def canvas(width: int, height: int, flags: int = 0) -> bytes:
    """Return the chunk that says how large a WebP is."""
    return webp_chunk(
        b"VP8X", bytes([flags, 0, 0, 0]) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    )


def webp_pixels(width: int = 16, height: int = 16, *, lossless: bool = False) -> bytes:
    """Return the chunk with the pixels of a grey WebP."""
    quality = 101 if lossless else 80
    grey = np.full((height, width, 3), _SOLID_GREY, np.uint8)
    data = cv2.imencode(".webp", grey, [cv2.IMWRITE_WEBP_QUALITY, quality])[1].tobytes()
    return next(part for part in pieces(data)[1:] if part[:4] in (b"VP8 ", b"VP8L"))


def animation_frame(width: int, height: int, *chunks: bytes) -> bytes:
    """Return the chunk of one frame of an animated WebP."""
    return webp_chunk(b"ANMF", bytes(6) + _sides(width, height) + bytes(4) + b"".join(chunks))


def _sides(width: int, height: int) -> bytes:
    return (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")


def pieces(data: bytes) -> Sequence[bytes]:
    """Return the pieces of a well-formed JPEG, PNG, WebP or AVI, which make it up when put together again."""
    if data[:2] == b"\xff\xd8":
        return list(_of_jpeg(data))
    if data[:8] == PNG_SIGNATURE:
        return list(_of_chunks(data, 8, ">", 4))
    return list(_of_chunks(data, 12, "<", 0))


def _of_jpeg(data: bytes) -> Iterator[bytes]:
    position = 2
    yield data[:2]
    while position < len(data):
        if data[position + 1] == 0xD9:
            yield data[position:]
            return
        end = position + 2 + int.from_bytes(data[position + 2 : position + 4], "big")
        if data[position + 1] == 0xDA:
            found = _AFTER_SCAN.search(data, end)
            end = found.start() if found else len(data)
        yield data[position:end]
        position = end


def _of_chunks(data: bytes, position: int, order: str, check_bytes: int) -> Iterator[bytes]:
    yield data[:position]
    place = 0 if order == ">" else 4
    while position < len(data):
        (length,) = struct.unpack_from(order + "I", data, position + place)
        end = position + 8 + length + check_bytes + (length % 2 if order == "<" else 0)
        yield data[position:end]
        position = end
