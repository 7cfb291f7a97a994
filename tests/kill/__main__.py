"""Kill processes while people are enrolled, recognised and deleted, and look what became of it: ``make kill``.

The embedded run is started with all its processes. People are enrolled by form, archive, film and live capture, more is
added to them, captures are given up and people deleted, and others recognise all the time, while about every second a
process chosen by chance is killed by ``kill -9``. Now and then all come to rest, and in the end it is stopped. Whatever
was answered must have been kept: nobody lost, nobody misnamed, and nothing left behind on any disk.

The seed decides what is done and who is killed; at what moment of the others' work that falls is chance.
"""

import argparse
import random
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from kill import cast
from kill.aftermath import kept, left, quiet, unused_shared_memory
from kill.book import Book
from kill.embedded import Embedded
from kill.killing import Killer
from kill.living import Enroller, Recogniser

_FACES, _STRANGERS, _ENROLLERS, _RECOGNISERS = 12, 4, 3, 1
_KILLS_A_ROUND = 40
_REQUESTS, _LINES = "familiar_gateway.requests", 400


class _Works(Protocol):
    def work(self, over: threading.Event) -> None: ...


def main() -> int:
    """Run, print what came of it, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="make kill", description="Kill processes of a system in use.")
    parser.add_argument("--kills", type=int, default=100, help="how many (100)")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long at most (5)")
    parser.add_argument("--seed", type=int, default=None, help="which chance; one that was not used before by default")
    given = parser.parse_args()
    seed = int(time.time()) if given.seed is None else given.seed
    shared = unused_shared_memory()
    with tempfile.TemporaryDirectory(prefix="kill-", dir="/tmp") as folder:
        run, book = Embedded(Path(folder), {}), Book(first_name=random.Random(seed).getrandbits(16))
        try:
            kill(run, book, given.kills, seed, time.monotonic() + 60 * given.minutes)
        except KeyboardInterrupt:
            book.fault("told to stop before the end")
        finally:
            run.end()
        book.faults += [f"{each} in the shared memory" for each in unused_shared_memory() - shared]
        show(run, book, seed)
        if book.faults:
            print("\n".join([line for line in run.said().splitlines() if _REQUESTS not in line][-_LINES:]))
    return bool(book.faults)


def kill(run: Embedded, book: Book, kills: int, seed: int, give_up_at: float) -> None:
    """Start a system, kill so many of its processes in rounds, and stop it; the book has what was not kept."""
    chance = random.Random(seed)
    faces = cast.faces(_FACES + _STRANGERS)
    strangers = max(0, len(faces) - _FACES)
    own = faces[strangers:]
    enrollers = [
        Enroller(run, book, own[number::_ENROLLERS], random.Random(chance.random()))
        for number in range(min(_ENROLLERS, len(own)))
    ]
    recognisers = [Recogniser(run, book, faces, random.Random(chance.random())) for _ in range(_RECOGNISERS)]
    run.start()
    while kills > 0 and not book.faults and time.monotonic() < give_up_at:
        killer = Killer(run, book, chance, min(kills, _KILLS_A_ROUND))
        _round(killer, enrollers, recognisers, give_up_at)
        kills -= _KILLS_A_ROUND
        run.wait_ready()
        book.faults += quiet(run) or kept(run, book, faces, recognisers[0]) + left(run, book, running=True)
        book.count("times at rest")
    status = run.stop()
    if status:
        book.fault(f"the run ended with status {status}")
    book.faults += [f"{kind} still runs" for kind in run.processes()]
    book.faults += left(run, book, running=False)
    if "giving up" in run.said():
        book.fault("the supervisor gave up")


def _round(killer: Killer, enrollers: Sequence[_Works], recognisers: Sequence[_Works], give_up_at: float) -> None:
    """Kill while others work; they end what they are at, and are recognised meanwhile."""
    over, ended = threading.Event(), threading.Event()
    working = [threading.Thread(target=each.work, args=(over,), daemon=True) for each in enrollers]
    watching = [threading.Thread(target=each.work, args=(ended,), daemon=True) for each in recognisers]
    killing = threading.Thread(target=killer.work, args=(over,), daemon=True)
    for thread in (*working, *watching, killing):
        thread.start()
    killing.join(max(0.0, give_up_at - time.monotonic()))
    over.set()
    for thread in (killing, *working):
        thread.join()
    ended.set()
    for thread in watching:
        thread.join()


def show(run: Embedded, book: Book, seed: int) -> None:
    """Print what was done and what was wrong."""
    killed = sum(count for what, count in book.counts.items() if what.startswith("kill -9"))
    print(f"seed {seed}: {killed} killed, the run was started {run.started} times\n")
    for what, count in sorted(book.counts.items()):
        print(f"| {what} | {count} |")
    print(f"\n{len(book.faults)} faults")
    for fault in book.faults:
        print(f"- {fault}")


if __name__ == "__main__":
    sys.exit(main())
