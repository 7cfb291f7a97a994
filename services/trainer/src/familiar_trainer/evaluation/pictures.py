"""The pictures to measure with: a folder with one folder of pictures for each person."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

_SUFFIXES = frozenset({".jpg", ".jpeg", ".png", ".webp"})

_MISLABELLED = frozenset({"Carlos_Ruckauf_0001"})
"""In LFW. It shows Eduardo Duhalde, who is in it as well: named rightly, he was a stranger named in every gallery."""


class UnusableData(Exception):
    """The folder or file named on the command line does not hold what is needed; the message says what."""


@dataclass(frozen=True)
class Picture:
    """One file; ``person`` is the name of its folder."""

    person: str
    path: Path

    @cached_property
    def content(self) -> str:
        """SHA-256 of the bytes, in hexadecimal."""
        return hashlib.sha256(self.path.read_bytes()).hexdigest()


@dataclass(frozen=True)
class Pair:
    """Two pictures to compare, by their place in ``People.pictures``; ``fold`` counts from 0."""

    first: int
    second: int
    same: bool
    fold: int


@dataclass(frozen=True)
class People:
    """All pictures, ordered by person and file name."""

    pictures: tuple[Picture, ...]

    @classmethod
    def read(cls, folder: Path, initials: str = "") -> People:
        """Find the pictures in ``folder``; ``initials`` such as ``A-M`` keeps the people whose names begin so.

        Raises:
            UnusableData: there is no such folder, or no picture in it.
        """
        if not folder.is_dir():
            raise UnusableData(f"{folder} is no folder")
        wanted = _initials(initials)
        pictures = tuple(
            Picture(person.name, path)
            for person in sorted(folder.iterdir())
            if person.is_dir() and (not wanted or person.name[:1].upper() in wanted)
            for path in sorted(person.iterdir())
            if path.suffix.lower() in _SUFFIXES and path.stem not in _MISLABELLED
        )
        if not pictures:
            raise UnusableData(f"{folder} holds no pictures of the kind PERSON/PICTURE.jpg")
        return cls(pictures)

    @cached_property
    def of(self) -> dict[str, list[int]]:
        """Places of each person's pictures, by person."""
        places: dict[str, list[int]] = {}
        for place, picture in enumerate(self.pictures):
            places.setdefault(picture.person, []).append(place)
        return places

    def pairs(self, file: Path, folds: int = 10) -> list[Pair]:
        """Read LFW's pairs file: ``name n m`` is one person, ``name n other m`` are two.

        Each kind is cut into ``folds`` stretches of equal length, which in the original file are its own folds. Pairs
        of people who are not among the pictures are left out.

        Raises:
            UnusableData: the file cannot be read as such.
        """
        place = {(picture.person, _number(picture.path)): i for i, picture in enumerate(self.pictures)}
        found: dict[bool, list[tuple[int, int]]] = {True: [], False: []}
        for line in file.read_text(encoding="utf-8").splitlines():
            words = line.split()
            if len(words) == 3:
                keys, same = ((words[0], words[1]), (words[0], words[2])), True
            elif len(words) == 4:
                keys, same = ((words[0], words[1]), (words[2], words[3])), False
            elif len(words) in (0, 1, 2) and not found[True]:
                continue  # the original begins with the number of folds and of pairs
            else:
                raise UnusableData(f"{file}: not a pair: {line!r}")
            first, second = (place.get((name, int(number))) for name, number in keys)
            if first is not None and second is not None:
                found[same].append((first, second))
        return [
            Pair(*pair, same, i * folds // len(mine)) for same, mine in found.items() for i, pair in enumerate(mine)
        ]


def _initials(text: str) -> frozenset[str]:
    """Return the letters that ``A-M`` or ``ABC`` stands for."""
    parts: Iterable[str] = re.findall(r".-.|.", text.upper())
    letters: set[str] = set()
    for part in parts:
        letters |= {chr(code) for code in range(ord(part[0]), ord(part[-1]) + 1)}
    return frozenset(letters)


def _number(path: Path) -> int:
    digits = re.search(r"(\d+)$", path.stem)
    return int(digits.group(1)) if digits else -1
