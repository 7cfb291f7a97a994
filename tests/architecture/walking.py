"""Walking through the system: the modules that one frame and one enrolment enter, in order, as it really runs."""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import cv2

import portraits
from architecture.steps import without_repeats
from familiar_camera.simulation import Session
from system import System, wait_until

_GATEWAY = "familiar_gateway.app"
_TRAINER = ("familiar_trainer.jobs", "familiar_trainer.export.gate_process")
_PAUSE_S, _LONGEST_WAIT_S = 0.3, 20.0


@dataclass(frozen=True)
class Step:
    """A thread of a process enters a module."""

    at_ns: int
    thread: tuple[int, int]
    module: str


def walk(folder: Path) -> dict[str, list[str]]:
    """Run a system in ``folder``; return the modules that a recognition and an enrolment enter, each in order."""
    trace = folder / "steps"
    trace.mkdir(parents=True)
    python_path = os.pathsep.join([str(Path(__file__).parent / "tracing"), os.environ.get("PYTHONPATH", "")])
    system = System(folder / "state", FAMILIAR_WALK=str(trace), PYTHONPATH=python_path)
    session = Session(cv2.cvtColor(portraits.frame("Eileen Collins"), cv2.COLOR_RGB2BGR), 1)
    frames = [cv2.imencode(".jpg", session.frame(number))[1].tobytes() for number in range(0, 60, 4)]
    try:
        system.up()
        client = system.client()
        client.recognize(frames[0])  # what is asked only once is no part of the way
        with _watching(trace, _GATEWAY) as recognition:
            client.recognize(frames[0])
        with _watching(trace, _GATEWAY) as opening:
            enrollment = client.open_enrollment("Eileen Collins")
            client.add_frames(enrollment, frames[:1])
        client.add_frames(enrollment, frames[1:])
        with _watching(trace, _GATEWAY) as finish, _watching(trace, *_TRAINER) as training:
            client.finish(enrollment)
            wait_until(lambda: _is_live(system, enrollment), 60, "the enrolment is live")
    finally:
        system.down()
    return {"recognition": recognition, "enrolment": opening + finish + training}


def _is_live(system: System, enrollment_id: str) -> bool:
    """Look into the database: asking the gateway would add to the walk."""
    path = system.env["DATABASE_URL"].removeprefix("sqlite:///")
    with sqlite3.connect(path) as connection:
        row = connection.execute("SELECT status FROM enrollments WHERE id = ?", [enrollment_id]).fetchone()
    return bool(row[0] == "live")


@contextmanager
def _watching(trace: Path, *entrances: str) -> Iterator[list[str]]:
    """Give a list that holds, after the block, what was entered meanwhile by threads that came in by an entrance."""
    modules: list[str] = []
    start = time.monotonic_ns()
    yield modules
    # The answer is out before the last steps are written: look until there are no more.
    deadline = time.monotonic() + _LONGEST_WAIT_S
    walked = None
    while (now := _modules(trace, start, entrances)) != walked and time.monotonic() < deadline:
        walked = now
        time.sleep(_PAUSE_S)
    modules += without_repeats(now)


def _modules(trace: Path, start: int, entrances: Sequence[str]) -> list[str]:
    steps = [step for path in trace.iterdir() for step in _steps(path) if step.at_ns >= start]
    steps.sort(key=lambda step: step.at_ns)
    walked: dict[tuple[int, int], list[str]] = {}
    for step in steps:
        if step.thread in walked or step.module in entrances:
            walked.setdefault(step.thread, []).append(step.module)
    # One thread after the other: between threads, who comes first is a matter of speed.
    return [module for modules in walked.values() for module in modules]


def _steps(path: Path) -> Iterator[Step]:
    for line in path.read_text().splitlines():
        at, thread, module = line.split()
        yield Step(int(at), (int(path.name), int(thread)), module)
