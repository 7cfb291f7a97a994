"""How much room there is where something is kept."""

import os
import shutil
from dataclasses import dataclass
from pathlib import Path

_LITTLE_BYTES = 1_000_000_000
_LITTLE_SHARE = 0.1


@dataclass(frozen=True)
class Disk:
    """What something takes, and the disk that it lies on; of one that is elsewhere ``free`` and ``size`` are None."""

    taken_bytes: int
    free_bytes: int | None
    size_bytes: int | None

    @property
    def low(self) -> bool:
        """Whether somebody should make room: less than 1 GB, and than a tenth, is free.

        Of a small disk 1 GB may be most, and of a large one a tenth is plenty.
        """
        if self.free_bytes is None or self.size_bytes is None:
            return False
        return self.free_bytes < min(_LITTLE_BYTES, _LITTLE_SHARE * self.size_bytes)


def beneath(folder: Path) -> Disk:
    """Return how it stands with a folder and all that is in it.

    Raises:
        OSError: it is not there, or may not be looked at.
    """
    return around(folder, sum(_size(Path(place) / name) for place, _, names in os.walk(folder) for name in names))


def around(folder: Path, taken_bytes: int) -> Disk:
    """Return how it stands with the disk of a folder, of which so much is taken by what is meant.

    Raises:
        OSError: it is not there, or may not be looked at.
    """
    usage = shutil.disk_usage(folder)
    return Disk(taken_bytes, usage.free, usage.total)


def of_files(*files: Path) -> Disk:
    """Return how it stands with files that lie in one folder; one that is not there takes nothing.

    Raises:
        OSError: the folder is not there, or may not be looked at.
    """
    return around(files[0].parent, sum(map(_size, files)))


def _size(file: Path) -> int:
    try:
        return file.lstat().st_size
    except OSError:  # gone meanwhile
        return 0
