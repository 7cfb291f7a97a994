"""Inspection: whether a SQLite file is sound, looked at again and again at next to no cost."""

import sqlite3
import threading
import time
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

_LEAST_PAUSE_S = 2.0
_WORK_SHARE = 0.005
"""Most of the time that may be spent on reading the file over."""
_GLANCE_S = 0.2
_BUSY_TIMEOUT_S = 5.0
_DAMAGE = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB, sqlite3.SQLITE_FORMAT)


class Inspection:
    """Knows of damage to a database in a file; threads may share it.

    SQLite notices damage only where it looks. This looks everywhere, by ``PRAGMA quick_check``: in a thread of its own,
    when it is asked, and the more seldom the longer it takes: every 2 seconds in a small file, every 5 minutes in one
    of some hundred MB.
    """

    def __init__(self, file: Path, clock: Callable[[], float] = time.monotonic) -> None:
        self._file = file
        self._clock = clock
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None
        self._due_at = clock()
        self._damage: str | None = None

    def damage(self) -> str | None:
        """Return what was wrong with the file when it was last looked over, None if nothing was; never waits long."""
        with self._lock:
            if self._thread is None and self._clock() >= self._due_at:
                self._thread = threading.Thread(target=self._look, name="inspection", daemon=True)
                self._thread.start()
            thread = self._thread
        if thread is not None:
            thread.join(_GLANCE_S)  # a small file has been read by then
        return self._damage

    def complete(self) -> str | None:
        """Look the file over and return what is wrong with it, None if nothing is."""
        self._damage = _damage(self._file)
        return self._damage

    def _look(self) -> None:
        started_at = self._clock()
        self._damage = _damage(self._file)
        ended_at = self._clock()
        with self._lock:
            self._due_at = ended_at + max(_LEAST_PAUSE_S, (ended_at - started_at) / _WORK_SHARE)
            self._thread = None


def _damage(file: Path) -> str | None:
    """Look with a connection of its own: one that was used before may still hold pages as they were."""
    if not file.exists():  # whoever has it open goes on with what nobody will find again
        return "the file is gone"
    try:
        connection = sqlite3.connect(f"file:{quote(str(file))}?mode=rw", uri=True, timeout=_BUSY_TIMEOUT_S)
        try:
            said = str(connection.execute("PRAGMA quick_check(1)").fetchone()[0])
        finally:
            connection.close()
    except sqlite3.DatabaseError as exc:
        # What keeps us from looking, a lock say, is no damage, and is met by whoever uses the database.
        return str(exc) if (exc.sqlite_errorcode & 0xFF) in _DAMAGE else None
    return None if said == "ok" else said.replace("\n", " ")
