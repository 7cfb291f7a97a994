"""Folders: whose pictures an archive holds. One folder is one person, and several are never made into one."""

from collections.abc import Collection
from dataclasses import dataclass
from unicodedata import normalize

from familiar.errors import InvalidInput

Path = tuple[str, ...]
_LITTER = ("__macosx", "@eadir", "$recycle.bin", "thumbs.db", "desktop.ini")
"""What systems leave behind in folders of pictures, in letters of any size."""
_MOST_NAMED = 20


@dataclass(frozen=True)
class Folder:
    """Where one person's files lie; ``name`` is what the folder is called, None if there is none."""

    name: str | None
    within: Path
    everything: bool = False

    def has(self, path: Path) -> bool:
        """Whether a file is one of the person's."""
        return self.everything or path[:-1] == self.within


def parts_of(name: str) -> Path:
    """Return the folders and the file that a name within an archive leads through; nothing for a folder itself.

    Windows' separators are taken for what they are, and letters composed, as some systems take them apart.
    """
    parts = normalize("NFC", name).replace("\\", "/").split("/")
    if len(parts) > 1 and not parts[-1]:
        return ()
    folders = tuple(part for part in parts[:-1] if part not in ("", "."))
    return (*folders, parts[-1])


def is_hidden(path: Path) -> bool:
    """Whether a file, or a folder around it, is hidden, or is litter."""
    return any(part.lower().startswith((".", *_LITTER)) for part in path)


def people_of(pictures: Collection[Path], files: Collection[Path] = ()) -> list[Folder]:
    """Return one folder for each person whose ``pictures`` there are, by name.

    Of pictures in one folder, or in none, everything in the archive is one person's. Of those in several, all folders
    must differ in one step of the way and in no other: ``people/A/1.jpg`` and ``people/B/1.jpg`` do. Where these are
    people, so are the folders beside them that hold other ``files``: whoever is in films alone is told so.

    Raises:
        InvalidInput: they do not, so that it cannot be told which folder is a person's; ``details`` name the folders.
    """
    places = sorted({path[:-1] for path in pictures})
    if len(places) < 2:
        way = places[0] if places else ()
        return [Folder(way[-1] if way else None, way, everything=True)]
    before = _alike(places)
    after = _alike([place[:before:-1] for place in places])
    if any(len(place) != before + 1 + after for place in places):
        raise several_people(["/".join(place) or "." for place in places])
    beside = {place for path in files if _is_beside(place := path[:-1], places[0], before)}
    return [Folder(place[before], place) for place in sorted(beside.union(places))]


def several_people(folders: list[str]) -> InvalidInput:
    """Return the error that says in which folders pictures lie."""
    shown = ", ".join(folders[:5]) + (" ..." if len(folders) > 5 else "")
    return InvalidInput(
        f"the pictures lie in {len(folders)} folders ({shown:.300}), which are not made into one person: send those of "
        "one, or, without name and person_id, an archive with one folder for each person, side by side",
        code="several_people",
        folders=folders[:_MOST_NAMED],
    )


def _is_beside(place: Path, person: Path, before: int) -> bool:
    """Whether a folder has all steps of a person's but perhaps the one that comes after so many ``before``."""
    after = before + 1
    return len(place) == len(person) and place[:before] == person[:before] and place[after:] == person[after:]


def _alike(ways: list[Path]) -> int:
    """Return how many steps at the beginning all ``ways`` have in common."""
    shared = 0
    for steps in zip(*ways, strict=False):
        if len(set(steps)) > 1:
            break
        shared += 1
    return shared
