"""Folders: the pictures below one, and nothing that lies elsewhere, whatever links and names there are.

Folders are walked by descriptors, and files opened from these without following links. So nothing leads out of the
folder, also if somebody exchanges something for a link in between.
"""

import contextlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif", ".avif"})
"""Phones' pictures, which cannot be looked at, are listed as such: nobody is missing from a folder without a word."""
MOST_PATH_BYTES = 1_000
"""A longer path is listed as broken: it could not be kept."""


class FolderRefused(Exception):
    """A folder is none, or none of those that may be read."""


@dataclass(frozen=True)
class Picture:
    """A file that ends as pictures do.

    Attributes:
        path: from the folder on, with slashes; what is no UTF-8 in it is shown by numbers.
        usable: whether it is a plain file, and its name one that can be kept.
    """

    path: str
    usable: bool
    _name: str
    _folder: int

    def read(self, most_bytes: int) -> bytes:
        """Return its content, one byte too many at most.

        It can be read until the next picture is asked for.

        Raises:
            OSError: it cannot be read, or is no plain file (any more).
        """
        descriptor = os.open(
            self._name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=self._folder
        )
        with os.fdopen(descriptor, "rb") as file:
            if not stat.S_ISREG(os.fstat(descriptor).st_mode):
                raise OSError(f"{self.path} is no file")
            return file.read(most_bytes + 1)


def allowed_folder(asked: str, allowed: Sequence[Path]) -> Path:
    """Return the folder that is ``asked`` for, if it is one of those ``allowed`` or lies in one.

    A relative one is looked for in each of those allowed. Where links lead counts, not how it is written.

    Raises:
        FolderRefused: it is not, or there is no such folder; which of both is not told.
    """
    for root in allowed:
        with contextlib.suppress(OSError, ValueError, RuntimeError):
            real_root, real = root.resolve(strict=True), (root / asked).resolve(strict=True)
            if real.is_relative_to(real_root) and real.is_dir():
                return real
    raise FolderRefused("there is no such folder among those that may be read")


def open_folder(folder: Path) -> int:
    """Return a descriptor of ``folder``, which is no link; the caller closes it.

    Raises:
        FolderRefused: it cannot be opened.
    """
    try:
        return os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except OSError as exc:
        raise FolderRefused(f"the folder cannot be opened: {exc.strerror}") from exc


def pictures(root: int, leave_out: str = "") -> Iterator[Picture]:
    """Yield the pictures below an open folder in the order of their names; hidden ones are left out.

    ``leave_out`` is the name of a folder in ``root`` that is not entered. A folder that cannot be read counts as empty.
    """
    for above, folders, files, descriptor in os.fwalk(".", dir_fd=root, follow_symlinks=False):
        folders[:] = sorted(name for name in folders if not name.startswith(".") and (above, name) != (".", leave_out))
        for name in sorted(files):
            if not name.startswith(".") and Path(name).suffix.lower() in SUFFIXES:
                path, is_text = _shown((Path(above) / name).as_posix())
                fits = is_text and len(path.encode()) <= MOST_PATH_BYTES
                yield Picture(path if fits else path[: MOST_PATH_BYTES // 4], fits, name, descriptor)


def _shown(path: str) -> tuple[str, bool]:
    """Return a path as text that can be kept, and whether it is the very path."""
    shown = os.fsencode(path).decode("utf-8", "backslashreplace").replace("\0", "")
    return shown, shown == path and path.isprintable()
