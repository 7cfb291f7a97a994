"""How recognitions fare while one head after the other is put into service, beside how they fare at rest.

One client asks all the time, with 30 people of 150 samples each. Rest and swaps take turns, so that a machine that gets
slower or faster does so for both. Everything runs on the same cores, the client included.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

from bench import pictures
from bench.figures import Figures, Tables, percentile
from client import Client
from familiar.records import erasures
from system import System, wait_until

_PATIENCE_S = 60.0
_POLL_S = 0.1
_SERVED = 2
"""How many head versions the model server holds, the newest on disk."""


def swaps(system: System, recognitions: int) -> Tables:
    """Return the figures of a running system that knows some people, once by enrolments and once by rollbacks.

    ``recognitions`` are made at rest and as many during swaps, each time.
    """
    frame = pictures.session("Eileen Collins", 5, 1)[0]
    by_enrolment = Turns(system, frame, Enrolments(system, pictures.session("Grace Hopper", 9, 15)))
    by_rollback = Turns(system, frame, Rollbacks(system))
    # A rollback needs an earlier head that knows somebody, so it comes second.
    return {
        "recognition during swaps by enrolment": by_enrolment.measure(recognitions),
        "recognition during swaps by rollback": by_rollback.measure(recognitions),
    }


class Swap(Protocol):
    """A way to have heads swapped."""

    def prepare(self) -> None:
        """Do what comes before a swap and is no part of it."""

    def make(self) -> None:
        """Have one head, or several, put into service, and return when the last one is live."""


class Rollbacks:
    """Swaps without learning: an earlier head is exported again, checked, published and loaded."""

    def __init__(self, system: System) -> None:
        self._client = system.client()

    def prepare(self) -> None:
        """There is nothing to prepare."""

    def make(self) -> None:
        """Roll back to the newest of the earlier heads that know somebody."""
        heads = self._client.call("GET", "/v1/models")["heads"]
        source = next(head["version"] for head in heads if head["status"] == "superseded" and head["people"])
        _wait_for_job(self._client, self._client.call("POST", f"/v1/models/{source}/rollback", 202)["job"]["id"])


class Enrolments:
    """Swaps by somebody's enrolment and then deletion, each of which learns a head of everybody anew."""

    def __init__(self, system: System, frames: list[bytes]) -> None:
        self._client = system.client()
        self._frames = frames
        self._enrollment = ""

    def prepare(self) -> None:
        """Send the frames, which are requests like the recognitions and no part of a swap."""
        self._enrollment = self._client.open_enrollment("Somebody new")
        for frame in self._frames:
            self._client.add_frames(self._enrollment, [frame])

    def make(self) -> None:
        """End the capture, wait until the person is live, delete the person, and wait for the head without them."""
        self._client.finish(self._enrollment, if_known="new", if_not_alike="take")
        _wait(lambda: self._client.is_live(self._enrollment), "the new person is live")
        person = self._client.enrollment(self._enrollment)["person"]["id"]
        _wait_for_job(self._client, self._client.call("DELETE", f"/v1/people/{person}", 202)["job"]["id"])


class Turns:
    """Recognitions of one frame during swaps and at rest, in turns, on a running system."""

    def __init__(self, system: System, frame: bytes, swap: Swap) -> None:
        self._system = system
        self._client = system.client()
        self._database = system.database()
        self._frame = frame
        self._swap = swap
        self._busy, self._rest = _Taken(), _Taken()

    def measure(self, recognitions: int) -> Figures:
        """Take turns until ``recognitions`` were made both ways, and return how long they took."""
        while len(self._busy.whole_ms) < recognitions:
            self.turn()
        return self.figures()

    def turn(self) -> None:
        """Swap, with a client that asks as long as that takes, and then make as many recognitions at rest."""
        self._swap.prepare()
        self._settle()
        before = len(self._busy.whole_ms)
        with _Asking(lambda: self._recognize(self._busy)):
            self._swap.make()
            self._settle()
        for _ in range(len(self._busy.whole_ms) - before):
            self._recognize(self._rest)

    def figures(self) -> Figures:
        """Return percentiles in milliseconds, those of the stages as "rest -> during swaps"."""
        figures: Figures = {"swaps": len(self._busy.versions) - 1}
        for name, taken in (("rest", self._rest), ("swaps", self._busy)):
            figures[f"{name}_recognitions"] = len(taken.whole_ms)
            figures |= {f"{name}_p{share}_ms": percentile(taken.whole_ms, share) for share in (50, 95, 99)}
            figures[f"{name}_slowest_ms"] = percentile(taken.whole_ms, 100)
        at_rest, swapping = (percentile(taken.whole_ms, 99) for taken in (self._rest, self._busy))
        figures["p99_swaps_to_rest"] = round(swapping / at_rest, 2)
        for stage, took_ms in self._busy.stages_ms.items():
            at_rest, swapping = (percentile(values, 99) for values in (self._rest.stages_ms[stage], took_ms))
            figures[f"{stage}_p99_ms"] = f"{at_rest:g} -> {swapping:g}"
        return figures

    def _recognize(self, taken: "_Taken") -> None:
        taken.add(lambda: self._client.recognize(self._frame))

    def _settle(self) -> None:
        """Wait until the model server has loaded what is new and unloaded what is old or had to be erased."""

        def settled() -> bool:
            with self._database.read() as session:
                pending = erasures.open_ones(session)
            states = self._system.serving_states("head")
            on_disk = {int(path.name) for path in (self._system.models / "head").iterdir() if path.name.isdigit()}
            served = {version for version, state in states.items() if state == "AVAILABLE"}
            moving = {"START", "LOADING", "UNLOADING"} & set(states.values())
            return not pending and not moving and served == set(sorted(on_disk)[-_SERVED:])

        _wait(settled, "no head is on its way")


@dataclass
class _Taken:
    """How long recognitions took over HTTP and in each stage of the server, and which heads answered."""

    whole_ms: list[float] = field(default_factory=list)
    stages_ms: dict[str, list[float]] = field(default_factory=dict)
    versions: set[int] = field(default_factory=set)

    def add(self, recognize: Callable[[], dict[str, Any]]) -> None:
        start = time.perf_counter()
        answer = recognize()
        self.whole_ms.append((time.perf_counter() - start) * 1000)
        for stage, took_ms in answer["timings_ms"].items():
            self.stages_ms.setdefault(stage, []).append(took_ms)
        self.versions.add(answer["head_version"])


class _Asking:
    """A thread that asks as long as the block lasts; what fails in it fails the block."""

    def __init__(self, ask: Callable[[], None]) -> None:
        self._ask = ask
        self._done = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> None:
        self._thread.start()

    def __exit__(self, *error: object) -> None:
        self._done.set()
        self._thread.join()
        if self._failure is not None:
            raise self._failure

    def _run(self) -> None:
        try:
            while not self._done.is_set():
                self._ask()
        except BaseException as exc:
            self._failure = exc


def _wait_for_job(client: Client, job: str) -> None:
    _wait(lambda: client.call("GET", f"/v1/jobs/{job}")["status"] == "live", "the head is live")


def _wait(true: Callable[[], object], what: str) -> None:
    """Look now and then, as a page does; looking all the time would be measured along."""

    def look() -> object:
        time.sleep(_POLL_S)
        return true()

    wait_until(look, _PATIENCE_S, what)
