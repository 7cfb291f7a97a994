"""Figures: what was measured, by name, and how it is summed up and printed."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

Value = float | int | str | Sequence[float]
Figures = dict[str, Value]
Tables = dict[str, Figures]
"""Figures by the title of their table."""

STAGES = ("decode", "detect", "embed", "identify", "decide", "total")
"""The stages that an answer of the gateway tells the times of, in their order."""

_SHARES = (50, 95, 99)


def percentile(values: Iterable[float], share: float) -> float:
    """Return the value that ``share`` percent of ``values`` do not pass, to a tenth."""
    return round(float(np.percentile(list(values), share)), 1)


def spread(values: Iterable[float]) -> list[float]:
    """Return p50, p95 and p99."""
    taken = list(values)
    return [percentile(taken, share) for share in _SHARES]


def stages(timings_ms: Sequence[Mapping[str, float]]) -> Figures:
    """Return p50, p95 and p99 of each stage of many recognitions."""
    return {
        f"{stage}_ms p50/p95/p99": spread(each.get(stage, 0.0) for each in timings_ms)
        for stage in STAGES
        if any(stage in each for each in timings_ms)
    }


def show(title: str, figures: Figures) -> None:
    """Print one table at once, so that a run that is broken off has said what it knows."""
    print(f"\n{title}")
    for name, value in figures.items():
        print(f"  {name:44} {_words(value):>20}", flush=True)


def _words(value: Value) -> str:
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        return " / ".join(f"{each:,g}" for each in value)
    return f"{value:,g}"
