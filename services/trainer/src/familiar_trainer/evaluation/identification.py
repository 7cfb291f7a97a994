"""Identification: who is it, and is it anybody known; by pipeline and head, over several splits."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.learning import Cohort
from familiar_trainer.evaluation import measures
from familiar_trainer.evaluation.heads import Learner, Lesson
from familiar_trainer.evaluation.measures import Spread
from familiar_trainer.evaluation.sight import Float32, Sights
from familiar_trainer.evaluation.split import Split

TARGETS = (0.01, 0.001, 0.0001)
"""Shares of strangers that may be named, for which thresholds are calibrated."""


@dataclass(frozen=True)
class Calibrated:
    """What the threshold that the product calibrated by itself does.

    Attributes:
        fpir: share of strangers that are named.
        fnir: share of known probes that are not named rightly.
        wrong: share of known probes that are named, but as somebody else.
    """

    target: float
    fpir: Spread
    fnir: Spread
    wrong: Spread


@dataclass(frozen=True)
class Identification:
    """One row of the table, and the scores behind it."""

    pipeline: str
    head: str
    rank_1: Spread
    macro: Spread
    auroc: Spread
    dir_at_far_1: Spread
    dir_at_far_01: Spread
    calibrated: tuple[Calibrated, ...]
    known: Float32 = field(repr=False)
    right: NDArray[np.bool_] = field(repr=False)
    strangers: Float32 = field(repr=False)


def identify(sights: Sights, learner: Learner, splits: Sequence[Split], cohort: Cohort) -> Identification:
    """Learn and ask once for each split.

    DIR at a FAR is that of the head learned for this very target, since a head may be made for it.
    """
    rows: dict[str, list[float]] = {}
    calibrated: dict[float, list[tuple[float, float, float]]] = {}
    pooled: list[tuple[Float32, NDArray[np.bool_], Float32]] = []
    for split in splits:
        usable = sights.embeddings[split.learn].any(axis=1)
        lesson = Lesson(split.people, sights.embeddings[split.learn][usable], split.learn_person[usable], cohort)
        for target in TARGETS:
            answer = learner.fit(lesson, target)
            known, strangers = answer(sights.embeddings[split.probes]), answer(sights.embeddings[split.strangers])
            right = known.index == split.probe_person
            if known.named is not None and strangers.named is not None and cohort.fitted:
                named = known.named
                calibrated.setdefault(target, []).append(
                    (strangers.named.mean(), 1 - (named & right).mean(), (named & ~right).mean())
                )
            if target == 0.01:
                _add(rows, dir_at_far_1=measures.dir_at_far(known.score, right, strangers.score, target))
            elif target == 0.001:
                _add(
                    rows,
                    dir_at_far_01=measures.dir_at_far(known.score, right, strangers.score, target),
                    rank_1=measures.rank_1(right),
                    macro=measures.macro_rank_1(right, split.probe_person),
                    auroc=measures.auroc(known.score, strangers.score),
                )
                pooled.append((known.score, right, strangers.score))
    return Identification(
        sights.pipeline,
        learner.name,
        **{name: Spread.of(values) for name, values in rows.items()},
        calibrated=tuple(
            Calibrated(target, *(Spread.of([float(v) for v in column]) for column in zip(*values, strict=True)))
            for target, values in calibrated.items()
        ),
        known=np.concatenate([known for known, _, _ in pooled]),
        right=np.concatenate([right for _, right, _ in pooled]),
        strangers=np.concatenate([strangers for _, _, strangers in pooled]),
    )


def _add(rows: dict[str, list[float]], **values: Any) -> None:
    for name, value in values.items():
        rows.setdefault(name, []).append(float(value))
