"""Processes: the processor time and the memory of each part of a running system, its children included."""

from processes import family, resident_bytes
from system import START_ORDER, System

ANSWERING = ("redis", "modelserver", "gateway")
"""The parts that a recognition may keep busy."""


def cpu_s(system: System, parts: tuple[str, ...] = ANSWERING) -> float:
    """Return the seconds of processor time that these parts have used since they were started."""
    return sum(
        times.user + times.system for part in parts for each in family(system.pid(part)) for times in [each.cpu_times()]
    )


def resident_mb(system: System, parts: tuple[str, ...] = START_ORDER) -> dict[str, int]:
    """Return the resident memory of each part, in MB."""
    return {part: round(resident_bytes(family(system.pid(part))) / 1e6) for part in parts}
