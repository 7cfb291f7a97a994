"""Writing: results beside the pictures: sidecars, and a folder of links and a table, which is made anew each time.

Nothing is opened through a link, and nothing of somebody else's is replaced: a sidecar is merged, and the folder of
results is ours only where it says so by a hidden file in it.
"""

import contextlib
import errno
import os
import shutil
import stat
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from uuid import uuid4

from familiar.photos import sidecars, tables
from familiar.photos.links import link_folders
from familiar.photos.places import Place

RESULTS = "Familiar"
"""The folder of results, in the folder of the pictures."""
TABLE = "faces.csv"
_MARK = ".made-by-familiar"
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
_MOST_TOLD = 100


class NotOurs(Exception):
    """There is a folder of that name that somebody else has made."""


@dataclass
class Outcome:
    """How many sidecars were written, which were left alone (the first hundred), and how many links there are."""

    sidecars: int = 0
    left_alone: list[str] = field(default_factory=list)
    links: int = 0


def write_sidecars(root: int, files: Mapping[str, Sequence[Place]], outcome: Outcome) -> None:
    """Write, merge, or take our faces out of, the sidecars of these files below an open folder.

    Raises:
        OSError: the folder cannot be written to.
    """
    for path, places in files.items():
        try:
            with _above(root, path) as (folder, name):
                outcome.sidecars += _write_sidecar(folder, name + sidecars.SUFFIX, places)
        except (sidecars.SidecarRefused, FileNotFoundError, NotADirectoryError, IsADirectoryError):
            outcome.left_alone = [*outcome.left_alone, path][:_MOST_TOLD]
        except OSError as exc:
            if exc.errno != errno.ELOOP:  # a link stands where a folder or a sidecar would be
                raise
            outcome.left_alone = [*outcome.left_alone, path][:_MOST_TOLD]


def write_results(root: int, places: Sequence[Place], outcome: Outcome, *, links: bool, table: bool) -> None:
    """Make the folder of results anew in an open folder: links and a table, either or both.

    Raises:
        NotOurs: somebody else has made a folder, or whatever it is, of that name.
        OSError: the folder cannot be written to.
    """
    if not _is_free_or_ours(root):
        raise NotOurs(RESULTS)
    made = f".familiar-{uuid4().hex}"
    os.mkdir(made, dir_fd=root)
    try:
        folder = os.open(made, _FOLDER, dir_fd=root)
        try:
            _write(folder, _MARK, b"")
            if table:
                _write(folder, TABLE, tables.to_csv(places).encode("utf-8-sig"))
            if links:
                outcome.links = _write_links(folder, places)
        finally:
            os.close(folder)
        with contextlib.suppress(FileNotFoundError):
            shutil.rmtree(RESULTS, dir_fd=root)
        os.rename(made, RESULTS, src_dir_fd=root, dst_dir_fd=root)
    except BaseException:
        shutil.rmtree(made, ignore_errors=True, dir_fd=root)
        raise


def _write_sidecar(folder: int, name: str, places: Sequence[Place]) -> bool:
    """Write a sidecar unless it says the same already; tell whether it was written."""
    existing = _read(folder, name)
    if existing is None and not places:
        return False
    if not places and not sidecars.is_marked(existing or b""):
        return False
    content = sidecars.merged(places, existing)
    if content is None or content == existing:
        return False
    _write(folder, name, content)
    return True


def _write_links(folder: int, places: Sequence[Place]) -> int:
    links = link_folders(places)
    for name in sorted({link.partition("/")[0] for link in links}):
        os.mkdir(name, dir_fd=folder)
    for link, target in links.items():
        os.symlink(target, link, dir_fd=folder)
    return len(links)


def _is_free_or_ours(root: int) -> bool:
    try:
        folder = os.open(RESULTS, _FOLDER, dir_fd=root)
    except FileNotFoundError:
        return True
    except OSError:
        return False
    try:
        return stat.S_ISREG(os.stat(_MARK, dir_fd=folder, follow_symlinks=False).st_mode)
    except FileNotFoundError:
        return False
    finally:
        os.close(folder)


@contextlib.contextmanager
def _above(root: int, path: str) -> Iterator[tuple[int, str]]:
    """Give the folder that a file lies in, opened step by step, and the file's name."""
    *parts, name = path.split("/")
    folder = os.dup(root)
    try:
        for part in parts:
            if part in ("", ".", ".."):
                raise FileNotFoundError(path)
            inner = os.open(part, _FOLDER, dir_fd=folder)
            os.close(folder)
            folder = inner
        os.stat(name, dir_fd=folder, follow_symlinks=False)  # beside a picture that is gone nothing is written
        yield folder, name
    finally:
        os.close(folder)


def _read(folder: int, name: str) -> bytes | None:
    try:
        descriptor = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=folder)
    except FileNotFoundError:
        return None
    except PermissionError as exc:
        raise sidecars.SidecarRefused("it may not be read") from exc
    with os.fdopen(descriptor, "rb") as file:
        if not stat.S_ISREG(os.fstat(descriptor).st_mode):
            raise sidecars.SidecarRefused("it is no file")
        return file.read(sidecars.MOST_BYTES + 1)


def _write(folder: int, name: str, content: bytes) -> None:
    """Write a file as a whole: whoever reads it finds the old or the new one."""
    aside = f".familiar-{uuid4().hex}"
    flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
    try:
        with os.fdopen(os.open(aside, flags, 0o644, dir_fd=folder), "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        os.rename(aside, name, src_dir_fd=folder, dst_dir_fd=folder)
    except BaseException:
        with contextlib.suppress(OSError):
            os.unlink(aside, dir_fd=folder)
        raise
