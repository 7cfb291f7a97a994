"""Links: a folder for each person, with a link to each of their pictures, under names that any disk takes."""

import hashlib
import unicodedata
from collections.abc import Iterable
from pathlib import PurePosixPath

from familiar.photos.places import Place

_FORBIDDEN = frozenset('/\\:*?"<>|')
_MOST_BYTES = 120
_RESERVED = frozenset(
    {"con", "prn", "aux", "nul", *(f"com{digit}" for digit in range(10)), *(f"lpt{digit}" for digit in range(10))}
)


def link_folders(places: Iterable[Place], up: int = 2) -> dict[str, str]:
    """Return links by path, ``NAME/FILE``, with where each leads.

    They lead ``up`` so many folders, to where the paths of the places begin. Two people whose names become the same
    folder, and two files of one name, get a short digest behind it.
    """
    whose: dict[str, str] = {}
    links: dict[str, str] = {}
    for place in places:
        folder = safe_name(place.name)
        if whose.setdefault(folder.casefold(), place.name) != place.name:
            folder = f"{folder} {_digest(place.name)}"
            whose[folder.casefold()] = place.name
        file = PurePosixPath(place.path)
        stem, suffix = file.stem, file.suffix
        target = "/".join([*[".."] * up, place.path])
        link = f"{folder}/{safe_name(stem)}{suffix}"
        if links.get(link, target) != target:
            link = f"{folder}/{safe_name(stem)} {_digest(place.path)}{suffix}"
        links[link] = target
    return links


def safe_name(text: str) -> str:
    """Return a text as the name of a folder or a file: no separator, nothing hidden, nothing that a disk refuses."""
    kept = "".join(
        "_" if char in _FORBIDDEN or unicodedata.category(char)[0] == "C" else char
        for char in unicodedata.normalize("NFC", text)
    )
    kept = kept.encode()[:_MOST_BYTES].decode("utf-8", "ignore").strip(" .")
    if not kept:
        return "_"
    return f"_{kept}" if kept.split(".")[0].casefold() in _RESERVED else kept


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:8]
