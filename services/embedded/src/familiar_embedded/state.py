"""The state folder: everything that outlives a run, and the lock that lets one run at a time use it."""

import fcntl
import json
import os
import time
from pathlib import Path
from typing import Any

from familiar_embedded.errors import AlreadyRunning, EmbeddedError

# Longer than the warden needs to end what a killed supervisor left behind.
_PATIENCE_S = 20.0


class StateFolder:
    """A locked state folder.

    The lock is held through a file descriptor that the services inherit: the folder counts as used until the last of
    them is gone, even if the supervisor was killed.
    """

    def __init__(self, path: Path, patience_s: float = _PATIENCE_S) -> None:
        """Create what is missing and take the lock.

        Raises:
            AlreadyRunning: another run uses the folder.
            EmbeddedError: the folder cannot be used.
        """
        self.path = path.absolute()
        self.database = self.path / "familiar.db"
        self.models = self.path / "models"
        self.redis = self.path / "redis"
        self.serving_config = self.path / "models.pbtxt"
        try:
            self.path.mkdir(mode=0o700, parents=True, exist_ok=True)
            for folder in (self.models / "backbone", self.models / "head", self.redis):
                folder.mkdir(parents=True, exist_ok=True)
            self.lock_fd = os.open(self.path / "run.json", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise EmbeddedError(f"FAMILIAR_STATE: {exc.filename}: {exc.strerror}") from exc
        self._lock(time.monotonic() + patience_s)

    def announce(self, url: str) -> None:
        """Record who runs here and where it answers; read by ``running``."""
        os.ftruncate(self.lock_fd, 0)
        os.pwrite(self.lock_fd, json.dumps({"pid": os.getpid(), "url": url}).encode(), 0)

    def close(self) -> None:
        """Give the lock back; what was announced holds no more."""
        os.ftruncate(self.lock_fd, 0)
        os.close(self.lock_fd)

    def _lock(self, give_up_at: float) -> None:
        while True:
            try:
                fcntl.flock(self.lock_fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                pid = running(self.path).get("pid")
                # Without a live owner it is held by services of a killed run that are being ended: wait for them.
                if _alive(pid) or time.monotonic() > give_up_at:
                    os.close(self.lock_fd)
                    owner = f"process {pid}" if _alive(pid) else "another process"
                    raise AlreadyRunning(
                        f"{self.path} is in use by {owner}: Familiar already runs there. "
                        "Stop it first, or choose another folder by FAMILIAR_STATE"
                    ) from None
                time.sleep(0.1)
            else:
                return


def running(path: Path) -> dict[str, Any]:
    """Return ``pid`` and ``url`` of the run that uses the state folder, or an empty record."""
    try:
        record = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _alive(pid: Any) -> bool:
    return isinstance(pid, int) and Path(f"/proc/{pid}").exists()
