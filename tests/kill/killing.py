"""Killing: ``kill -9`` of one process or another, at any moment."""

import contextlib
import random
import threading
import time
from dataclasses import dataclass

import psutil

from familiar_embedded.restart import RestartPolicy
from kill.book import Book
from kill.embedded import Embedded

# Whoever lives for moments only would else hardly ever be hit.
_WEIGHTS = {"video reader": 12.0, "gateway": 4.0, "trainer": 4.0, "model server": 3.0, "redis": 2.0, "preparing": 1.0}
_SELDOM, _SHORTEST_S, _LONGEST_S = 0.1, 0.05, 1.6
# So many deaths soon after a start make the supervisor wait a second; it would give up after some more.
_SHORT_RUNS, _MARGIN_S = 3, 2.0


@dataclass
class _Short:
    """How often in a row a service was killed soon after its start: the supervisor gives up on what never runs."""

    runs: int = 0

    def allows(self, process: psutil.Process) -> bool:
        run_s = time.time() - process.create_time()
        if run_s >= RestartPolicy.healthy_s + _MARGIN_S:
            self.runs = 0
        elif self.runs >= _SHORT_RUNS:
            return False
        self.runs += 1
        return True


class Killer:
    """Kills ``most`` processes, chosen by ``chance`` among those there are."""

    def __init__(self, run: Embedded, book: Book, chance: random.Random, most: int) -> None:
        self._run, self._book, self._chance, self._most = run, book, chance, most
        self._short: dict[str, _Short] = {}

    def work(self, over: threading.Event) -> None:
        """Kill until it is over, or all that was to be killed is."""
        while self._most and not over.wait(self._chance.uniform(_SHORTEST_S, _LONGEST_S)):
            there = self._run.processes()
            if not there:
                continue
            kinds = sorted(there)
            kind = self._chance.choices(kinds, [_WEIGHTS.get(each, _SELDOM) for each in kinds])[0]
            victim = self._chance.choice(there[kind])
            with contextlib.suppress(psutil.NoSuchProcess):
                if self._short.setdefault(kind, _Short()).allows(victim):
                    victim.kill()
                    self._book.count(f"kill -9 of {kind}")
                    self._most -= 1
