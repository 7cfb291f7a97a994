"""Pictures in a ZIP archive, read one at a time within limits that hold before anything is unpacked."""

import logging
import struct
import zipfile
import zlib
from collections.abc import Iterator
from typing import IO

from familiar.errors import InvalidInput, TooLarge

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
_DAMAGES = (zipfile.BadZipFile, zlib.error, EOFError, OSError, ValueError, NotImplementedError, struct.error)


def is_archive(head: bytes) -> bool:
    """Whether a file that begins with ``head`` is a ZIP archive (an empty one included)."""
    return head[:4] in (b"PK\x03\x04", _END_SIGNATURE)


def read_pictures(file: IO[bytes], *, max_pictures: int, max_bytes: int, max_total_bytes: int) -> Iterator[bytes]:
    """Yield the files of an archive in the order of their names, folders and hidden files left out.

    The archive as a whole is checked before the first file is yielded.

    Args:
        file: seekable.
        max_pictures: most files it may hold.
        max_bytes: of one file at most this and one byte more are unpacked.
        max_total_bytes: most that all files may unpack to.

    Raises:
        InvalidInput: it is damaged, encrypted, empty, or packed in a way we do not read.
        TooLarge: it holds too many files, or too much.
    """
    _check_directory(file)
    try:
        archive = zipfile.ZipFile(file)
        contents = [entry for entry in archive.infolist() if _is_content(entry)]
    except _DAMAGES as exc:
        raise InvalidInput(f"the ZIP archive cannot be read: {exc}", code="invalid_archive") from exc
    except Exception as exc:
        log.exception("defect: an archive was not foreseen")
        raise InvalidInput("the ZIP archive cannot be read", code="invalid_archive") from exc
    entries = sorted(contents, key=lambda entry: entry.filename)
    if not entries:
        raise InvalidInput("the ZIP archive holds no pictures", code="invalid_archive")
    if len(entries) > max_pictures:
        raise TooLarge(f"the ZIP archive holds {len(entries)} files; at most {max_pictures} are taken")
    total = sum(entry.file_size for entry in entries)
    if total > max_total_bytes:
        raise TooLarge(f"the ZIP archive unpacks to {total} bytes; at most {max_total_bytes} are taken")
    for entry in entries:
        if entry.flag_bits & _ENCRYPTED:
            raise InvalidInput("the ZIP archive is encrypted", code="invalid_archive")
        if entry.compress_type not in _METHODS:
            raise InvalidInput("the ZIP archive must be stored or deflated", code="invalid_archive")
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


def _is_content(entry: zipfile.ZipInfo) -> bool:
    parts = entry.filename.split("/")
    return (len(parts) == 1 or parts[-1] != "") and not any(part.startswith((".", "__MACOSX")) for part in parts)


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
