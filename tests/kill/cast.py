"""The cast: faces that no two people share, each as a webcam would see it on one day or another."""

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2

import casting
import films
import portraits
from familiar.seeing.image import Frame
from familiar_camera.simulation import Session

_PROBES, _PROBE_DAY = 6, 1_000_000
_STRIDE = 11  # between frames, so that they are no copies of each other
_OTHERS, _MIDDLE = 24, slice(45, 205)  # of LFW's pictures of 250x250, without those who stand beside
_SYLLABLES = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu", "za")


@dataclass(frozen=True)
class Face:
    """A face, which is enrolled under one name after another."""

    number: int

    def day(self, number: int, count: int) -> list[Frame]:
        """Return frames uint8[480, 640, 3], RGB, of a day before the camera; the same every time."""
        session = Session(cv2.cvtColor(_portraits()[self.number], cv2.COLOR_RGB2BGR), 1000 * self.number + number)
        return [cv2.cvtColor(session.frame(_STRIDE * at), cv2.COLOR_BGR2RGB) for at in range(count)]

    def pictures(self, day: int, count: int) -> list[bytes]:
        """Return frames of a day as JPEG."""
        return [_jpeg(frame) for frame in self.day(day, count)]

    @property
    def probes(self) -> tuple[bytes, ...]:
        """Pictures, as JPEG, of a day on which the face is not enrolled."""
        return _probes(self.number)


def faces(count: int) -> list[Face]:
    """Return so many faces; fewer where there are no others than the two portraits."""
    return [Face(number) for number in range(min(count, len(_portraits())))]


def name(number: int) -> str:
    """Return a name that nobody else has, and that stands nowhere by chance."""
    syllables = [_SYLLABLES[number >> 4 * place & 15] for place in range(4)]
    return f"Xq{syllables[0]}{syllables[1]} Vj{syllables[2]}{syllables[3]}wx"


def archive(pictures: Sequence[bytes]) -> bytes:
    """Return a ZIP of pictures."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as made:
        for number, picture in enumerate(pictures):
            made.writestr(zipfile.ZipInfo(f"{number:03}.jpg"), picture)
    return buffer.getvalue()


def film(pictures: Sequence[bytes]) -> bytes:
    """Return an AVI of pictures of 640x480."""
    return films.avi(pictures, (640, 480))


@cache
def _portraits() -> list[Frame]:
    ours = [portraits.frame(each)[:512] for each in portraits.NAMES]
    data = Path(os.environ.get("FAMILIAR_DATA", Path(__file__).parents[3] / "shared" / "data"))
    return [*ours, *(each[_MIDDLE, _MIDDLE] for each in casting.faces(_OTHERS, data))] if data.is_dir() else ours


@cache
def _probes(number: int) -> tuple[bytes, ...]:
    return tuple(Face(number).pictures(_PROBE_DAY, _PROBES))


def _jpeg(frame: Frame) -> bytes:
    return bytes(cv2.imencode(".jpg", cv2.cvtColor(frame, cv2.COLOR_RGB2BGR))[1])
