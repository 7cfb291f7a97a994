"""Watch cameras through networks that fail, for an hour: ``make soak``.

A client watches an RTSP camera (where GStreamer's server is installed), a stream of JPEGs and single pictures, each
through a network of its own, all of which fail at once in every way: cut, stalled, losing packets, the camera's server
restarted. Every picture tells when it was taken, and who receives them notes how old each was. Frames have to come
again within five seconds, none may be an old one, and the client may not grow.

Losing packets needs a network of the process's own (``unshare`` and ``iptables``); where there is none, that kind is
left out and said to be.
"""

import argparse
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

import rtsp
from soak.faults import TOLD, Fault, can_lose_packets
from soak.running import STALE_S, Report, run

_APART = "FAMILIAR_SOAK_APART"
_ROUND = "cut:1,cut:30,stall:3,stall:15,stall:60,loss:3,loss:15,loss:60,restart:1,restart:10"
_MOMENTS_MIN = (1, 5, 15, 30, 45, 60, 90, 120)
_LOG_LINES = 40


def main() -> int:
    """Run, print what came of it, and return 1 if anything was wrong."""
    parser = argparse.ArgumentParser(prog="make soak", description="Watch cameras through networks that fail.")
    parser.add_argument("--minutes", type=float, default=60.0, help="how long (60), and one round at least")
    parser.add_argument("--rate", type=float, default=2.0, help="frames a second that are sent of each camera (2)")
    parser.add_argument("--faults", default=_ROUND, help="those of a round (%(default)s)")
    parser.add_argument("--once", default="cut:600", help="those that happen once, after the first round (cut:600)")
    parser.add_argument("--seed", type=int, default=None, help="which chance; one that was not used before by default")
    given = parser.parse_args()
    _go_apart()
    seed = random.randrange(10**6) if given.seed is None else given.seed
    faults, once = _faults(given.faults), _faults(given.once)
    with tempfile.TemporaryDirectory(prefix="soak-") as folder:
        report = run(faults, once, 60 * given.minutes, given.rate, seed=seed, folder=Path(folder))
    show(report, seed)
    return bool(report.faults())


def _go_apart() -> None:
    """Start anew in a network of our own, if there can be one."""
    if _APART in os.environ or shutil.which("unshare") is None:
        return
    apart = ["unshare", "--net", *([] if os.geteuid() == 0 else ["--map-root-user"])]
    up = 'ip link set lo up && iptables -w -L -n > /dev/null && exec "$@"'
    if subprocess.run([*apart, "sh", "-c", up, "sh", "true"], capture_output=True, check=False).returncode == 0:
        os.environ[_APART] = "1"
        os.execvp("unshare", [*apart, "sh", "-c", up, "sh", sys.executable, "-m", "soak", *sys.argv[1:]])


def _faults(text: str) -> list[Fault]:
    named = [Fault.named(each) for each in text.split(",") if each]
    if _APART in os.environ and can_lose_packets():
        return named
    if any(each.kind == "loss" for each in named):
        print("Packets cannot be lost here (that takes unshare, ip and iptables): this kind is left out.")
    return [each for each in named if each.kind != "loss"]


def show(report: Report, seed: int) -> None:
    """Print a report."""
    minutes = (time.monotonic() - report.begun) / 60
    if rtsp.python() is None:
        print(f"No RTSP camera was watched: {rtsp.MISSING}.")
    print(f"seed {seed}, {minutes:.0f} minutes, {len(report.sent)} frames sent\n")
    print("| what happened | camera | times | back after, s: median | slowest |\n|---|---|---|---|---|")
    of = sorted({(each.fault.kind, each.fault.seconds, each.camera) for each in report.returns})
    for kind, seconds, camera in of:
        rows = [each for each in report.returns if (each.fault, each.camera) == (Fault(kind, seconds), camera)]
        after = [float("inf") if each.after_s is None else each.after_s for each in rows]
        print(f"| {TOLD[kind]}, {seconds:g} s | {camera} | {len(rows)} | {median(after):.1f} | {max(after):.1f} |")
    print(f"\n| camera | frames | age when sent, s: median | 99 of 100 | oldest | over {STALE_S:g} s |")
    print("|---|---|---|---|---|---|")
    for camera in sorted({each.camera for each in report.sent}):
        ages = sorted(each.age_s for each in report.sent if each.camera == camera and each.age_s is not None)
        most = ages[int(0.99 * (len(ages) - 1))]
        stale = sum(each.camera == camera for each in report.stale())
        print(f"| {camera} | {len(ages)} | {median(ages):.2f} | {most:.2f} | {ages[-1]:.2f} | {stale} |")
    lost_s = report.hiccups.between(report.begun, time.monotonic())
    print(f"\nfor {lost_s:.0f} s in all the machine let nobody work, which is not counted as late or old\n")
    print("| minute | memory, MB | threads | open files |\n|---|---|---|---|")
    last = report.measures[-1]
    for minute in (*(each for each in _MOMENTS_MIN if each < last.at_s / 60 - 1), last.at_s / 60):
        at = min(report.measures, key=lambda each: abs(each.at_s - 60 * minute))
        print(f"| {at.at_s / 60:.0f} | {at.memory_mb:.1f} | {at.threads} | {at.files} |")
    print(f"\n{report.growth_mb():+.1f} MB, {100 * last.cpu_s / last.at_s:.0f} % of a core\n")
    wrong = report.faults()
    print(f"{len(wrong)} faults")
    for fault in wrong[:_LOG_LINES]:
        print(f"- {fault}")
    if wrong:
        print("\n".join(report.log.splitlines()[-_LOG_LINES:]))


if __name__ == "__main__":
    sys.exit(main())
