"""The archive of results: links, sidecars and the table, to be unpacked in the folder of the pictures."""

import stat
import tempfile
import zipfile
from collections.abc import Sequence
from itertools import groupby
from typing import IO

from familiar.photos import Place, link_folders, sidecars, tables, writing

_SPOOL_BYTES = 1_000_000
_LINK = (stat.S_IFLNK | 0o777) << 16
_FILE = (stat.S_IFREG | 0o644) << 16


def packed(places: Sequence[Place]) -> IO[bytes]:
    """Return a ZIP, which the caller closes; nothing in it leads out of the folder that it is unpacked in."""
    file: IO[bytes] = tempfile.SpooledTemporaryFile(max_size=_SPOOL_BYTES)  # noqa: SIM115
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        _add(archive, f"{writing.RESULTS}/{writing.TABLE}", _FILE, tables.to_csv(places).encode("utf-8-sig"))
        for link, target in link_folders(places).items():
            _add(archive, f"{writing.RESULTS}/{link}", _LINK, target.encode())
        for path, mine in groupby(places, key=lambda place: place.path):
            if (sidecar := sidecars.merged(list(mine))) is not None:
                _add(archive, path + sidecars.SUFFIX, _FILE, sidecar)
    file.seek(0)
    return file


def _add(archive: zipfile.ZipFile, name: str, mode: int, content: bytes) -> None:
    entry = zipfile.ZipInfo(name)
    entry.create_system = 3  # or the modes say nothing
    entry.external_attr = mode
    entry.compress_type = zipfile.ZIP_DEFLATED
    archive.writestr(entry, content)
