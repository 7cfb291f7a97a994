"""Bursts: what several frames of one face gain over one, and that strangers do not gain by them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.knowing import Head, evidence, normalise
from familiar.learning import Cohort
from familiar.seeing import Quality, QualityLimits, weigh
from familiar_trainer.evaluation.heads import Lesson
from familiar_trainer.evaluation.pictures import People
from familiar_trainer.evaluation.robustness import FAR_TARGET, Changed
from familiar_trainer.evaluation.sight import Float32, Sights
from familiar_trainer.evaluation.split import Split, was_fitted

FRAMES = (1, 2, 3, 5)

# Conditions that a person at a door goes through within a second; none of them is hopeless.
_PASSING = (
    "as it is ", "light, share of 0.25", "light from one side, the other gets 0.25", "blur, % of eye distance 4",
    "blur, % of eye distance 6", "motion, % of eye distance 20", "motion, % of eye distance 40",
    "distance, px between eyes 20", "head turned, degrees -30", "head turned, degrees 30", "tilted, degrees 20",
    "JPEG quality 10",
)  # fmt: skip

Rule = Callable[[Head, Float32, Sequence[Quality | None]], int]
"""(head, embeddings of one burst float32[F, D], qualities) -> position of who is named, or -1."""


@dataclass(frozen=True)
class Gain:
    """What a rule makes of bursts of that many frames."""

    source: str
    rule: str
    frames: int
    fnir: float
    fpir: float
    known: int
    strangers: int


def by_scores(head: Head, burst: Float32, qualities: Sequence[Quality | None]) -> int:
    """Return whom the product's rule names: by the mean of scores."""
    found = head.identify(burst)
    together = evidence.combine(found.index, found.score, np.ones(len(burst), np.float32), head.thresholds)
    return int(together.index[0]) if together.known else -1


def by_weighed_scores(head: Head, burst: Float32, qualities: Sequence[Quality | None]) -> int:
    """Return whom the product names: by scores weighed by quality, refused frames left out."""
    good = [i for i, quality in enumerate(qualities) if quality is not None and not quality.reasons(QualityLimits())]
    if not good:
        return -1
    found = head.identify(burst[good])
    weight = weigh([quality for i in good if (quality := qualities[i]) is not None])
    together = evidence.combine(found.index, found.score, weight, head.thresholds)
    return int(together.index[0]) if together.known else -1


def by_mean_embedding(head: Head, burst: Float32, qualities: Sequence[Quality | None]) -> int:
    """Return whom the obvious rule names: the head is asked about the mean of the embeddings."""
    found = head.identify(normalise(normalise(burst).mean(axis=0, keepdims=True)))
    return int(found.index[0, 0]) if found.known[0] else -1


def by_any(head: Head, burst: Float32, qualities: Sequence[Quality | None]) -> int:
    """Return whom the careless rule names: whoever is named first."""
    found = head.identify(burst)
    return int(found.index[found.known.argmax(), 0]) if found.known.any() else -1


RULES: dict[str, Rule] = {
    "mean of scores": by_scores,
    "mean of scores, gated and weighed": by_weighed_scores,
    "mean of embeddings": by_mean_embedding,
    "any frame": by_any,
}


@dataclass(frozen=True)
class _Bursts:
    """Places of B bursts of F frames each: int[B, F] in the rows of ``embeddings``; ``person`` is -1 for strangers."""

    places: NDArray[np.integer[Any]]
    person: NDArray[np.integer[Any]]


def of_pictures(people: People, sights: Sights, splits: Sequence[Split], cohort: Cohort) -> list[Gain]:
    """Take several pictures of a person, of different days, for the frames of a burst."""
    heads = []
    for split in splits:
        lesson = Lesson(split.people, sights.embeddings[split.learn], split.learn_person, cohort)
        heads.append(learning.learn(lesson.gallery(), cohort, FAR_TARGET).head)
    table = []
    for frames in FRAMES:
        outcomes: dict[str, list[tuple[float, float, int, int]]] = {}
        for seed, (split, head) in enumerate(zip(splits, heads, strict=True)):
            rng = np.random.default_rng(seed)
            known = [
                (burst, i)
                for i in range(len(split.people))
                for burst in _cut(rng.permutation(split.probes[split.probe_person == i]), frames)
            ]
            enrolled = set(split.people)
            unknown = [
                (rng.choice(mine, frames, replace=False), -1)
                for name, mine in people.of.items()
                if name not in enrolled and not was_fitted(people, name) and len(mine) >= frames
            ]
            bursts = _Bursts(np.array([b for b, _ in [*known, *unknown]]), np.array([p for _, p in [*known, *unknown]]))
            for rule, outcome in _ask(head, split.people, sights.embeddings, sights.quality, bursts).items():
                outcomes.setdefault(rule, []).append(outcome)
        table += [_gain("pictures of different days", rule, frames, values) for rule, values in outcomes.items()]
    return table


def of_changes(changed: Changed) -> list[Gain]:
    """Take one picture under light, blur, motion and turns that change from frame to frame."""
    passing = [i for i, way in enumerate(changed.variations) if way.name in _PASSING]
    embeddings = np.concatenate([changed.sights[i].embeddings for i in passing])
    quality = [one for i in passing for one in changed.sights[i].quality]
    pictures = len(changed.sights[0].embeddings)
    person = np.concatenate([changed.person, np.full(pictures - len(changed.person), -1)])
    table = []
    for frames in FRAMES:
        rng = np.random.default_rng(frames)
        places = [
            rng.choice(len(passing), frames, replace=False) * pictures + picture
            for picture in range(pictures)
            for _ in range(4)
        ]
        bursts = _Bursts(np.array(places), np.repeat(person, 4))
        for rule, outcome in _ask(changed.head, changed.people, embeddings, quality, bursts).items():
            table.append(_gain("one picture, changing conditions", rule, frames, [outcome]))
    return table


def _ask(
    head: Head, people: tuple[str, ...], embeddings: Float32, quality: Sequence[Quality | None], bursts: _Bursts
) -> dict[str, tuple[float, float, int, int]]:
    """Return (FNIR, FPIR, known bursts, strangers' bursts) by rule; frames without a face are left out of a burst."""
    place = np.array([people.index(person_id) for person_id in head.person_ids] + [-1])
    stranger = bursts.person < 0
    outcome = {}
    for name, rule in RULES.items():
        named = []
        for burst in bursts.places:
            seen = [int(row) for row in burst if embeddings[row].any()]
            named.append(rule(head, embeddings[seen], [quality[row] for row in seen]) if seen else -1)
        who = place[named]
        outcome[name] = (
            1 - float((who == bursts.person)[~stranger].mean()),
            float((who[stranger] >= 0).mean()),
            int((~stranger).sum()),
            int(stranger.sum()),
        )
    return outcome


def _gain(source: str, rule: str, frames: int, outcomes: Sequence[tuple[float, float, int, int]]) -> Gain:
    fnir, fpir, known, strangers = (np.array(column) for column in zip(*outcomes, strict=True))
    return Gain(source, rule, frames, float(fnir.mean()), float(fpir.mean()), int(known.sum()), int(strangers.sum()))


def _cut(places: NDArray[np.intp], frames: int) -> list[NDArray[np.intp]]:
    return [places[i : i + frames] for i in range(0, len(places) - frames + 1, frames)]
