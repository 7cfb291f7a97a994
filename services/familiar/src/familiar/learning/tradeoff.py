"""The detection error trade-off (DET) of a head: what another threshold would cost, and whom."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Real = NDArray[np.floating[Any]]

_SHARES = tuple(float(f"{step}e{power}") for power in (-4, -3, -2, -1) for step in (1, 2, 5))
"""Of strangers who are named: where the curve is looked at, three points a power of ten."""
_LEAST_STRANGERS = 10
"""A point that rests on fewer would be chance."""


def curve(strangers: Real, known: Real, first: NDArray[np.bool_], threshold: float) -> dict[str, list[float]] | None:
    """Return what happens to strangers and to the people enrolled as one threshold for all moves, as JSON values.

    Each point is a ``threshold``, the share of strangers that are named from it (``fpir``) and the share of held-out
    samples that are not named rightly (``fnir``); the strictest one comes first, and one is at ``threshold`` itself.

    Args:
        strangers: float[S], for each stranger the highest score that anybody gets.
        known: float[M], the score of each held-out sample for its own person.
        first: bool[M], whether nobody else gets as high a score for it.
        threshold: the one in force.

    Returns:
        None where there is nobody to tell of.
    """
    if not (len(strangers) and len(known)):
        return None
    found = np.sort(strangers)[::-1]
    places = [round(share * len(found)) for share in _SHARES]
    levels = {float(found[place - 1]) for place in places if place >= _LEAST_STRANGERS}
    points = sorted({*levels, threshold}, reverse=True)
    return {
        "threshold": _rounded(points),
        "fpir": _rounded([float(np.mean(found >= level)) for level in points]),
        "fnir": _rounded([float(np.mean(~first | (known < level))) for level in points]),
    }


def _rounded(values: Sequence[float]) -> list[float]:
    return [float(f"{value:.5g}") for value in values]
