"""The recorder: takes down what went wrong without keeping anybody waiting, least of all when the database is away."""

import logging
import threading
import time
from collections.abc import Sequence

from familiar.errors import DatabaseUnavailable
from familiar.records import recent_errors
from familiar.records.engine import Database
from familiar.records.recent_errors import Mishap

_log = logging.getLogger(__name__)
_GATHER_S = 1.0
"""What goes wrong is often followed by more of it: so long it is gathered and written at once."""
_PAUSE_S = 5.0
"""Where the database does not take it."""


class Recorder:
    """Notes what goes wrong in one process of one ``part``, and has a thread write it down while there is something.

    What the database does not take waits; of more kinds than are kept the oldest are lost.
    """

    def __init__(self, database: Database, part: str) -> None:
        self._database = database
        self._part = part
        self._waiting: dict[str, Mishap] = {}
        self._lock = threading.Lock()
        self._thread: threading.Thread | None = None

    def note(self, place: str, code: str, message: str, request_id: str | None = None) -> None:
        """Note what went wrong at this moment; see ``Mishap``."""
        now = time.time()
        with self._lock:
            self._keep([Mishap(self._part, place, code, message, request_id, now, now)])
            if self._thread is None:
                self._thread = threading.Thread(target=self._write, name="recorder", daemon=True)
                self._thread.start()

    def waiting(self) -> Sequence[Mishap]:
        """Return what is noted and not written yet."""
        with self._lock:
            return list(self._waiting.values())

    def flush(self) -> None:
        """Write what is noted.

        Raises:
            DatabaseUnavailable: the database does not take it; it is noted still.
        """
        with self._lock:
            taken, self._waiting = list(self._waiting.values()), {}
        try:
            if taken:
                self._database.retry(lambda session: recent_errors.add(session, taken))
        except DatabaseUnavailable:
            with self._lock:
                newer, self._waiting = list(self._waiting.values()), {}
                self._keep([*taken, *newer])
            raise

    def _keep(self, mishaps: Sequence[Mishap]) -> None:
        for mishap in mishaps:
            earlier = self._waiting.pop(mishap.kind, None)
            self._waiting[mishap.kind] = mishap if earlier is None else earlier.and_later(mishap)
        for kind in list(self._waiting)[: -recent_errors.MOST]:
            del self._waiting[kind]

    def _write(self) -> None:
        pause_s = _GATHER_S
        while True:
            time.sleep(pause_s)
            try:
                self.flush()
                pause_s = _GATHER_S
            except DatabaseUnavailable as exc:
                _log.debug("what went wrong waits to be written: %s", exc)
                pause_s = _PAUSE_S
            with self._lock:
                if not self._waiting:
                    self._thread = None
                    return
