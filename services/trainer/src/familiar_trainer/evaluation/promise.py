"""The promise: the stated share of strangers is named, however many people are enrolled."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from familiar import learning
from familiar.learning import Cohort
from familiar_trainer.evaluation.heads import Lesson, answerer, named_by
from familiar_trainer.evaluation.pictures import People
from familiar_trainer.evaluation.sight import Sights
from familiar_trainer.evaluation.split import eligible, split, strangers_to

PEOPLE = (1, 5, 18, 30, 43, 60)
TARGETS = (0.01, 0.001)


@dataclass(frozen=True)
class Kept:
    """What was promised and what was measured, over several galleries drawn at random.

    Attributes:
        people: how many are enrolled.
        target: share of strangers that may be named.
        expected: what the trainings expected of themselves, on average.
        fpir: share of strangers that were named, all galleries together.
        low, high: the 10th and 90th percentile of the galleries' shares.
        fnir: share of known probes that were not named rightly.
        strangers: how many were asked about for each gallery.
        galleries: how many were drawn.
    """

    people: int
    target: float
    expected: float
    fpir: float
    low: float
    high: float
    fnir: float
    strangers: int
    galleries: int

    @property
    def ratio(self) -> float:
        """Measured over promised."""
        return self.fpir / self.target


def kept(people: People, sights: Sights, cohort: Cohort, learn: int, draws: int) -> list[Kept]:
    """Enrol ``PEOPLE`` people drawn at random, ``draws`` times each, and count which strangers are named.

    Strangers are one picture each of everybody with too few pictures to be enrolled, so they are the same for all
    galleries, and neither they nor anybody enrolled is one of those whom the cohort was fitted to.
    """
    candidates = eligible(people, learn + 1)
    strangers = strangers_to(people, candidates)
    table = []
    for count in PEOPLE:
        if count > len(candidates):
            continue
        for target in TARGETS:
            outcomes = []
            for draw in range(draws):
                chosen = np.random.default_rng(1000 * count + draw).choice(len(candidates), count, replace=False)
                drawn = split(people, sorted(candidates[i] for i in chosen), learn, strangers, draw)
                usable = sights.embeddings[drawn.learn].any(axis=1)
                lesson = Lesson(
                    drawn.people, sights.embeddings[drawn.learn][usable], drawn.learn_person[usable], cohort
                )
                learned = learning.learn(lesson.gallery(), cohort, target)
                answer = answerer(learned.head, drawn.people)
                asked, other = answer(sights.embeddings[drawn.probes]), answer(sights.embeddings[strangers])
                missed = 1 - (named_by(asked) & (asked.index == drawn.probe_person)).mean()
                outcomes.append((_expected(learned.metrics), named_by(other).mean(), missed))
            table.append(_summary(count, target, outcomes, len(strangers)))
    return table


def _summary(people: int, target: float, outcomes: Sequence[tuple[float, float, float]], strangers: int) -> Kept:
    expected, named, missed = (np.array(column) for column in zip(*outcomes, strict=True))
    low, high = np.quantile(named, (0.1, 0.9))
    return Kept(
        people, target, float(expected.mean()), float(named.mean()), float(low), float(high), float(missed.mean()),
        strangers, len(outcomes),
    )  # fmt: skip


def _expected(metrics: dict[str, Any]) -> float:
    """Return the rate of false accepts that a training expects of its head."""
    return float(metrics["fpir"]["value"])
