"""Against: two systems that run beside each other, asked in turn by the same client about the same pictures.

One is of another checkout, or the same one with other settings.
"""

import statistics
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from pathlib import Path

import portraits
from bench import pictures
from bench.drawing import Bar
from bench.figures import STAGES, Figures, percentile, spread
from bench.load import Asker, closed_loop
from bench.processes import cpu_s
from bench.turns import in_turn
from system import START_ORDER, System, wait_until

BEFORE, NOW = "before", "now"

_CLIENTS = 4
_BURST, _BURSTS = 100, 5


def against(other: Path, rounds: int) -> tuple[Figures, list[Bar]]:
    """Return what a recognition takes there and here, with what to draw of it.

    Args:
        other: a checkout with an environment of its own (``make .venv/.dev`` there).
        rounds: how many pictures each is asked about.
    """
    with ExitStack() as held:
        systems = {BEFORE: _started(held, other / ".venv/bin/python"), NOW: _started(held, sys.executable)}
        return _in_turns(systems, rounds)


def remembering(rounds: int) -> Figures:
    """Return what a recognition takes where faces are kept beside where they are not, asked about so many pictures."""
    with ExitStack() as held:
        systems = {BEFORE: _started(held, sys.executable), NOW: _started(held, sys.executable, SIGHTINGS="on")}
        return _in_turns(systems, rounds)[0]


def _in_turns(systems: Mapping[str, System], rounds: int) -> tuple[Figures, list[Bar]]:
    with ExitStack() as held:
        frames = pictures.frames(pictures.VGA, 1, rounds)
        askers = {name: held.enter_context(Asker(system.url)) for name, system in systems.items()}
        taken = in_turn(frames, {name: asker.recognize for name, asker in askers.items()})
        per_second: dict[str, list[float]] = {name: [] for name in systems}
        used_s: dict[str, list[float]] = {name: [] for name in systems}
        for _ in range(_BURSTS):
            for name, system in systems.items():
                used = cpu_s(system, START_ORDER)
                per_second[name].append(closed_loop(system.url, frames, _CLIENTS, _BURST).per_second)
                used_s[name].append(cpu_s(system, START_ORDER) - used)
    costs = {name: 1000 * statistics.median(each) / _BURST for name, each in used_s.items()}
    rates = {name: statistics.median(each) for name, each in per_second.items()}
    medians = {name: percentile(each.took_ms, 50) for name, each in taken.items()}
    figures: Figures = {f"{name} http_ms p50/p95/p99": spread(each.took_ms) for name, each in taken.items()}
    figures["now as a share of before (p50)"] = round(medians[NOW] / medians[BEFORE], 3)
    figures |= {f"{name} per_second with {_CLIENTS} clients": round(rate, 1) for name, rate in rates.items()}
    figures["now as a multiple of before (per second)"] = round(rates[NOW] / rates[BEFORE], 2)
    figures |= {f"{name} processor time of all parts, ms": round(cost, 1) for name, cost in costs.items()}
    figures["now as a multiple of before (processor time)"] = round(costs[NOW] / costs[BEFORE], 3)
    bars = []
    for name in systems:
        stages_ms = {
            stage: percentile([answer["timings_ms"].get(stage, 0.0) for answer in taken[name].answers], 50)
            for stage in STAGES
            if stage != "total"
        }
        figures |= {f"{name} {stage}_ms p50": took for stage, took in stages_ms.items()}
        bars.append(Bar(name, stages_ms, medians[name]))
    return figures, bars


def _started(held: ExitStack, python: Path | str, **settings: str) -> System:
    folder = Path(held.enter_context(tempfile.TemporaryDirectory(prefix="familiar-bench-")))
    system = System(folder, python, **settings)
    held.callback(system.down)
    system.up()
    client, name = system.client(), portraits.NAMES[0]
    enrollment = client.enroll(name, pictures.session(name, 100, 60)[::3])
    wait_until(lambda: client.is_live(enrollment), 60, f"{name} is live")
    return system
