"""Load: clients that ask who is on a picture, one request after the other each, or at times set beforehand."""

import http.client
import json
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Self
from urllib.parse import urlsplit

import numpy as np

_TIMEOUT_S = 60.0
_SENDERS = 64


class Asker:
    """One client with one connection; as light as it gets, for it shares the processor with what it measures."""

    def __init__(self, url: str, *, patient: bool = True) -> None:
        self._connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=_TIMEOUT_S)
        self._patient = patient
        self.refused = 0
        """How often it was told that too much is going on; it comes back when it was told to, or at once."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._connection.close()

    def recognize(self, picture: bytes) -> dict[str, Any]:
        """Return the answer for a picture, asking again when told to; any other failure is one of the measurement."""
        while True:
            self._connection.request("POST", "/v1/recognize", picture, {"Content-Type": "image/jpeg"})
            response = self._connection.getresponse()
            body = response.read()
            if response.status == 200:
                answer: dict[str, Any] = json.loads(body)
                return answer
            assert response.status == 503 and json.loads(body)["error"]["code"] == "busy", (response.status, body)
            self.refused += 1
            if self._patient:
                time.sleep(float(response.headers["Retry-After"]))


@dataclass
class Run:
    """What came of many requests.

    Attributes:
        took_ms: how long each took over HTTP; in an open loop from the moment it was meant to be sent.
        timings_ms: what the gateway said of each.
        faces: how many faces were answered for, by request.
        refused: how often somebody was told to come back later.
        seconds: from the first request to the last answer.
    """

    took_ms: list[float] = field(default_factory=list)
    timings_ms: list[dict[str, float]] = field(default_factory=list)
    faces: list[int] = field(default_factory=list)
    refused: int = 0
    seconds: float = 0.0

    @property
    def per_second(self) -> float:
        """How many answers came in a second."""
        return len(self.took_ms) / self.seconds

    def note(self, since: float, answer: dict[str, Any]) -> None:
        """Take down an answer that has just come, to what was asked, or meant to be, at ``since``."""
        self.took_ms.append((time.perf_counter() - since) * 1000)
        self.timings_ms.append(answer["timings_ms"])
        self.faces.append(len(answer["faces"]))


def closed_loop(url: str, pictures: Sequence[bytes], clients: int, requests: int) -> Run:
    """Have so many clients ask, each the next picture as soon as it has the answer for the last."""
    now = time.perf_counter()
    return _send(url, pictures, [now] * requests, clients, counted_from_schedule=False)


def hasty_loop(url: str, pictures: Sequence[bytes], clients: int, seconds: float) -> Run:
    """Have so many clients ask for a time, each again as soon as it has an answer, also where that says to wait."""
    run, lock, end = Run(), threading.Lock(), time.perf_counter() + seconds

    def work() -> None:
        with Asker(url, patient=False) as asker:
            while time.perf_counter() < end:
                since = time.perf_counter()
                answer = asker.recognize(pictures[len(run.took_ms) % len(pictures)])
                with lock:
                    run.note(since, answer)
            with lock:
                run.refused += asker.refused

    start = time.perf_counter()
    together(work, clients)
    run.seconds = time.perf_counter() - start
    return run


def open_loop(url: str, pictures: Sequence[bytes], rate_per_s: float, seconds: float, seed: int = 1) -> Run:
    """Send at random moments, so many a second on average, whether or not the answers to earlier requests have come.

    A time counts from the moment at which the request was meant to be sent: a server that is held up holds up nobody
    who would then not be counted ("coordinated omission").
    """
    gaps = np.random.default_rng(seed).exponential(1 / rate_per_s, max(int(rate_per_s * seconds), 1))
    schedule = (time.perf_counter() + 0.2 + np.cumsum(gaps)).tolist()
    return _send(url, pictures, schedule, _SENDERS, counted_from_schedule=True)


def _send(
    url: str, pictures: Sequence[bytes], schedule: Sequence[float], senders: int, *, counted_from_schedule: bool
) -> Run:
    run, lock, turns = Run(), threading.Lock(), iter(enumerate(schedule))

    def work() -> None:
        with Asker(url) as asker:
            while True:
                with lock:
                    turn = next(turns, None)
                if turn is None:
                    with lock:
                        run.refused += asker.refused
                    return
                number, due = turn
                time.sleep(max(due - time.perf_counter(), 0.0))
                since = due if counted_from_schedule else time.perf_counter()
                answer = asker.recognize(pictures[number % len(pictures)])
                with lock:
                    run.note(since, answer)

    start = max(time.perf_counter(), schedule[0])
    together(work, senders)
    run.seconds = time.perf_counter() - start
    return run


def together(work: Callable[[], None], threads: int) -> None:
    """Do the same in several threads; what goes wrong in one of them is raised here."""
    wrong: list[BaseException] = []

    def guarded() -> None:
        try:
            work()
        except BaseException as exc:
            wrong.append(exc)

    workers = [threading.Thread(target=guarded) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if wrong:
        raise wrong[0]
