"""Recognitions in a steady stream while something is broken, and what became of them."""

import threading
import time
from collections import Counter
from dataclasses import dataclass, field
from types import TracebackType
from typing import Self

import httpx

import people

PAUSE_S = 0.1
"""Between two requests: the machine that breaks should be busy with breaking."""

NO_CONNECTION = "no connection"


@dataclass
class Outcome:
    """What the stream saw: answers by kind, the longest wait, and everything that must never happen."""

    answers: Counter[str] = field(default_factory=Counter)
    slowest_s: float = 0.0
    wrong: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        return ", ".join(f"{count} x {kind}" for kind, count in sorted(self.answers.items()))


class Traffic:
    """Posts frames of somebody enrolled and of a stranger in turn, from one thread.

    Wrong are: a name for the stranger, another name for the enrolled person, an error that is no 503 with
    ``retryable``, and an answer that does not come.
    """

    def __init__(self, url: str, seed: int) -> None:
        self.outcome = Outcome()
        self._http = httpx.Client(base_url=url, timeout=30)
        self._shots = [
            (frame, name)
            for pair in zip(people.frames(people.COLLINS, 6, seed), people.frames(people.HOPPER, 6, seed), strict=True)
            for frame, name in zip(pair, (people.COLLINS, None), strict=True)
        ]
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        self._stop.set()
        self._thread.join(60)
        self._http.close()

    def _run(self) -> None:
        number = 0
        while not self._stop.wait(PAUSE_S):
            self._post(*self._shots[number % len(self._shots)])
            number += 1

    def _post(self, frame: bytes, enrolled: str | None) -> None:
        outcome, start = self.outcome, time.monotonic()
        try:
            response = self._http.post("/v1/recognize", content=frame, headers={"Content-Type": "image/jpeg"})
        except httpx.TimeoutException:
            outcome.wrong.append("no answer in 30 s")
            return
        except httpx.HTTPError:
            outcome.answers[NO_CONNECTION] += 1
            return
        outcome.slowest_s = max(outcome.slowest_s, time.monotonic() - start)
        if response.status_code != 200:
            outcome.answers[str(response.status_code)] += 1
            if response.status_code != 503 or response.json()["error"]["retryable"] is not True:
                outcome.wrong.append(response.text)
            return
        named = [face["person"]["name"] for face in response.json()["faces"] if face["person"]]
        outcome.answers["named" if named else "unknown"] += 1
        if named not in ([], [enrolled]):
            outcome.wrong.append(f"{named} instead of {enrolled}")
