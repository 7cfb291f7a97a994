"""The messenger as a process of its own, over a database of a test."""

import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

PATIENCE_S = 60.0


def wait_until(true: Callable[[], object], what: str, patience_s: float = PATIENCE_S) -> None:
    """Poll until something holds; fail if it does not in time."""
    deadline = time.monotonic() + patience_s
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.01)


def write_file(folder: Path, said: dict[str, Any]) -> Path:
    """Write whom to tell of what."""
    path = folder / "events.yml"
    path.write_text(yaml.safe_dump(said))
    return path


def start(folder: Path, url: str, said: dict[str, Any], **settings: str) -> subprocess.Popen[bytes]:
    """Start a messenger; what it says goes to ``messenger.log`` in the folder."""
    env = {
        **os.environ, "DATABASE_URL": url, "EVENTS": "on", "EVENTS_FILE": str(write_file(folder, said)), **settings,
    }  # fmt: skip
    with (folder / "messenger.log").open("ab") as log:
        command = [sys.executable, "-m", "familiar_gateway.messenger"]
        return subprocess.Popen(command, env=env, stdout=log, stderr=log)


@contextmanager
def running(folder: Path, url: str, said: dict[str, Any], **settings: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a messenger until the end of a block."""
    process = start(folder, url, said, **settings)
    try:
        yield process
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(PATIENCE_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
