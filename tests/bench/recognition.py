"""Recognition: how long it takes by stage, picture and number of clients, at a fixed rate, and as bare stages."""

from bench import pictures
from bench.bare import BareStages
from bench.figures import Figures, Tables, percentile, spread, stages
from bench.load import Asker, closed_loop, open_loop
from bench.processes import cpu_s
from bench.turns import in_turn
from system import System

CLIENTS = (1, 4, 16, 64)
SIZES = (pictures.VGA, pictures.HD)

_WARM_UP = 30
_RATES = (0.25, 0.5, 0.75, 0.9)


def by_clients(system: System, requests: int, clients: tuple[int, ...], sizes: tuple[pictures.Size, ...]) -> Tables:
    """Return a table for each size of picture, number of faces and number of clients that ask all the time."""
    tables: Tables = {}
    for size in sizes:
        for faces in pictures.FACES:
            frames = pictures.frames(size, faces, 40)
            closed_loop(system.url, frames, max(clients), _WARM_UP)
            for number in clients:
                title = f"{size[0]}x{size[1]}, {faces} faces, {number} clients"
                tables[title] = _closed(system, frames, number, requests)
    return tables


def at_rates(system: System, seconds: float) -> Tables:
    """Return what recognitions take that arrive by themselves, at shares of what the system can answer at most."""
    frames = pictures.frames(pictures.VGA, 1, 100)
    closed_loop(system.url, frames, 4, _WARM_UP)
    most = closed_loop(system.url, frames, 4, 200).per_second
    tables: Tables = {}
    for share in _RATES:
        run = open_loop(system.url, frames, share * most, seconds)
        tables[f"open loop at {share:.0%} of {most:.0f} a second"] = {
            "arrivals_per_s": round(share * most, 1),
            "requests": len(run.took_ms),
            "from_intended_send_ms p50/p95/p99": spread(run.took_ms),
        }
    return tables


def beside_bare_stages(system: System, rounds: int) -> Figures:
    """Return what a recognition takes end to end and as its bare stages in this process, asked in turn."""
    frames = pictures.frames(pictures.VGA, 1, rounds)
    with Asker(system.url) as asker, BareStages(system) as bare_stages:
        taken = in_turn(
            frames,
            {
                "served": lambda frame: asker.recognize(frame)["timings_ms"],
                "bare": lambda frame: dict(bare_stages.timings_ms(frame)),
            },
        )
    whole = percentile(taken["served"].took_ms, 50)
    alone = percentile([each["total"] for each in taken["bare"].answers], 50)
    return {
        "rounds": rounds,
        **{f"{name} {stage}": value for name, each in taken.items() for stage, value in stages(each.answers).items()},
        "http_ms p50/p95/p99": spread(taken["served"].took_ms),
        "http as a multiple of the bare stages (p50)": round(whole / alone, 2),
    }


def _closed(system: System, frames: list[bytes], clients: int, requests: int) -> Figures:
    used_before = cpu_s(system)
    run = closed_loop(system.url, frames, clients, requests)
    used = cpu_s(system) - used_before
    return {
        "requests": requests,
        "faces answered a picture": round(sum(run.faces) / len(run.faces), 2),
        **stages(run.timings_ms),
        "http_ms p50/p95/p99": spread(run.took_ms),
        "per_second": round(run.per_second, 1),
        "cpu_ms_per_recognition": round(1000 * used / requests, 1),
    }
