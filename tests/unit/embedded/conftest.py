"""Helpers: wait for something with a deadline, and run the supervisor as a program."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

DEADLINE_S = 20.0
ROOT = Path(__file__).parents[3]


def eventually(true: Callable[[], object], what: str) -> None:
    """Wait until ``true`` is."""
    give_up_at = time.monotonic() + DEADLINE_S
    while not true():
        assert time.monotonic() < give_up_at, f"not within {DEADLINE_S:.0f} s: {what}"
        time.sleep(0.02)


class Run:
    """The embedded run of a Procfile of small programs, in a folder of its own."""

    def __init__(self, folder: Path, procfile: str, **env: str) -> None:
        self.folder = folder
        self.log = folder / "log"
        (folder / "serving").mkdir(exist_ok=True)
        (folder / "serving" / "models.pbtxt").write_text('base_path: "/models/head"')
        (folder / "Procfile").write_text(procfile)
        inherited = {name: value for name, value in os.environ.items() if name not in ("REDIS_URL", "SERVING_ADDR")}
        self._output = self.log.open("w")
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "familiar_embedded", "--procfile", "Procfile"],
            cwd=folder,
            env=inherited | {"GATEWAY_PORT": "0", "FAMILIAR_STATE": str(folder / "state")} | env,
            stdout=self._output,
            stderr=subprocess.STDOUT,
        )

    def text(self) -> str:
        return self.log.read_text()

    def pids(self, name: str) -> list[int]:
        """Return the pids that a program has written to the file ``name``, as far as they are complete."""
        path = self.folder / name
        return [int(line) for line in path.read_text().splitlines()] if path.exists() else []

    def interrupt(self, number: signal.Signals = signal.SIGINT) -> None:
        self.popen.send_signal(number)

    def wait(self) -> int:
        return self.popen.wait(DEADLINE_S)

    def close(self) -> None:
        if self.popen.poll() is None:
            self.popen.terminate()
            try:
                self.popen.wait(DEADLINE_S)
            except subprocess.TimeoutExpired:
                self.popen.kill()
        self._output.close()


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Callable[..., Run]]:
    """Start embedded runs that are ended after the test."""
    runs: list[Run] = []

    def start(procfile: str, **env: str) -> Run:
        runs.append(Run(tmp_path, procfile, **env))
        return runs[-1]

    yield start
    for each in runs:
        each.close()
