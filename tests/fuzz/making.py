"""Making pictures, archives and films by chance: well made, or changed after that."""

import io
import random
import struct
import tempfile
import warnings
import zipfile
from functools import cache
from pathlib import Path

import cv2
import numpy as np

import films
import portraits
from familiar.seeing.image import Frame
from fuzz import costly, parts
from fuzz.changes import changed, checks_mended, pieces_changed

_CHEAP = 20_000
"""A picture out of ``costly`` of more bytes is sent by itself, and seldom."""
_CODECS = (("VP80", ".webm"), ("VP90", ".webm"), ("mp4v", ".mp4"), ("MJPG", ".avi"), ("FFV1", ".mkv"))


@cache
def face(side_px: int = 200) -> Frame:
    """Return a good face, uint8[S, S, 3]."""
    return cv2.resize(portraits.frame("Eileen Collins")[:250, 100:350], (side_px, side_px))


@cache
def good_pictures() -> tuple[bytes, ...]:
    """Return well-made pictures of every kind that is read."""
    bgr = cv2.cvtColor(face(), cv2.COLOR_RGB2BGR)
    grey = cv2.cvtColor(bgr, cv2.COLOR_BGR2GRAY)
    clear = cv2.cvtColor(bgr, cv2.COLOR_BGR2BGRA)
    made = [
        cv2.imencode(suffix, picture, options)[1].tobytes()
        for suffix, picture, options in (
            (".jpg", bgr, []),
            (".jpg", grey, []),
            (".jpg", bgr, [cv2.IMWRITE_JPEG_PROGRESSIVE, 1]),
            (".jpg", bgr, [cv2.IMWRITE_JPEG_RST_INTERVAL, 2]),
            (".png", bgr, []),
            (".png", grey.astype(np.uint16) * 257, []),
            (".png", clear, []),
            (".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, 80]),
            (".webp", bgr, [cv2.IMWRITE_WEBP_QUALITY, 101]),
            (".webp", clear, [cv2.IMWRITE_WEBP_QUALITY, 80]),
        )
    ]
    small = cv2.resize(bgr, (40, 40))
    made += [cv2.imencode(suffix, small)[1].tobytes() for suffix in (".jpg", ".png", ".webp")]
    return (*made, *(make() for make in costly.READ.values() if len(make()) < _CHEAP))


@cache
def _bad_pictures() -> tuple[bytes, ...]:
    return tuple(data for data in (make() for make in costly.REFUSED.values()) if len(data) < _CHEAP)


def picture(chance: random.Random) -> bytes:
    """Return a picture, most likely changed."""
    if chance.random() < 0.005:
        return chance.choice([*costly.REFUSED.values(), *costly.READ.values()])()
    data = chance.choice(good_pictures() if chance.random() < 0.9 else _bad_pictures())
    if chance.random() < 0.05:
        return data
    data = changed(chance, data, (pieces_changed, pieces_changed, _resized))
    return checks_mended(chance, data) if chance.random() < 0.5 else data


def frame(chance: random.Random) -> bytes:
    """Return a good face that no other one equals."""
    noise = np.random.default_rng(chance.getrandbits(32)).integers(-6, 7, (200, 200, 1), np.int16)
    turned = cv2.warpAffine(
        face(), cv2.getRotationMatrix2D((100, 100), chance.uniform(-15, 15), chance.uniform(0.8, 1.2)), (200, 200)
    )  # fmt: skip
    return cv2.imencode(".jpg", np.clip(turned[:, :, ::-1] + noise, 0, 255).astype(np.uint8))[1].tobytes()


def _resized(chance: random.Random, data: bytes) -> bytes:
    if data[:2] != b"\xff\xd8" and data[:8] != parts.PNG_SIGNATURE:
        return data
    try:
        sides = [chance.choice((0, 1, 15, 16, 17, 6000, 16_000, 65_535)) for _ in range(2)]
        return parts.resized(data, *sides)
    except (struct.error, ValueError, IndexError):  # it is damaged already
        return data


def archive(chance: random.Random) -> bytes:
    """Return an archive of pictures, most likely changed."""
    buffer = io.BytesIO()
    method = chance.choice((zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED, zipfile.ZIP_DEFLATED, zipfile.ZIP_BZIP2))
    names = ("a.jpg", "b/c.png", "", "/", "../../x", "\0", "ä\u202e", "con", "a" * 300, ".hidden", "d/")
    with warnings.catch_warnings(action="ignore"), zipfile.ZipFile(buffer, "w", method) as made:  # of doubled names
        for index in range(chance.choice((0, 1, 6, 6, 8, 20))):
            name = chance.choice(names) if chance.random() < 0.2 else f"{index}.jpg"
            made.writestr(zipfile.ZipInfo(name), frame(chance) if chance.random() < 0.7 else picture(chance), method)
        made.comment = chance.choice((b"", b"", b"PK\x05\x06", bytes(30)))
    data = buffer.getvalue()
    return data if chance.random() < 0.2 else changed(chance, data)


@cache
def _good_films() -> tuple[bytes, ...]:
    made = []
    frames = [np.roll(face(160), shift, 1) for shift in range(12)]
    with tempfile.TemporaryDirectory() as folder:
        for codec, suffix in _CODECS:
            try:
                made.append(films.written(Path(folder) / f"film{suffix}", frames, codec))
            except RuntimeError:
                continue  # not in this OpenCV
    return (*made, *(films.as_a_browser_records_it(film) for film in made if film[:4] == b"\x1aE\xdf\xa3"))


def film(chance: random.Random) -> bytes:
    """Return a film, most likely changed, or one that states another size than its pictures have."""
    if chance.random() < 0.5:
        pictures = [frame(chance) if chance.random() < 0.6 else picture(chance) for _ in range(chance.randrange(1, 10))]
        stated = chance.choice(((200, 200), (200, 200), (16, 16), (0, 0), (60_000, 60_000), (6000, 6000)))
        codec = chance.choice((b"MJPG", b"MJPG", b"MPNG", b"H264", b"VP80", b"WEBP", b"cvid", b"DIB ", b"\0\0\0\0"))
        data = films.avi(pictures, stated, codec)
        return data if chance.random() < 0.4 else changed(chance, data, (pieces_changed,))
    return changed(chance, chance.choice(_good_films()), (pieces_changed,))
