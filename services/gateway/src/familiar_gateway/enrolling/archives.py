"""Pictures in a ZIP archive, read one at a time within limits that hold before anything is unpacked."""

import contextlib
import logging
import struct
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO

from familiar.errors import InvalidInput, TooLarge
from familiar.seeing import STILL_HEAD_BYTES, is_still
from familiar_gateway.enrolling import folders

log = logging.getLogger(__name__)

# The list of contents of as many pictures as an enrolment takes has some tens of kilobytes; Python reads all of it
# before it says how long it is.
_MAX_DIRECTORY_BYTES = 1_000_000
_END = struct.Struct("<4s4H2LH")
_END_SIGNATURE = b"PK\x05\x06"
_ZIP64_LOCATOR = b"PK\x06\x07"
_MAX_COMMENT_BYTES = 65_535
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 0x1
_UTF8 = 0x800
_PICTURE_NAMES = (
    ".jpg", ".jpeg", ".jpe", ".jfif", ".png", ".webp", ".heic", ".heif", ".hif", ".avif", ".bmp", ".gif", ".tif",
    ".tiff",
)  # fmt: skip
_PICTURE_HEADS = (b"\xff\xd8\xff", b"\x89PNG\r\n", b"RIFF")
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, struct.error)


def is_archive(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a ZIP archive (an empty one included)."""
    return head[:4] in (b"PK\x03\x04", _END_SIGNATURE)


@dataclass(frozen=True)
class Part:
    """What an archive holds of one person, read when it is asked for: the name of its folder, if it has one."""

    folder: str | None
    pictures: Iterator[bytes]


def read_people(file: IO[bytes], *, max_pictures: int, max_bytes: int, max_total_bytes: int) -> list[Part]:
    """Return the files of an archive by person, in the order of their names, hidden ones left out.

    The archive as a whole is checked before anything is unpacked.

    Args:
        file: seekable.
        max_pictures: most files it may hold of one person.
        max_bytes: of one file at most this and one byte more are unpacked.
        max_total_bytes: most that all files may unpack to.

    Raises:
        InvalidInput: it is damaged, encrypted, empty, or packed in a way we do not read; or there are pictures in
            several folders, and it cannot be told which folder is whose.
        TooLarge: it holds too many files, or too much.
    """
    _check_directory(file)
    try:
        archive = zipfile.ZipFile(file)
        paths = {entry: folders.parts_of(_name(entry)) for entry in archive.infolist()}
    except _DAMAGES as exc:
        raise InvalidInput(f"the ZIP archive cannot be read: {exc}", code="invalid_archive") from exc
    except Exception as exc:
        log.exception("defect: an archive was not foreseen")
        raise InvalidInput("the ZIP archive cannot be read", code="invalid_archive") from exc
    contents = [entry for entry, path in paths.items() if path and not folders.is_hidden(path)]
    entries = sorted(contents, key=lambda entry: paths[entry])
    if not entries:
        raise InvalidInput("the ZIP archive holds no pictures", code="invalid_archive")
    total = sum(entry.file_size for entry in entries)
    if total > max_total_bytes:
        raise TooLarge(f"the ZIP archive unpacks to {total} bytes; at most {max_total_bytes} are taken")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise InvalidInput("the ZIP archive is encrypted", code="invalid_archive")
        if entry.compress_type not in _METHODS:
            raise InvalidInput("the ZIP archive must be stored or deflated", code="invalid_archive")
    shown = {paths[entry] for entry in entries if _is_picture(archive, entry)}
    parts = []
    for person in folders.people_of(shown, [paths[entry] for entry in entries]):
        theirs = [entry for entry in entries if person.has(paths[entry])]
        if len(theirs) > max_pictures:
            raise TooLarge(f"the ZIP archive holds {len(theirs)} files of one person; at most {max_pictures} are taken")
        parts.append(Part(person.name, _unpacked(archive, theirs, max_bytes)))
    return parts


def _unpacked(archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], max_bytes: int) -> Iterator[bytes]:
    return (_unpack(archive, entry, max_bytes) for entry in entries)


def _unpack(archive: zipfile.ZipFile, entry: zipfile.ZipInfo, max_bytes: int) -> bytes:
    """Return a file's content, cut off one byte beyond ``max_bytes``; nothing if it is damaged."""
    try:
        with archive.open(entry) as content:
            return content.read(max_bytes + 1)
    except _DAMAGES:
        return b""  # no picture: it gets a verdict of its own beside the good ones
    except Exception:
        log.exception("defect: a file of an archive was not foreseen")
        return b""


def _is_picture(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bool:
    """Whether a file is meant to be a picture, by its name or by how it begins."""
    if entry.filename.lower().endswith(_PICTURE_NAMES):
        return True
    head = _unpack(archive, entry, STILL_HEAD_BYTES)
    return head.startswith(_PICTURE_HEADS) or is_still(head)


def _name(entry: zipfile.ZipInfo) -> str:
    """Return the path of a file; many programs write UTF-8 without saying so, and it is read as code page 437 then."""
    if not entry.flag_bits & _UTF8:
        with contextlib.suppress(UnicodeError):
            return entry.filename.encode("cp437").decode("utf-8")
    return entry.filename


def _check_directory(file: IO[bytes]) -> None:
    """Refuse an archive whose list of contents is too long to be read at all."""
    size = file.seek(0, 2)
    tail_start = max(0, size - _MAX_COMMENT_BYTES - _END.size - 20)
    file.seek(tail_start)
    tail = file.read()
    file.seek(0)
    at = len(tail) - _END.size
    if tail[at : at + 4] != _END_SIGNATURE or tail[-2:] != b"\0\0":
        at = tail.rfind(_END_SIGNATURE)
    if at < 0 or len(tail) - at < _END.size:
        raise InvalidInput("the ZIP archive is cut short", code="invalid_archive")
    if _ZIP64_LOCATOR in tail:
        raise TooLarge("the ZIP archive is of the kind made for more than 65,535 files or 4 GB")
    directory_bytes = _END.unpack_from(tail, at)[5]
    if directory_bytes > _MAX_DIRECTORY_BYTES:
        raise TooLarge(f"the ZIP archive's list of contents has {directory_bytes} bytes")
