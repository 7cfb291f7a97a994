"""Photos: a folder of this machine is sent, sorted by who is on the pictures, and the results unpacked there."""

import io
import os
import stat
import time
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path, PurePosixPath
from typing import Protocol

from familiar_camera.errors import Refused, SortingFailed, SourceError
from familiar_camera.server import Answer, Server

SUFFIXES = frozenset({".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif", ".avif"})
"""Phones' pictures as well: they are not read, and the server says so of each."""
RESULTS = "Familiar"
_MARK = ".made-by-familiar"
_OURS = b"https://familiar.invalid/ns/1.0/"
_LOOK_S = 0.5
_TOO_LARGE = "too_large"


class Audience(Protocol):
    """Whoever wants to know how the sorting goes."""

    def begun(self, job: Answer, pictures: int) -> None:
        """Take note of the job, and of how many pictures will be sent."""

    def sent(self, path: str, code: str | None) -> None:
        """Take note of a picture that was looked at, or of why it could not be."""

    def stage(self, job: Answer) -> None:
        """Take note of how the job stands."""


def sort(
    server: Server, folder: Path, audience: Audience, *, job_id: str | None = None,
    sleep: Callable[[float], None] = time.sleep,
) -> tuple[Answer, Answer]:  # fmt: skip
    """Send a folder and have it sorted; return the job, and who is on the pictures.

    ``job_id`` is a job to go on with: what it has seen costs no second look.

    Raises:
        SourceError: there is no such folder, or no picture in it.
        SortingFailed: the server could not sort them.
        Refused, ServerAway, WrongServer: as their names say.
    """
    paths = list(pictures_in(folder))
    if not paths:
        raise SourceError(f"{folder}: the folder holds no pictures ({', '.join(sorted(SUFFIXES))})")
    job = server.begin_photos(folder.resolve().name or "pictures") if job_id is None else server.photo_job(job_id)
    audience.begun(job, len(paths))
    if job["status"] == "receiving":
        for path in paths:
            audience.sent(path, _send(server, job["id"], folder, path))
    if job["status"] not in ("queued", "sorting"):
        job = server.resume_photos(job["id"])
    while job["status"] not in ("done", "failed", "paused"):
        audience.stage(job)
        sleep(_LOOK_S)
        job = server.photo_job(job["id"])
    audience.stage(job)
    if job["status"] != "done":
        why = (job.get("error") or {}).get("message", f"it is {job['status']}")
        raise SortingFailed(f"the pictures were sent and looked at, but not sorted: {why}; --job {job['id']} goes on")
    return job, server.people_on_photos(job["id"])


def pictures_in(folder: Path) -> Iterator[str]:
    """Yield the pictures below a folder, with slashes, in the order of their names; no link is followed.

    Raises:
        SourceError: there is no such folder.
    """
    if not folder.is_dir():
        raise SourceError(f"{folder}: there is no such folder")
    for above, folders, files in os.walk(folder, followlinks=False):
        inside = Path(above).relative_to(folder)
        folders[:] = sorted(
            name for name in folders if not name.startswith(".") and (inside / name).as_posix() != RESULTS
        )
        for name in sorted(files):
            path = Path(above) / name
            wanted = not name.startswith(".") and path.suffix.lower() in SUFFIXES
            if wanted and path.is_file() and not path.is_symlink():
                yield (inside / name).as_posix()


def _send(server: Server, job_id: str, folder: Path, path: str) -> str | None:
    try:
        return server.send_photo(job_id, path, (folder / path).read_bytes())["code"]  # type: ignore[no-any-return]
    except OSError:
        return "unreadable"
    except Refused as exc:
        if exc.code in (_TOO_LARGE, "invalid_query"):
            return exc.code
        raise


def unpack(archive: bytes, folder: Path) -> tuple[int, list[str]]:
    """Unpack results where the pictures lie; return how many files that were, and which were left alone.

    Nothing is written outside of the folder, or through a link, and nothing of somebody else's is replaced.

    Raises:
        SortingFailed: what the server sent is no such archive, or the folder cannot be written to.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(archive)) as results:
            return _unpack(results, folder)
    except (zipfile.BadZipFile, ValueError) as exc:
        raise SortingFailed(f"the results cannot be unpacked: {exc}") from exc
    except OSError as exc:
        raise SortingFailed(f"{folder}: results cannot be written: {exc.strerror}") from exc


def _unpack(results: zipfile.ZipFile, folder: Path) -> tuple[int, list[str]]:
    ours = folder / RESULTS
    free = not (ours.exists() or ours.is_symlink())
    own = ours.is_dir() and not ours.is_symlink() and (ours / _MARK).is_file()
    if own:
        _empty(ours)
    written, left_alone = 0, []
    for entry in results.infolist():
        path = PurePosixPath(entry.filename)
        if path.is_absolute() or ".." in path.parts or "\\" in entry.filename:
            raise ValueError(f"{entry.filename!r} leads elsewhere")
        target = folder.joinpath(*path.parts)
        in_results = path.parts[0] == RESULTS
        if in_results and not (free or own):
            left_alone.append(entry.filename)
            continue
        if any(each.is_symlink() for each in target.parents if each != folder and folder in each.parents):
            left_alone.append(entry.filename)
            continue
        if not in_results and not (target.with_suffix("").is_file() and _may_replace(target)):
            left_alone.append(entry.filename)
            continue
        content = results.read(entry)
        target.parent.mkdir(parents=True, exist_ok=True)
        if stat.S_ISLNK(entry.external_attr >> 16):
            leads = Path(os.path.normpath(target.parent / content.decode()))
            if not leads.is_relative_to(folder):
                raise ValueError(f"{entry.filename!r} leads elsewhere")
            target.symlink_to(content.decode())
        else:
            aside = target.with_name(f".{target.name}.new")
            aside.write_bytes(content)
            aside.replace(target)
        written += 1
    if free and written:
        (ours / _MARK).touch()
    return written, left_alone


def _may_replace(sidecar: Path) -> bool:
    if sidecar.is_symlink():
        return False
    return not sidecar.exists() or (sidecar.is_file() and _OURS in sidecar.read_bytes())


def _empty(ours: Path) -> None:
    """Remove links and the table of before; what somebody else has put between them stays."""
    for path in sorted(ours.rglob("*"), reverse=True):
        if path.is_symlink() or path.name == "faces.csv":
            path.unlink()
        elif path.is_dir() and not any(path.iterdir()):
            path.rmdir()
