"""Make versions visible to a model server, whole or not at all, and take them away again.

In a model's folder a version is a folder with a number for a name. Whatever is unfinished has another name:
``.tmp-<version>-<pid>`` while it is written, ``.trash-<version>`` while it is deleted. Both become a version,
or cease to be one, by a rename within the folder. One host writes a folder of models.
"""

from __future__ import annotations

import contextlib
import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

from familiar_trainer.export.errors import ExportFailed, VersionExists

_VERSION = re.compile(r"[1-9][0-9]{0,17}", re.ASCII)
_STAGING = re.compile(r"\.tmp-([0-9]{1,18})-([0-9]+)", re.ASCII)
_TRASH = re.compile(r"\.trash-([0-9]{1,18})", re.ASCII)

# What this process is writing at the moment, whichever object lent the folder.
_staged_here: set[Path] = set()


class ModelFolder:
    """The versions of one model on disk; if the folder is lost there are none, until the next one is written."""

    def __init__(self, root: Path) -> None:
        """Use ``root``, for example ``$MODELS_DIR/head``; it is made if need be."""
        root.mkdir(parents=True, exist_ok=True)
        self.root = root.resolve()

    def path(self, version: int) -> Path:
        """Return where a version is, or would be."""
        return self.root / str(version)

    def versions(self) -> list[int]:
        """Return the published versions in ascending order."""
        names = [entry.name for entry in self._entries() if entry.is_dir()]
        return sorted(int(name) for name in names if _VERSION.fullmatch(name))

    def next_version(self, floor: int = 0) -> int:
        """Return the lowest version above ``floor`` and above every one on disk, unfinished and retired ones too."""
        found = [floor, *self.versions()]
        for entry in self._entries():
            match = _STAGING.fullmatch(entry.name) or _TRASH.fullmatch(entry.name)
            if match:
                found.append(int(match[1]))
        return max(found) + 1

    @contextlib.contextmanager
    def staging(self, version: int) -> Iterator[Path]:
        """Lend an empty folder to write ``version`` into; unless it was published, it is deleted at the end.

        Raises VersionExists, ValueError for what cannot be a version, ExportFailed if there is no folder to be had.
        """
        self._refuse(version)
        staged = self.root / f".tmp-{version}-{os.getpid()}"
        try:
            shutil.rmtree(staged, ignore_errors=True)
            staged.mkdir(parents=True)
        except OSError as error:
            raise ExportFailed(f"no version can be written in {self.root}: {error.strerror}") from error
        _staged_here.add(staged)
        try:
            yield staged
        finally:
            shutil.rmtree(staged, ignore_errors=True)
            _staged_here.discard(staged)

    def publish(self, staged: Path, version: int) -> Path:
        """Make a staged folder visible as ``version``, durably and in one step; return its path.

        Raises VersionExists if the version is there already, ExportFailed if the disk does not take it.
        """
        self._refuse(version)
        target = self.path(version)
        try:
            _sync_tree(staged)
            staged.rename(target)
            _sync(self.root)
        except OSError as error:
            if target.exists() and staged.exists():
                raise VersionExists(f"version {version} in {self.root} is already published") from error
            raise ExportFailed(f"version {version} cannot be published: {error.strerror}") from error
        return target

    def retire(self, version: int) -> None:
        """Take a version away: gone in one step, then deleted; nothing happens if it is not there."""
        trash = self.root / f".trash-{version}"
        shutil.rmtree(trash, ignore_errors=True)
        try:
            self.path(version).rename(trash)
        except FileNotFoundError:
            return
        _sync(self.root)
        shutil.rmtree(trash, ignore_errors=True)

    def sweep(self) -> list[str]:
        """Delete what ended processes left behind and return its names; published versions are not touched."""
        swept = []
        for entry in self._entries():
            staging = _STAGING.fullmatch(entry.name)
            if _TRASH.fullmatch(entry.name) or (staging and self._abandoned(entry, int(staging[2]))):
                shutil.rmtree(entry, ignore_errors=True)
                swept.append(entry.name)
        return sorted(swept)

    def _entries(self) -> list[Path]:
        with contextlib.suppress(FileNotFoundError):
            return list(self.root.iterdir())
        return []

    def _abandoned(self, staged: Path, pid: int) -> bool:
        if pid == os.getpid():  # in a container the process after a restart has the number of the one before
            return staged not in _staged_here
        try:
            os.kill(pid, 0)
        except ProcessLookupError:
            return True
        except PermissionError:
            return False
        return False

    def _refuse(self, version: int) -> None:
        if not _VERSION.fullmatch(str(version)):
            raise ValueError(f"{version!r} is no version: versions are integers from 1")
        # Renaming onto an empty folder would succeed, so that any folder of this name must be refused here.
        if self.path(version).exists():
            raise VersionExists(f"version {version} in {self.root} is already published")


def _sync_tree(folder: Path) -> None:
    """Bring files and folders to disk, contents before the names that lead to them."""
    for parent, _, names in os.walk(folder, topdown=False):
        for name in names:
            _sync(Path(parent, name))
        _sync(Path(parent))


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
