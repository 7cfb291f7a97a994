"""Siege: what others get while many connections stall, many clients ask all the time, and one does its worst."""

from contextlib import ExitStack

from bench import pictures
from bench.figures import Figures, Tables, spread
from bench.hostile import Hostile
from bench.load import closed_loop, hasty_loop
from bench.probing import probing
from stalling import stalled_connections

_BUSY, _STALLED = 64, 200
_ROUNDS = 3

UNDISTURBED, BESIEGED = "undisturbed", "besieged"


def siege(url: str, seconds: float) -> Tables:
    """Return what busy clients and /healthz get undisturbed and besieged, for so many seconds each, in turns."""
    frames = pictures.frames(pictures.VGA, 1, 40)
    closed_loop(url, frames, 8, 40)
    hostile = Hostile(url)
    rates: dict[str, list[float]] = {UNDISTURBED: [], BESIEGED: []}
    probes: dict[str, list[float]] = {UNDISTURBED: [], BESIEGED: []}
    told_to_wait = dict.fromkeys(rates, 0)
    for name in (UNDISTURBED, BESIEGED) * _ROUNDS:
        with ExitStack() as held:
            took_ms = held.enter_context(probing(url))
            if name == BESIEGED:
                held.enter_context(stalled_connections(url, _STALLED))
                held.enter_context(hostile.doing_its_worst())
            run = hasty_loop(url, frames, _BUSY, seconds / _ROUNDS)
        rates[name].append(run.per_second)
        probes[name] += took_ms
        told_to_wait[name] += run.refused
    tables: Tables = {
        f"{_BUSY} busy clients, {name}": {
            "per_second, each turn": [round(rate, 1) for rate in rates[name]],
            "told to come back": told_to_wait[name],
            "healthz_ms p50/p95/p99": spread(probes[name]),
            "healthz_ms, slowest": round(max(probes[name]), 1),
        }
        for name in rates
    }
    share: Figures = {"besieged as a share of undisturbed": round(sum(rates[BESIEGED]) / sum(rates[UNDISTURBED]), 2)}
    return {**tables, f"{_STALLED} stalled connections and one hostile client": share}
