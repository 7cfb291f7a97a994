"""Privacy on disk: nobody but the owner reads the database's files, whatever they were like before."""

import contextlib
import logging
import os
import threading
from pathlib import Path

_log = logging.getLogger(__name__)
_OURS_ALONE = 0o600
_BESIDE = ("-wal", "-shm", "-journal")
# Closing a file takes from the whole process the locks that SQLite has on it: a database that somebody may have open
# already must not be opened here.
_making = threading.Lock()


def keep_private(database: Path) -> None:
    """Let only the owner read and write a SQLite database and what SQLite keeps beside it; make it if it is not there.

    What SQLite makes beside it later takes the mode of the database. Where modes cannot be changed, on a disk that
    knows none or in a file of somebody else, that is said and nothing else happens.
    """
    with _making, contextlib.suppress(OSError):  # it is there, or SQLite will say why it cannot be made
        os.close(os.open(database, os.O_RDWR | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _OURS_ALONE))
    for file in (database, *(database.with_name(database.name + ending) for ending in _BESIDE)):
        try:
            if file.stat().st_mode & 0o777 & ~_OURS_ALONE:
                file.chmod(_OURS_ALONE)
        except FileNotFoundError:
            continue
        except OSError as exc:
            _log.warning("%s can be read by others, and that cannot be changed: %s", file, exc.strerror)
