"""Start and stop an embedded model server as a process of its own."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path

from waiting import wait_for

START_S = 60
STOP_S = 30


class EmbeddedServer:
    """One `python -m familiar_modelserver` with free ports and a log file."""

    def __init__(self, folder: Path, *flags: str, wait: bool = True):
        folder.mkdir(parents=True, exist_ok=True)
        self._port_file = folder / "ports.json"
        self._log = folder / "log"
        command = [
            sys.executable,
            "-m",
            "familiar_modelserver",
            "--port=0",
            "--rest_api_port=0",
            f"--port_file={self._port_file}",
            "--file_system_poll_wait_seconds=0.2",
            "--max_num_load_retries=1",
            "--load_retry_interval_micros=100000",
            "--tensorflow_inter_op_parallelism=4",
            *flags,
        ]
        with self._log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)
        if wait:
            self.wait_until_open()

    @property
    def is_open(self) -> bool:
        return self._port_file.exists()

    @property
    def log(self) -> str:
        return self._log.read_text(errors="replace")

    @property
    def address(self) -> str:
        return self._address("grpc")

    @property
    def rest_address(self) -> str:
        return self._address("rest")

    def wait_until_open(self) -> None:
        wait_for(lambda: self.is_open or self.process.poll() is not None, START_S, "the server to open its ports")
        assert self.process.poll() is None, self.log

    def terminate(self) -> None:
        os.kill(self.process.pid, signal.SIGTERM)

    def wait_for_exit(self) -> int:
        return self.process.wait(STOP_S)

    def stop(self) -> None:
        """End the process, whatever state it is in."""
        if self.process.poll() is None:
            self.terminate()
            try:
                self.process.wait(STOP_S)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def _address(self, kind: str) -> str:
        ports = json.loads(self._port_file.read_text())
        return f"{ports['host']}:{ports[kind]}"


def write_config(path: Path, *models: tuple[str, Path, str]) -> Path:
    """Write a ModelServerConfig of (name, base path, model_version_policy)."""
    configs = "\n".join(
        f'  config {{ name: "{name}" base_path: "{base_path}" model_platform: "tensorflow"\n'
        f"           model_version_policy {{ {policy} }} }}"
        for name, base_path, policy in models
    )
    path.write_text(f"model_config_list {{\n{configs}\n}}\n")
    return path


def write_monitoring(path: Path) -> Path:
    """Write a MonitoringConfig that turns the Prometheus page on."""
    path.write_text('prometheus_config { enable: true path: "/monitoring/prometheus/metrics" }\n')
    return path
