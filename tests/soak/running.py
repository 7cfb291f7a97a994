"""Running: a client that watches cameras of all kinds through networks that fail, and what becomes of its pictures."""

import os
import random
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import psutil

import rtsp
from cameras import HttpCamera, http_camera
from network import network
from rtsp import RtspCamera
from soak.faults import Fault, Place
from soak.hiccups import Hiccups
from soak.receiving import Receiver, Sent, receiving
from stalling import repeated

BACK_S = 5.0
"""Frames have to come again within so many seconds of a camera's return."""
STALE_S = 2.0
"""No frame may be older than this when it comes to the server."""
_GIVE_UP_S = 60.0
_REST_S = (8.0, 16.0)
_MEASURE_EVERY_S = 2.0
_SETTLED_S = 60.0
_MOST_GROWTH_MB = 8.0
_BEGINNING_S = 60.0


@dataclass(frozen=True)
class Return:
    """How long after the end of a fault (monotonic) the first picture of a camera came; None if none came.

    ``held_up_s`` is how long the machine kept us from working meanwhile.
    """

    fault: Fault
    end: float
    camera: str
    after_s: float | None
    held_up_s: float


@dataclass(frozen=True)
class Measure:
    """What the client takes at a moment of the run: resident memory, threads, open files, seconds of processor time."""

    at_s: float
    memory_mb: float
    threads: int
    files: int
    cpu_s: float


@dataclass
class Report:
    """What came of a run."""

    begun: float = field(default_factory=time.monotonic)
    returns: list[Return] = field(default_factory=list)
    measures: list[Measure] = field(default_factory=list)
    sent: list[Sent] = field(default_factory=list)
    hiccups: Hiccups = field(default_factory=Hiccups)
    log: str = ""

    def stale(self) -> list[Sent]:
        """Return the pictures that were too old when they came, though the machine had let everybody work."""
        return [
            each
            for each in self.sent
            if each.age_s is not None and each.age_s - self.hiccups.between(each.at - each.age_s, each.at) > STALE_S
        ]

    def growth_mb(self) -> float:
        """Return how much more memory the client had in the end than when it had settled: medians of a minute each."""
        settled = [each for each in self.measures if each.at_s >= min(_SETTLED_S, self.measures[-1].at_s / 2)]
        some = max(1, min(30, len(settled) // 2))
        return _median(settled[-some:]) - _median(settled[:some])

    def faults(self) -> list[str]:
        """Return what was wrong."""
        wrong = []
        for each in self.returns:
            if each.after_s is None or each.after_s - each.held_up_s > BACK_S:
                after = "never" if each.after_s is None else f"after {each.after_s:.1f} s"
                wrong.append(f"{each.camera} came back {after} from {each.fault}")
        for sent in self.stale():
            last = max((each for each in self.returns if each.end <= sent.at), key=lambda each: each.end, default=None)
            since = "" if last is None else f", {sent.at - last.end:.1f} s after {last.fault}"
            wrong.append(f"a frame of {sent.camera} was {sent.age_s:.1f} s old when it came{since}")
        damaged = sum(each.age_s is None for each in self.sent)
        if damaged:
            wrong.append(f"{damaged} frames were damaged")
        if self.growth_mb() > _MOST_GROWTH_MB:
            wrong.append(f"the client took {self.growth_mb():.1f} MB more in the end")
        return wrong


def run(
    faults: Sequence[Fault],
    once: Sequence[Fault],
    seconds: float,
    rate: float,
    *,
    seed: int,
    folder: Path,
    rest_s: tuple[float, float] = _REST_S,
) -> Report:
    """Have faults happen in rounds for so many seconds, each round in another order; those of ``once`` after the first.

    ``rate`` is how many frames a second are sent of each camera; between faults there is a rest of chance length. At
    least one round is run.
    """
    chance, report = random.Random(seed), Report()
    with ExitStack() as stack:
        places = list(_places(stack))
        receiver = stack.enter_context(receiving(Receiver({each.name: each.camera.age_s for each in places})))
        client = stack.enter_context(_client(places, receiver, rate, folder))
        stack.enter_context(_measured(client.pid, report))
        stack.enter_context(report.hiccups.noted())
        for place in places:
            _await(receiver, place.name, report.begun, _BEGINNING_S)
        first = True
        while first or time.monotonic() - report.begun < seconds:
            a_round = list(faults)
            chance.shuffle(a_round)
            for fault in a_round + (list(once) if first else []):
                time.sleep(chance.uniform(*rest_s))
                end = fault.happen(places)
                for place in places:
                    sent = _await(receiver, place.name, end, _GIVE_UP_S)
                    after_s = None if sent is None else sent.at - end
                    held_up_s = report.hiccups.between(end, time.monotonic())
                    report.returns.append(Return(fault, end, place.name, after_s, held_up_s))
                if client.poll() is not None:
                    raise RuntimeError(f"the client ended with status {client.returncode}")
            first = False
        time.sleep(rest_s[0])
        report.sent = list(receiver.sent)
    report.log = (folder / "client.log").read_text(errors="replace")
    return report


def _places(stack: ExitStack) -> Iterator[Place]:
    cameras = {"mjpeg": _Restarted(fps=10.0), "snapshot": _Restarted(fps=10.0)}
    if rtsp.python() is not None:
        cameras["rtsp"] = RtspCamera()
    for name, camera in cameras.items():
        camera.start()
        stack.callback(camera.stop)
        yield Place(name, camera, stack.enter_context(network(camera.port)))


class _Restarted:
    """A camera by http that can be stopped, and started anew at the same port."""

    def __init__(self, fps: float) -> None:
        self._began = time.monotonic()
        self._fps = fps
        self._running = ExitStack()
        self.port = 0

    def start(self) -> None:
        self._camera = HttpCamera(self.port, self._fps, began=self._began)
        self._running.enter_context(http_camera(self._camera))
        self.port = self._camera.port

    def stop(self) -> None:
        self._running.close()

    def age_s(self, picture: np.ndarray) -> float:
        return self._camera.age_s(picture)


_PATHS = {"mjpeg": "http://127.0.0.1:{}/video.mjpg", "snapshot": "http://127.0.0.1:{}/snapshot.jpg"}
_PATHS["rtsp"] = "rtsp://127.0.0.1:{}/door"


@contextmanager
def _client(places: list[Place], receiver: Receiver, rate: float, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    file = folder / "cameras.yml"
    lines = [
        f"  - {{name: {each.name}, source: '{_PATHS[each.name].format(each.network.port)}', rate: {rate}}}\n"
        for each in places
    ]
    file.write_text("cameras:\n" + "".join(lines))
    command = [sys.executable, "-m", "familiar_camera", "watch", str(file), "--json"]
    command += ["--server", f"http://127.0.0.1:{receiver.port}"]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (folder / "client.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log, env=env)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(30)


@contextmanager
def _measured(pid: int, report: Report) -> Iterator[None]:
    process = psutil.Process(pid)

    def measure() -> None:
        time.sleep(_MEASURE_EVERY_S)
        with suppress(psutil.NoSuchProcess), process.oneshot():
            cpu, memory_mb = process.cpu_times(), process.memory_info().rss / 1e6
            at_s = time.monotonic() - report.begun
            report.measures.append(
                Measure(at_s, memory_mb, process.num_threads(), process.num_fds(), cpu.user + cpu.system)
            )

    with repeated(measure):
        yield


def _await(receiver: Receiver, camera: str, moment: float, most_s: float) -> Sent | None:
    while (sent := receiver.first_after(camera, moment)) is None and time.monotonic() < moment + most_s:
        time.sleep(0.02)
    return sent


def _median(measures: Sequence[Measure]) -> float:
    return sorted(each.memory_mb for each in measures)[len(measures) // 2]
