"""Processes: one and all that it has started; any of them may end while it is looked at."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

import psutil


def family(pid: int) -> list[psutil.Process]:
    """Return a process and all that it has started."""
    process = psutil.Process(pid)
    return [process, *process.children(recursive=True)]


def resident_bytes(processes: Iterable[psutil.Process]) -> int:
    """Return what they have in memory, those that are still there."""
    total = 0
    for each in processes:
        with suppress(psutil.NoSuchProcess):
            total += each.memory_info().rss
    return total


def status(pid: int) -> dict[str, str] | None:
    """Return what Linux tells of a process by name (``/proc/PID/status``), None where it has ended."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return {name: value.strip() for name, _, value in (line.partition(":") for line in lines)}


def is_running(pid: int) -> bool:
    """Whether a process does anything; one that only waits to be reaped does not."""
    told = status(pid)
    return told is not None and told["State"][0] not in "ZX"
