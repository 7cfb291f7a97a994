"""The state folder: everything that outlives a run, and the lock that lets one run at a time use it."""

import fcntl
import hashlib
import json
import os
import shutil
import stat
import tempfile
import time
from pathlib import Path
from typing import Any

from familiar_embedded.errors import AlreadyRunning, EmbeddedError

# Longer than the warden needs to end what a killed supervisor left behind.
_PATIENCE_S = 20.0
_OURS_ALONE = 0o700
_LONGEST_SOCKET_BYTES = 103
"""What every system takes for the path of a socket."""


class StateFolder:
    """A locked state folder, which nobody but its owner can look into, whatever it was like before.

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
        self.authority = self.path / "authority"
        self.certificates = self.path / "certificates"
        self.serving_config = self.path / "models.pbtxt"
        try:
            self.path.mkdir(mode=_OURS_ALONE, parents=True, exist_ok=True)
            _keep_private(self.path)
            for folder in (self.models / "backbone", self.models / "head", self.redis):
                folder.mkdir(parents=True, exist_ok=True)
            self.lock_fd = os.open(self.path / "run.json", os.O_RDWR | os.O_CREAT, 0o600)
        except OSError as exc:
            raise EmbeddedError(f"FAMILIAR_STATE: {exc.filename}: {exc.strerror}") from exc
        self._lock(time.monotonic() + patience_s)
        try:
            self.redis_socket = _socket_place(self.path, self.redis) / "redis.sock"
        except OSError as exc:
            os.close(self.lock_fd)
            raise EmbeddedError(f"no place for the queue's socket: {exc.filename}: {exc.strerror}") from exc

    def announce(self, url: str, ca: Path | None = None) -> None:
        """Record who runs here, where it answers, and the root certificate to believe there; read by ``running``."""
        os.ftruncate(self.lock_fd, 0)
        record = {"pid": os.getpid(), "url": url, "ca": None if ca is None else str(ca)}
        os.pwrite(self.lock_fd, json.dumps(record).encode(), 0)

    def close(self) -> None:
        """Give the lock back; what was announced holds no more."""
        if self.redis_socket.parent != self.redis:
            shutil.rmtree(self.redis_socket.parent, ignore_errors=True)
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


def _keep_private(folder: Path) -> None:
    """Take from others what they could do with a folder of ours.

    Raises:
        OSError: it is somebody else's.
    """
    if stat.S_IMODE(folder.stat().st_mode) & ~_OURS_ALONE:
        folder.chmod(_OURS_ALONE)


def _socket_place(state: Path, preferred: Path) -> Path:
    """Return a folder of ours alone whose path is short enough for a socket in it: ``preferred``, or a temporary one.

    The temporary one has its name from the state folder, so that a run that was killed leaves none behind: the next one
    takes it over.

    Raises:
        OSError: there is no such folder to be had.
    """
    if len(os.fsencode(preferred / "redis.sock")) <= _LONGEST_SOCKET_BYTES:
        return preferred
    name = f"familiar-{os.getuid()}-{hashlib.sha256(os.fsencode(state)).hexdigest()[:16]}"
    place = Path(tempfile.gettempdir()) / name
    if len(os.fsencode(place / "redis.sock")) > _LONGEST_SOCKET_BYTES:
        place = Path("/tmp") / name
    place.mkdir(mode=_OURS_ALONE, exist_ok=True)
    found = place.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid():
        raise FileExistsError(17, "somebody else has made it", str(place))
    _keep_private(place)
    return place


def running(path: Path) -> dict[str, Any]:
    """Return ``pid``, ``url`` and ``ca`` of the run that uses the state folder, or an empty record."""
    try:
        record = json.loads((path / "run.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def _alive(pid: Any) -> bool:
    return isinstance(pid, int) and Path(f"/proc/{pid}").exists()
