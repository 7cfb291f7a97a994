"""Films for tests, put together so that what they state need not be what they hold."""

import struct
from collections.abc import Sequence
from pathlib import Path

import cv2

from familiar.seeing.image import Frame

_DURATION = b"\x44\x89\x88"


def avi(pictures: Sequence[bytes], stated: tuple[int, int], codec: bytes = b"MJPG", rate: int = 10) -> bytes:
    """Return an AVI of encoded pictures, whatever they hold, that states this width and height."""
    width, height = stated
    count = len(pictures)
    header = struct.pack("<14I", 10**6 // rate, 0, 0, 0x10, count, 0, 1, 0, width, height, 0, 0, 0, 0)
    stream = struct.pack("<4s4sIHHIIIIIIIIHHHH", b"vids", codec, 0, 0, 0, 0, 1, rate, 0, count, 0, 0, 0, 0, 0, *stated)
    form = struct.pack("<IiiHH4sIiiII", 40, width, height, 1, 24, codec, 3 * width * height & 0xFFFFFFFF, 0, 0, 0, 0)
    headers = _list(
        b"hdrl", _chunk(b"avih", header), _list(b"strl", _chunk(b"strh", stream), _chunk(b"strf", form))
    )  # fmt: skip
    return _chunk(b"RIFF", b"AVI " + headers + _list(b"movi", *(_chunk(b"00dc", each) for each in pictures)))


def written(path: Path, frames: Sequence[Frame], codec: str, rate: int = 10) -> bytes:
    """Return a film of frames uint8[H, W, 3], RGB, of one size, as OpenCV writes it to ``path``.

    Raises:
        RuntimeError: this OpenCV writes no such codec.
    """
    height, width = frames[0].shape[:2]
    writer = cv2.VideoWriter(str(path), cv2.VideoWriter_fourcc(*codec), rate, (width, height))
    if not writer.isOpened():
        raise RuntimeError(f"this OpenCV writes no {codec}")
    for frame in frames:
        writer.write(cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))
    writer.release()
    return path.read_bytes()


def as_a_browser_records_it(webm: bytes) -> bytes:
    """Return a WebM or Matroska film that does not state its length; what means nothing stands in that place."""
    at = webm.index(_DURATION)
    return webm[:at] + b"\xec\x89" + bytes(9) + webm[at + 11 :]


def _chunk(kind: bytes, data: bytes) -> bytes:
    return kind + struct.pack("<I", len(data)) + data + bytes(len(data) % 2)


def _list(kind: bytes, *chunks: bytes) -> bytes:
    return _chunk(b"LIST", kind + b"".join(chunks))
