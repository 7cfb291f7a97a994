"""Folders that a process has while it lives: locked, so that the next one can tell which of them nobody has."""

import contextlib
import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path


@contextlib.contextmanager
def own_folder(place: Path, prefix: str = "") -> Iterator[Path]:
    """Give a new folder below ``place`` whose name begins with ``prefix``; it is gone with the block.

    Those of processes that have ended, however they did, are removed first: the kernel frees their locks. Whatever is
    in ``place`` under such a name, and ours, has to be of this making.

    Raises:
        OSError: there is none to be had.
    """
    place.mkdir(parents=True, exist_ok=True)
    _sweep(place, prefix)
    while True:
        folder = Path(tempfile.mkdtemp(dir=place, prefix=prefix))
        descriptor = _locked(folder)
        if descriptor is not None and folder.exists():
            break  # or another one's sweep came between
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _sweep(place: Path, prefix: str) -> None:
    for folder in place.iterdir():
        descriptor = _locked(folder) if folder.name.startswith(prefix) else None
        if descriptor is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)


def _locked(folder: Path) -> int | None:
    """Return a descriptor that holds the lock on a folder; None if a living process or another user has it, or none."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError, PermissionError):
        return None
    try:
        if os.fstat(descriptor).st_uid == os.geteuid():
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None
