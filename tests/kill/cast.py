"""The cast: faces that no two people share, each as a webcam would see it at one visit or another."""

import io
import os
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import cv2
import numpy as np

import casting
import films
import portraits
from familiar.seeing.image import Frame
from familiar_camera.simulation import Session

_PROBES, _PROBE_VISIT = 6, 1_000_000
_OTHERS, _MIDDLE = 24, slice(45, 205)  # of LFW's pictures of 250x250, without those who stand beside
_SYLLABLES = ("ba", "de", "fi", "go", "hu", "ka", "le", "mi", "no", "pu", "ra", "se", "ti", "vo", "wu", "za")


@dataclass(frozen=True)
class Face:
    """A face, which is enrolled under one name after another."""

    number: int

    def pictures(self, visit: int, count: int) -> list[bytes]:
        """Return frames of a visit to the camera as JPEG, each in another light, so that none is a copy of another."""
        portrait = cv2.cvtColor(_portraits()[self.number], cv2.COLOR_RGB2BGR)
        seeds = np.random.default_rng((self.number, visit)).integers(1 << 31, size=count)
        return [_jpeg(Session(portrait, int(seed)).frame(0)) for seed in seeds]

    @property
    def probes(self) -> tuple[bytes, ...]:
        """Pictures, as JPEG, of a visit at which the face is not enrolled."""
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
    return tuple(Face(number).pictures(_PROBE_VISIT, _PROBES))


def _jpeg(picture: Frame) -> bytes:
    return bytes(cv2.imencode(".jpg", picture)[1])
