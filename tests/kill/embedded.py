"""The embedded run with all its processes, any of which may be killed; it is kept up like by whoever sits before it."""

import contextlib
import os
import re
import signal
import subprocess
import sys
import threading
from collections.abc import Mapping
from pathlib import Path

import psutil
from redis import Redis

import processes
from client import Client
from familiar.queueing import TrainingQueue
from familiar.records import Database
from familiar_embedded.ports import free_ports
from system import wait_until

_ROOT = Path(__file__).parents[2]
_READY_S, _STOP_S = 180, 40

# What stands in the command of each kind of process; the first that fits is it.
_KINDS = {
    "video reader": "video_reader.py",
    "gateway": "familiar_gateway",
    "model server": "familiar_modelserver",
    "trial of an export": "export.gate_process",
    "preparing": "familiar_trainer.bootstrap|familiar.records.migrate",
    "trainer": "familiar_trainer",
    "warden": "familiar_embedded.warden",
    "watcher": "familiar_embedded.ready",
    "supervisor": "familiar_embedded",
    "redis": "redis|valkey",
}


class Embedded:
    """A run over ``folder``: its state, its temporary files and what it says are each in a folder of their own."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.state, self.temporary, self.log = folder / "state", folder / "tmp", folder / "log"
        self.temporary.mkdir()
        self.url = f"http://127.0.0.1:{(port := free_ports(1)[0])}"
        self.started = 0
        self._mark = f"FAMILIAR_STATE={self.state}"
        self._env = {
            **os.environ,
            "FAMILIAR_STATE": str(self.state),
            "TMPDIR": str(self.temporary),
            "GATEWAY_PORT": str(port),
            "TRAINING_LEASE_S": "4",
            **settings,
        }
        self.database_url = self._env.get("DATABASE_URL", f"sqlite:///{self.state}/familiar.db")
        self._run: subprocess.Popen[bytes] | None = None
        self._wanted = False
        self._keeper = threading.Thread(target=self._keep_up, daemon=True)
        self._changed = threading.Event()

    def start(self) -> None:
        """Start it; whenever its supervisor ends it is started again."""
        self._wanted = True
        self._keeper.start()
        self.wait_ready()

    def stop(self) -> int:
        """Ask it to end, as Ctrl-C does; return its exit status."""
        self._wanted = False
        assert self._run is not None
        self._run.send_signal(signal.SIGINT)
        self._keeper.join(_STOP_S)
        return self._run.wait(_STOP_S)

    def end(self) -> None:
        """End whatever is left of it."""
        self._wanted = False
        for victims in self.processes().values():
            for process in victims:
                with contextlib.suppress(psutil.NoSuchProcess):
                    process.kill()

    def wait_ready(self) -> None:
        """Wait until every part answers."""
        client = Client(self.url, 5)
        wait_until(client.is_ready, _READY_S, "the system is ready")

    def said(self) -> str:
        """Return what it has said."""
        return self.log.read_text(errors="replace")

    def processes(self) -> dict[str, list[psutil.Process]]:
        """Return its processes by kind; also those whose supervisor is gone."""
        found: dict[str, list[psutil.Process]] = {}
        for pid in psutil.pids():
            try:
                process = psutil.Process(pid)
                command = " ".join(process.cmdline())
                # Redis writes its title over its environment; the title names the socket.
                environment = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
                if self._mark.encode() not in environment and f"unixsocket:{self.state}/" not in command:
                    continue
            except (OSError, psutil.Error):
                continue  # it ended meanwhile
            kind = next((kind for kind, words in _KINDS.items() if re.search(words, command)), None)
            if kind is not None and processes.is_running(pid):
                found.setdefault(kind, []).append(process)
        return found

    def database(self) -> Database:
        """Open the database beside the running system."""
        return Database(self.database_url)

    def queue(self) -> TrainingQueue:
        """Open the queue beside the running system."""
        return TrainingQueue(Redis(unix_socket_path=str(self.state / "redis" / "redis.sock"), socket_timeout=5))

    def _keep_up(self) -> None:
        while self._wanted:
            with self.log.open("ab") as log:
                self._run = subprocess.Popen(
                    [sys.executable, "-m", "familiar_embedded", "--procfile", str(_ROOT / "deploy" / "Procfile")],
                    cwd=self.state.parent, env=self._env, stdout=log, stderr=log, start_new_session=True,
                )  # fmt: skip
            self.started += 1
            self._run.wait()
