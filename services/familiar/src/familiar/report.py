"""The report of a head: what to expect of it, in all and for each person, by opaque ids, as JSON values."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.calibration import Rate
from familiar.head import Head
from familiar.prototypes import Material

Float32 = NDArray[np.float32]
_CHUNK = 512


def of_nobody(far_target: float) -> dict[str, Any]:
    """Return the report of the head that knows nobody."""
    return {"far_target": far_target, "calibrated": True, "fpir": None, "fnir": None, "people": {}}


def of_head(
    head: Head, material: Material, judged: NDArray[np.bool_], named: NDArray[np.bool_], far_target: float,
    fpir: Rate | None,
) -> dict[str, Any]:  # fmt: skip
    """Return the report of ``head``.

    Args:
        head: the head.
        material: what it was made from.
        judged: bool[N], the samples that could be held out.
        named: bool[N], those of them that were named rightly.
        far_target: the share of strangers that may be named.
        fpir: the share to expect, with the interval in which it lies; None if strangers are not known.

    The ``people`` of the report have: ``samples``, ``dropped`` (positions, in the order of time, of samples that are
    more like strangers), ``held_out`` and ``missed`` samples, and the ``nearest`` other person with the similarity of
    the two prototypes, which is who they are most easily taken for.
    """
    person = material.gallery.person
    people = len(head.person_ids)
    samples = np.bincount(person, minlength=people)
    first = np.cumsum(samples) - samples
    held_out = np.bincount(person[judged], minlength=people)
    missed = held_out - np.bincount(person[named & judged], minlength=people)
    dropped: dict[int, list[int]] = {}
    for row in np.flatnonzero(~material.used).tolist():
        dropped.setdefault(int(person[row]), []).append(row - int(first[person[row]]))
    nearest, similarity = nearest_others(head.prototypes)
    fnir = Rate.of(int(missed.sum()), int(held_out.sum()))
    return {
        "far_target": far_target,
        "calibrated": fpir is not None,
        "fpir": _share(fpir) if fpir else None,
        "fnir": _share(fnir) if fnir.count else None,
        "people": {
            person_id: {
                "samples": int(samples[i]),
                "dropped": dropped.get(i, []),
                "held_out": int(held_out[i]),
                "missed": int(missed[i]),
                "nearest": head.person_ids[nearest[i]] if nearest[i] >= 0 else None,
                "similarity": round(float(similarity[i]), 4) if nearest[i] >= 0 else None,
            }
            for i, person_id in enumerate(head.person_ids)
        },
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
