"""``make bench``: speed and memory of the running system, as tables.

Times depend on the machine and on what else it does; compare figures of one run, and quote ratios.
"""

import argparse
import json
import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

from bench import enrolment, memory, pictures, recognition
from bench.against import against, remembering
from bench.drawing import recognition_picture
from bench.figures import Figures, Tables, show
from bench.footprint import footprint
from bench.gallery import running_system
from bench.growth import growth
from bench.large_frames import large_frames
from bench.page import page
from bench.photos import photos
from bench.processes import resident_mb
from bench.siege import siege
from bench.swaps import swaps

PARTS = ("footprint", "load", "rates", "bare", "siege", "enrolment", "swaps", "memory", "page", "photos")


def main() -> int:
    """Measure what is asked for and print it."""
    options = _parser().parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that what was started is ended too
    figures: Tables = {}
    for title, table in _measure(options):
        figures[title] = table
        show(title, table)
    if options.json:
        options.json.write_text(json.dumps(figures, indent=1) + "\n")
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument("--json", type=Path, help="also write the figures to this file")
    parser.add_argument("--quick", action="store_true", help="fewer requests of everything: some seven minutes")
    parser.add_argument("--parts", nargs="+", choices=PARTS, default=PARTS, help="measure these only (default: all)")
    parser.add_argument("--rounds", type=int, default=3, help="enrolments to time of each kind (default 3)")
    parser.add_argument("--requests", type=int, help="over how many requests memory is watched (default 20,000)")
    parser.add_argument("--minutes", type=float, default=3, help="for how long the page is left open (default 3)")
    instead = parser.add_mutually_exclusive_group()
    instead.add_argument("--growth", action="store_true", help="only learn heads of 10 to 10,000 simulated people")
    instead.add_argument("--large", action="store_true", help="only recognise small faces in large frames, and a crowd")
    instead.add_argument("--peers", action="store_true", help="only compare with others (make bench-peers)")
    instead.add_argument(
        "--against", type=Path, metavar="CHECKOUT", help="only compare with another checkout that has a .venv"
    )
    instead.add_argument("--remembering", action="store_true", help="only compare with and without sightings")
    parser.add_argument("--draw", type=Path, metavar="SVG", help="with --against: draw where the time goes")
    return parser


def _measure(options: argparse.Namespace) -> Iterator[tuple[str, Figures]]:
    yield "machine", machine()
    if options.growth:
        yield from growth().items()
    elif options.large:
        yield from large_frames().items()
    elif options.peers:
        from bench.peers import side_by_side

        with running_system() as (system, _):
            yield from side_by_side(system, 30 if options.quick else 150).items()
    elif options.remembering:
        yield "recognition with sightings (now) and without (before)", remembering(100 if options.quick else 400)
    elif options.against:
        table, bars = against(options.against.resolve(), 60 if options.quick else 200)
        yield f"recognition against {options.against.name}", table
        if options.draw:
            options.draw.write_text(recognition_picture(bars))
    else:
        yield from _parts(options)


def _parts(options: argparse.Namespace) -> Iterator[tuple[str, Figures]]:
    """Measure one running system after all, and one for photos; the parts do not depend on each other."""
    quick, parts = options.quick, options.parts
    if "footprint" in parts:
        yield "gateway without TensorFlow", footprint()
    if "photos" in parts:
        yield from photos(quick)
    if set(parts) <= {"footprint", "photos"}:
        return
    with running_system() as (system, start):
        yield "start", start
        if "load" in parts:
            clients = (1, 4, 64) if quick else recognition.CLIENTS
            sizes = (pictures.VGA,) if quick else recognition.SIZES
            yield from recognition.by_clients(system, 60 if quick else 300, clients, sizes).items()
        if "rates" in parts:
            yield from recognition.at_rates(system, 8 if quick else 20).items()
        if "bare" in parts:
            yield "end to end beside the bare stages", recognition.beside_bare_stages(system, 60 if quick else 200)
        if "siege" in parts:
            yield from siege(system.url, 12 if quick else 30).items()
        if "enrolment" in parts:
            for number in range(1 if quick else options.rounds):
                yield f"enrolment {number + 1}, webcam", enrolment.at_webcam_pace(system, number)
                yield f"enrolment {number + 1}, at full speed", enrolment.at_full_speed(system, number)
        if "swaps" in parts:
            yield from swaps(system, 300 if quick else 2_000).items()
        if "memory" in parts:
            requests = options.requests or (2_000 if quick else 20_000)
            yield f"memory over {requests} requests of mixed sizes", memory.over(system, requests)
        if "page" in parts:
            yield from page(system, 5 if quick else 15, 0.5 if quick else options.minutes)
        yield "memory_mb", dict(resident_mb(system))


def machine() -> Figures:
    """Return what the figures were taken on."""
    model = next((line for line in Path("/proc/cpuinfo").read_text().splitlines() if "model name" in line), ": ?")
    return {"processor": model.split(":")[1].strip(), "cores": os.cpu_count() or 0, "load_before": os.getloadavg()[0]}


if __name__ == "__main__":
    sys.exit(main())
