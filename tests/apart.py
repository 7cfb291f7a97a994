"""A gateway of the tests, over fakes, in a process of its own: ``python served.py PORT``, in the folder of a test."""

import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_TESTS = Path(__file__).parent
_START_TIMEOUT_S = 90.0


@dataclass(frozen=True)
class Served:
    """One that runs; ``names`` has the ids, and whatever else, that its script wrote down of its world."""

    process: subprocess.Popen[bytes]
    port: int
    names: dict[str, str]
    folder: Path


@contextmanager
def served(script: Path, folder: Path, **environment: str) -> Iterator[Served]:
    """Run a script that serves a world in ``folder``, and writes names.json there, until the block ends."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    places = (script.parent, _TESTS / "unit" / "gateway", _TESTS, *sys.path)
    env = {
        **os.environ,
        **environment,
        "FAMILIAR_TEST_DIR": str(folder),
        "PYTHONPATH": os.pathsep.join(map(str, places)),
    }
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, str(script), str(port)], cwd=script.parent, env=env, stdout=log, stderr=log
        )
    try:
        deadline = time.monotonic() + _START_TIMEOUT_S
        while not (folder / "names.json").exists() or not _listens(port):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(
                    f"the gateway did not start:\n{(folder / 'log').read_text(errors='replace')[-3000:]}"
                )
            time.sleep(0.05)
        yield Served(process, port, json.loads((folder / "names.json").read_text()), folder)
    finally:
        process.terminate()
        try:
            process.wait(30)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _listens(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
