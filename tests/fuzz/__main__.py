"""Ask a gateway by chance for some minutes: ``make fuzz``.

Whatever is sent, there must be no 5xx but a 503 that says when to come again; one request takes no more memory and time
than is stated in ``running``; and others are answered throughout, while further connections stall. A case that is wrong
is told by its name, such as ``pictures-7-1234``, and ``--case`` runs it again. Its name then goes into
``test_fuzz.py``, which every ``make test`` runs, and what was wrong with it to the tests of what mended it.
"""

import argparse
import statistics
import sys
import tempfile
import time
from pathlib import Path

from fuzz.asking import KINDS
from fuzz.running import Case, Report, run, walk
from fuzz.target import Watch, started
from stalling import stalled_connections

_SHOWN = 40
_STALLED = 20
"""Connections that begin something beside all that is asked, and do not end it."""
_MOST_ALIVE_S, _MOST_RECOGNISED_S = 0.5, 5.0


def main() -> int:
    """Run, print what came of it, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="make fuzz", description="Ask a gateway by chance, and judge its answers.")
    parser.add_argument("--minutes", type=float, default=5.0, help="how long (5)")
    parser.add_argument("--seed", type=int, default=None, help="which chance; one that was not used before by default")
    parser.add_argument("--only", choices=KINDS, action="append", help="one kind; may be given several times")
    parser.add_argument("--threads", type=int, default=4, help="how many ask at once (4)")
    parser.add_argument("--case", action="append", help="run this case alone, as it was told")
    parser.add_argument(
        "--database", default="", help="the URL of an empty PostgreSQL database to use; SQLite by default"
    )
    given = parser.parse_args()
    seed = int(time.time()) if given.seed is None else given.seed
    with tempfile.TemporaryDirectory() as folder, started(Path(folder), given.database) as target:
        if given.case:
            report = Report()
            for name in given.case:
                walk(Case.named(name), target, report)
            watch = None
        else:
            kinds = given.only or list(KINDS)
            with stalled_connections(f"http://127.0.0.1:{target.port}", _STALLED):
                report, watch = run(target, kinds, seed, seconds=60 * given.minutes, threads=given.threads)
            report.faults += held_up(watch)
        show(report, watch, seed)
        if report.faults:
            print(target.log()[-5000:])
    return bool(report.faults)


def held_up(watch: Watch) -> list[str]:
    """Return how others were held up, if they were."""
    waits = (("/healthz", watch.alive_s, _MOST_ALIVE_S), ("a recognition", watch.recognised_s, _MOST_RECOGNISED_S))
    return [f"{who} of others took {max(times):.1f} s" for who, times, most in waits if max(times) > most]


def show(report: Report, watch: Watch | None, seed: int) -> None:
    """Print a report."""
    print(f"seed {seed}\n\n| kind | cases | statuses | slowest |\n|---|---|---|---|")
    for kind, statuses in report.statuses.items():
        said = ", ".join(f"{count} x {status or 'nothing'}" for status, count in sorted(statuses.items()))
        seconds, case = report.slowest[kind]
        print(f"| {kind} | {report.cases[kind]} | {said} | {seconds:.1f} s ({case}) |")
    if watch is not None:
        for who, times in (("/healthz", watch.alive_s), ("recognitions of others", watch.recognised_s)):
            print(f"\n{who}: {len(times)}, median {statistics.median(times):.3f} s, slowest {max(times):.3f} s")
        print(f"\nof these {watch.refused} told to come again; memory {watch.at_rest_bytes / 1e6:.0f} MB at rest, ")
        print(f"{watch.most_bytes / 1e6:.0f} MB at most")
    print(f"\n{len(report.faults)} faults")
    for fault in report.faults[:_SHOWN]:
        print(f"- {fault}")


if __name__ == "__main__":
    sys.exit(main())
