"""Results as pictures; needs Matplotlib, which the product does not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from familiar_trainer.evaluation.course import Course
from familiar_trainer.evaluation.identification import Identification
from familiar_trainer.evaluation.measures import det


def draw(results: Sequence[Identification], folder: Path) -> list[Path]:
    """Write ``det.png`` and ``scores.png`` to ``folder`` and return their paths."""
    return [_det(results, folder / "det.png"), _scores(results, folder / "scores.png")]


def curves(courses: Mapping[tuple[str, str], Course], path: Path) -> None:
    """Write to ``path`` how the misses of people go, by camera and way of teaching, as a stream goes by."""
    import matplotlib

    cameras = list(dict.fromkeys(camera for camera, _ in courses))
    with matplotlib.rc_context({"svg.hashsalt": "familiar", "svg.fonttype": "none"}):
        figure, grid = _figure(5 * len(cameras), 3.6, columns=len(cameras))
        for axes, camera in zip(np.atleast_1d(grid).ravel(), cameras, strict=True):
            for (seen_by, way), course in courses.items():
                if seen_by == camera:
                    share = 100 * course.missed / np.maximum(course.known, 1)
                    axes.plot(np.arange(1, len(share) + 1), share, marker="o", markersize=3, label=f"learned: {way}")
            axes.set(xlabel="tenth of the stream", ylabel="missed, FNIR in %", title=camera, ylim=(0, None))
            axes.grid(alpha=0.25)
            axes.legend(fontsize=8)
        figure.savefig(path, metadata={"Date": None})


def _det(results: Sequence[Identification], path: Path) -> Path:
    figure, axes = _figure(11, 6)
    styles = ("-", "--", ":", "-.")
    pipelines = list(dict.fromkeys(result.pipeline for result in results))
    heads = list(dict.fromkeys(result.head for result in results))
    for result in results:
        fpir, fnir = det(result.known, result.right, result.strangers)
        axes.plot(
            100 * np.maximum(fpir, 1e-5),
            100 * np.maximum(fnir, 1e-5),
            styles[heads.index(result.head) % len(styles)],
            color=f"C{pipelines.index(result.pipeline)}",
            label=f"{result.pipeline}; {result.head}",
        )
    axes.set(xscale="log", yscale="log", xlim=(0.02, 100), ylim=(0.05, 100))
    axes.set(xlabel="strangers that are named, FPIR in %", ylabel="known people that are not named rightly, FNIR in %")
    axes.set_title("Detection error trade-off: nearer to the lower left is better")
    axes.grid(which="both", alpha=0.25)
    figure.legend(fontsize=7, loc="outside right upper")  # the best curves would be behind it
    return _save(figure, path)


def _scores(results: Sequence[Identification], path: Path) -> Path:
    lines = -(-len(results) // 2)
    figure, grid = _figure(10, 1.9 * lines, rows=lines, columns=2)
    cells = list(np.atleast_1d(grid).ravel())
    for axes, result in zip(cells, results, strict=False):
        known, strangers = len(result.known), len(result.strangers)
        groups = {
            "known, best candidate right": (result.known[result.right], known),
            "known, best candidate wrong": (result.known[~result.right], known),
            "strangers": (result.strangers, strangers),
        }
        finite = {name: (scores[np.isfinite(scores)], whole) for name, (scores, whole) in groups.items()}
        every = np.concatenate([scores for scores, _ in finite.values()])
        edges = np.linspace(every.min(), every.max(), 80)
        for name, (scores, whole) in finite.items():
            if len(scores):
                axes.hist(scores, edges, weights=np.full(len(scores), 100 / whole), alpha=0.55, label=name)
        axes.set_title(f"{result.pipeline}; {result.head}", fontsize=8)
        axes.tick_params(labelsize=7)
    for axes in cells[len(results) :]:
        axes.set_axis_off()
    cells[0].legend(fontsize=7, loc="upper left")
    figure.supylabel("% of the probes", fontsize=8)
    return _save(figure, path)


def _figure(width: float, height: float, rows: int = 1, columns: int = 1) -> tuple[Any, Any]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, figure.subplots(rows, columns)


def _save(figure: Any, path: Path) -> Path:
    # Without its own date and version the same scores give the same file.
    figure.savefig(path, dpi=90, metadata={"Software": None})
    return path
