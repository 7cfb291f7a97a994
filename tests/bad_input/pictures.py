"""Bytes that are no picture one can use: of other kinds, cut short, damaged, or of absurd size."""

import struct
import zlib

import cv2
import numpy as np

import portraits


def unreadable() -> dict[str, bytes]:
    """Return what must be refused as a picture, by a word for it."""
    jpeg, png, webp = (encode(suffix, face()) for suffix in (".jpg", ".png", ".webp"))
    made = {
        "empty": b"",
        "one byte": b"\xff",
        "text": b"this is not a picture",
        "html": b"<!doctype html><html><body><img src=x onerror=alert(1)></body></html>",
        "svg": b'<svg xmlns="http://www.w3.org/2000/svg"><image href="file:///etc/passwd"/></svg>',
        "gif": b"GIF89a\1\0\1\0\x80\0\0\0\0\0\xff\xff\xff,\0\0\0\0\1\0\1\0\0\2\2D\1\0;",
        "bmp": encode(".bmp", face()),
        "tiff": encode(".tiff", face()),
        "pdf": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj\n<<>>\nendobj\n",
        "program": b"\x7fELF\x02\x01\x01" + b"\0" * 200,
        "pickle": b"\x80\x04\x95\x1d\x00\x00\x00\x00\x00\x00\x00\x8c\x05posix\x94\x8c\x06system\x94\x93\x94.",
        "noise bytes": np.random.default_rng(0).bytes(4096),
        "zeros": b"\0" * 4096,
        "playlist": b"#EXTM3U\n#EXTINF:1,\n/etc/passwd\n",
        "1x1 jpeg": encode(".jpg", np.zeros((1, 1, 3), np.uint8)),
        "1x1 png": encode(".png", np.zeros((1, 1, 3), np.uint8)),
        "1x1 webp": encode(".webp", np.zeros((1, 1, 3), np.uint8)),
        "15x300 png": encode(".png", np.zeros((300, 15, 3), np.uint8)),
        "20,000x20,000 png": png_header(20_000, 20_000),
        "20,000x20,000 jpeg": jpeg_header(20_000, 20_000),
        "4,294,967,295 square png": png_header(2**32 - 1, 2**32 - 1),
        "65,535 square jpeg": jpeg_header(65_535, 65_535),
        "16,383 square webp": webp_header(16_383, 16_383),
        "0x0 png": png_header(0, 0),
        "0x0 jpeg": jpeg_header(0, 0),
        "png without pixels": png_header(100, 100),
        "jpeg without pixels": jpeg_header(100, 100),
        "jpeg with a broken length": jpeg[: (length := jpeg.index(b"\xff\xdb") + 2)] + b"\0\0" + jpeg[length + 2 :],
        "png with broken pixels": png[:60] + bytes(byte ^ 0xFF for byte in png[60:-20]) + png[-20:],
        "webp with broken pixels": webp[:30] + b"\xff" * (len(webp) - 30),
    }
    for kind, data in (("jpeg", jpeg), ("png", png), ("webp", webp)):
        for share in (0.001, 0.01, 0.1, 0.25, 0.5, 0.75, 0.9, 0.99):
            made[f"{kind} cut at {share:.1%}"] = data[: max(3, int(len(data) * share))]
    return made


def face() -> np.ndarray:
    """Return a good face, uint8[250, 250, 3]."""
    return portraits.frame("Eileen Collins")[:250, 100:350]


def encode(suffix: str, frame: np.ndarray) -> bytes:
    """Return a frame as a picture of the kind that the suffix names."""
    return bytes(cv2.imencode(suffix, cv2.cvtColor(np.ascontiguousarray(frame), cv2.COLOR_RGB2BGR))[1].tobytes())


def png_header(width: int, height: int) -> bytes:
    """Return a PNG that states a size and has no pixels."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", header) + chunk(b"IEND", b"")


def jpeg_header(width: int, height: int) -> bytes:
    """Return a JPEG that states a size and has no pixels."""
    frame = struct.pack(">BHHB", 8, height, width, 3) + b"\x01\x11\x00\x02\x11\x00\x03\x11\x00"
    return b"\xff\xd8\xff\xc0" + struct.pack(">H", len(frame) + 2) + frame + b"\xff\xda\x00\x02\xff\xd9"


def webp_header(width: int, height: int) -> bytes:
    """Return a WebP that states a size and has no pixels."""
    canvas = bytes(4) + (width - 1).to_bytes(3, "little") + (height - 1).to_bytes(3, "little")
    chunk = b"VP8X" + struct.pack("<I", len(canvas)) + canvas
    return b"RIFF" + struct.pack("<I", 4 + len(chunk)) + b"WEBP" + chunk
