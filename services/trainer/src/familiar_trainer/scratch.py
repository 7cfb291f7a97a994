"""Scratch: where a process, and the libraries in it, write what is thrown away, and which outlives no process for long.

TensorFlow leaves files in the temporary folder while it exports, and removes them only at an end that is not a kill.
"""

import contextlib
import fcntl
import logging
import os
import shutil
import tempfile
from collections.abc import Iterator
from pathlib import Path

SCRATCH = "scratch"
"""Name of the place, beside the folders of models that Serving watches."""

_log = logging.getLogger(__name__)


@contextlib.contextmanager
def temporary_files_in(place: Path) -> Iterator[None]:
    """Have all temporary files of this process and of its children made in a folder of its own below ``place``.

    Folders of processes that have ended, however they did, are removed: the kernel frees their locks. If there is none
    to be had, the system's temporary folder serves.
    """
    with contextlib.ExitStack() as ending:
        try:
            folder = ending.enter_context(_own_folder(place))
        except OSError as exc:
            _log.warning("temporary files stay in %s: %s: %s", tempfile.gettempdir(), place, exc.strerror)
        else:
            ending.callback(_use, os.environ.get("TMPDIR"))
            _use(str(folder))
        yield


def _use(folder: str | None) -> None:
    os.environ.pop("TMPDIR", None)
    if folder is not None:
        os.environ["TMPDIR"] = folder
    tempfile.tempdir = None  # to be found anew


@contextlib.contextmanager
def _own_folder(place: Path) -> Iterator[Path]:
    place.mkdir(parents=True, exist_ok=True)
    _sweep(place)
    while True:
        folder = Path(tempfile.mkdtemp(dir=place, prefix=""))
        descriptor = _locked(folder)
        if descriptor is not None and folder.exists():
            break  # or another one's sweep came between
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
        os.close(descriptor)


def _sweep(place: Path) -> None:
    for folder in place.iterdir():
        descriptor = _locked(folder)
        if descriptor is not None:
            shutil.rmtree(folder, ignore_errors=True)
            os.close(descriptor)


def _locked(folder: Path) -> int | None:
    """Return a descriptor that holds the lock on a folder; None if a living process has it, or it is gone."""
    try:
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(descriptor)
        return None
    return descriptor
