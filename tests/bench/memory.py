"""Memory: whether it stays where it is while pictures of all sizes come in, and what it comes to."""

from itertools import cycle, islice

import numpy as np

from bench import pictures
from bench.figures import Figures, spread
from bench.load import closed_loop
from bench.processes import cpu_s, resident_mb
from system import System

_CLIENTS = 4
_POINTS = 20
# Of a hundred pictures so many are of this size and have so many faces; most are what a webcam sends.
_MIX = (
    (pictures.VGA, 1, 45),
    (pictures.VGA, 0, 30),
    (pictures.VGA, 4, 3),
    (pictures.HD, 1, 8),
    (pictures.HD, 4, 2),
    (pictures.FULL_HD, 1, 6),
    (pictures.FULL_HD, 0, 4),
    (pictures.TWELVE_MEGAPIXELS, 1, 1),
    (pictures.TWELVE_MEGAPIXELS, 0, 1),
)


def over(system: System, requests: int) -> Figures:
    """Return the memory of gateway and model server while so many pictures of mixed sizes are asked about."""
    frames = _mixed()
    before = resident_mb(system)
    used_before = cpu_s(system)
    series: dict[str, list[int]] = {"gateway": [], "modelserver": []}
    took_ms: list[float] = []
    seconds = 0.0
    portion = max(requests // _POINTS, 1)
    for point in range(_POINTS):
        turn = list(islice(cycle(frames), point * portion % len(frames), point * portion % len(frames) + portion))
        run = closed_loop(system.url, turn, _CLIENTS, portion)
        took_ms += run.took_ms
        seconds += run.seconds
        for part, taken in resident_mb(system, tuple(series)).items():
            series[part].append(taken)
    figures: Figures = {"requests": portion * _POINTS, "http_ms p50/p95/p99": spread(took_ms)}
    for part, taken in series.items():
        quarter = _POINTS // 4
        figures |= {
            f"{part}_mb before": before[part],
            f"{part}_mb each {portion} requests": taken,
            f"{part}_mb growth, second to last quarter": float(
                np.mean(taken[-quarter:]) - np.mean(taken[quarter : 2 * quarter])
            ),
        }
    figures["per_second"] = round(portion * _POINTS / seconds, 1)
    figures["cpu_ms_per_recognition"] = round(1000 * (cpu_s(system) - used_before) / (portion * _POINTS), 1)
    return figures


def _mixed() -> list[bytes]:
    """Return 600 pictures in an order that is the same each time."""
    mixed = [frame for size, faces, share in _MIX for frame in _some(size, faces, share)]
    order = np.random.default_rng(7).permutation(len(mixed))
    return [mixed[place] for place in order]


def _some(size: pictures.Size, faces: int, share: int) -> list[bytes]:
    distinct = pictures.frames(size, faces, min(share, 12))
    return list(islice(cycle(distinct), 6 * share))
