"""The report of a head: what to expect of it, in all and for each person by opaque ids, as JSON values."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.direction import Direction
from familiar.knowing import Head
from familiar.learning.calibration import Rate
from familiar.learning.gallery import Gallery
from familiar.learning.promise import Promise
from familiar.learning.prototypes import Material
from familiar.learning.trial import Trial

Float32 = NDArray[np.float32]
_CHUNK = 512

_LEAST_HELD_OUT = 3
"""Held-out samples that a direction must have to be compared with others."""


def of_nobody(far_target: float) -> dict[str, Any]:
    """Return the summary of the head that knows nobody; by person there is nothing to say."""
    return {
        "far_target": far_target,
        "calibrated": True,
        "fpir": None,
        "fnir": None,
        "det": None,
        "dropped": 0,
        "site": None,
    }


def summary(
    material: Material, trial: Trial, far_target: float, promise: Promise, det: dict[str, list[float]] | None = None
) -> dict[str, Any]:
    """Return what to expect in all of a head made from ``material``; its size does not grow with the people.

    Args:
        material: what it was made from; ``dropped`` counts the samples it left out.
        trial: how it does on held-out samples; ``fnir`` is the share of them that it misses.
        far_target: the share of strangers that may be named.
        promise: ``fpir`` is the share to expect, with the interval in which it lies, None if strangers are not known;
            ``site`` what the site's own strangers changed, None if none were handed in.
        det: what another threshold would cost, see ``familiar.learning.tradeoff``.
    """
    held_out = int(trial.judged.sum())
    fnir = Rate.of(held_out - int(trial.named.sum()), held_out)
    return {
        "far_target": far_target,
        "calibrated": promise.fpir is not None,
        "fpir": _share(promise.fpir) if promise.fpir else None,
        "fnir": _share(fnir) if fnir.count else None,
        "det": det,
        "dropped": int((~material.used).sum()),
        "site": promise.site,
    }


def by_person(head: Head, material: Material, trial: Trial, promise: Promise) -> dict[str, dict[str, Any]]:
    """Return by person id what to expect of ``head``, which was made from ``material``.

    Each person has: ``samples``, ``dropped`` (those of them that are more like strangers, by id, None where it is not
    known), ``held_out`` and ``missed`` samples, the ``nearest`` other person with the ``similarity`` of the two
    prototypes, which is who they are most easily taken for, the ``weakest`` direction, see ``_weakest``, and why the
    person is known ``less_sure``ly than others, None for most.
    """
    gallery, people = material.gallery, len(head.person_ids)
    held_out = np.bincount(gallery.person[trial.judged], minlength=people)
    missed = held_out - np.bincount(gallery.person[trial.named], minlength=people)
    dropped: list[list[dict[str, Any]]] = [[] for _ in range(people)]
    for row in np.flatnonzero(~material.used).tolist():
        sample = {"sample": gallery.sample_ids[row] or None, "reason": "like_strangers"}
        dropped[gallery.person[row]].append(sample)
    nearest, similarity = nearest_others(head.prototypes)
    samples, weakest = gallery.samples_per_person(), _weakest(gallery, trial)
    return {
        person_id: {
            "samples": int(samples[i]),
            "dropped": dropped[i],
            "held_out": int(held_out[i]),
            "missed": int(missed[i]),
            "nearest": head.person_ids[nearest[i]] if nearest[i] >= 0 else None,
            "similarity": round(float(similarity[i]), 4) if nearest[i] >= 0 else None,
            "weakest": weakest.get(i),
            "less_sure": promise.less_sure[i],
        }
        for i, person_id in enumerate(head.person_ids)
    }


def _weakest(gallery: Gallery, trial: Trial) -> dict[int, dict[str, Any]]:
    """Return by position in ``gallery.person_ids`` the direction in which the median margin is least.

    Whoever has fewer than two directions with enough held-out samples is left out: there is nothing to compare.
    """
    names = tuple(Direction)
    shape = len(gallery.person_ids), len(names)
    rows = np.flatnonzero(trial.judged & (gallery.direction >= 0))
    cell = gallery.person[rows].astype(np.int64) * len(names) + gallery.direction[rows]
    held_out = np.bincount(cell, minlength=shape[0] * shape[1])
    missed = np.bincount(cell[~trial.named[rows]], minlength=shape[0] * shape[1]).reshape(shape)
    margins = trial.margin[rows][np.lexsort((trial.margin[rows], cell))]
    ends = np.cumsum(held_out)
    enough = held_out >= _LEAST_HELD_OUT
    median = np.full(held_out.shape, np.inf)
    # Within the margins of a cell, which lie in order before its end, the median is between the two in the middle.
    lower, upper = (ends - 1 - held_out // 2)[enough], (ends - (held_out + 1) // 2)[enough]
    median[enough] = (margins[lower].astype(np.float64) + margins[upper]) / 2
    held_out, median = held_out.reshape(shape), median.reshape(shape)
    least = median.argmin(axis=1)
    return {
        i: {
            "direction": names[least[i]].value,
            "held_out": int(held_out[i, least[i]]),
            "missed": int(missed[i, least[i]]),
            "margin": round(float(median[i, least[i]]), 4),
        }
        for i in np.flatnonzero(enough.reshape(shape).sum(axis=1) >= 2).tolist()
    }


def nearest_others(prototypes: Float32) -> tuple[NDArray[np.intp], Float32]:
    """Return (intp[P], float32[P]): for each person the nearest other one, -1 if there is none, and the score."""
    people = len(prototypes)
    nearest, similarity = np.full(people, -1, np.intp), np.full(people, -1.0, np.float32)
    if people < 2:
        return nearest, similarity
    for start in range(0, people, _CHUNK):
        score = prototypes[start : start + _CHUNK] @ prototypes.T
        rows = np.arange(len(score))
        score[rows, start + rows] = -np.inf
        nearest[start : start + _CHUNK] = score.argmax(axis=1)
        similarity[start : start + _CHUNK] = score.max(axis=1)
    return nearest, similarity


def _share(rate: Rate) -> dict[str, float | int]:
    return {"value": rate.value, "low": rate.low, "high": rate.high, "count": rate.count}
