"""Casting: people to enrol and to look for, of LFW where the shared data are, else of the two portraits."""

from dataclasses import dataclass
from pathlib import Path

import cv2

import portraits
from familiar.seeing.image import Frame, decode
from familiar_camera.simulation import Session

_LEARN, _LEAST_PICTURES = 10, 20
# From the first on, one of six is so like another that the backbone takes them for one person.
_FIRST = 2


@dataclass(frozen=True)
class Sitter:
    """Somebody to enrol from the pictures ``learn`` and to be recognised in the picture ``probe``."""

    name: str
    learn: list[bytes]
    probe: Frame


def sitters(count: int, data: Path | None) -> list[Sitter]:
    """Return people of LFW in the folder ``data``; without it the two portraits, in turn, from simulated webcams."""
    folder = _lfw(data)
    if folder is None:
        return [_portrait(number) for number in range(count)]
    many = [each for each in sorted(folder.iterdir()) if len(list(each.glob("*.jpg"))) >= _LEAST_PICTURES]
    chosen = many[_FIRST :: len(many) // count][:count]
    files = {each.name: [file.read_bytes() for file in sorted(each.glob("*.jpg"))] for each in chosen}
    # Spread over the person's pictures: other events than the probe, which is the last.
    return [Sitter(name, own[: -1 : len(own) // _LEARN][:_LEARN], decode(own[-1])) for name, own in files.items()]


def faces(count: int, data: Path | None) -> list[Frame]:
    """Return pictures of one face each: different people of LFW in the folder ``data``, else the two portraits."""
    folder = _lfw(data)
    if folder is None:
        return [portraits.frame(portraits.NAMES[number % 2])[:512] for number in range(count)]
    people = sorted(folder.iterdir())
    return [decode(min(each.glob("*.jpg")).read_bytes()) for each in people[:: len(people) // count][:count]]


def _lfw(data: Path | None) -> Path | None:
    folders = [data / name for name in ("lfw_color", "lfw")] if data else []
    return next((folder for folder in folders if folder.is_dir()), None)


def _portrait(number: int) -> Sitter:
    name = portraits.NAMES[number % len(portraits.NAMES)]
    portrait = cv2.cvtColor(portraits.frame(name), cv2.COLOR_RGB2BGR)
    days = Session(portrait, 1), Session(portrait, 50 + number)
    learn = [cv2.imencode(".jpg", days[0].frame(at))[1].tobytes() for at in range(0, 60, 3)]
    return Sitter(name, learn, cv2.cvtColor(days[1].frame(7), cv2.COLOR_BGR2RGB))
