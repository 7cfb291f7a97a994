"""Robustness: what light, blur, distance, pose and things before the face do, and what the quality gate makes of it."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.knowing import Head
from familiar.reason import Reason
from familiar.seeing import Frame, Quality, QualityLimits, decode
from familiar_trainer.evaluation import variations
from familiar_trainer.evaluation.cache import SightCache
from familiar_trainer.evaluation.fitting import Space
from familiar_trainer.evaluation.heads import Lesson, answerer, named_by
from familiar_trainer.evaluation.pictures import People, Picture
from familiar_trainer.evaluation.pipelines import AlignedFaces
from familiar_trainer.evaluation.sight import Sight, Sights
from familiar_trainer.evaluation.split import Split
from familiar_trainer.evaluation.variations import Variation

FAR_TARGET = 0.001
UNUSABLE = (0.98, 0.95, 0.9)
"""A condition is called unusable where this share of its frames fails."""

Bools = NDArray[np.bool_]


@dataclass(frozen=True)
class Changed:
    """Pictures of known people and of strangers in all variations.

    Attributes:
        head: has learned from unchanged pictures of ``people``.
        person: int[V], who is on the first V pictures; the others are strangers.
        variations: in order, and ``sights`` beside them.
    """

    head: Head
    people: tuple[str, ...]
    person: NDArray[np.integer[Any]]
    variations: tuple[Variation, ...]
    sights: tuple[Sights, ...]


@dataclass(frozen=True)
class Trial:
    """One variation of the same V pictures of known people, and of as many strangers.

    Attributes:
        worked: bool[V], the frame would have been named rightly, had the gate let it through.
        wrong: bool[V], it would have been named as somebody else.
        found: bool[V], a face was found.
        quality: of the faces found.
        stranger_named: bool[S], the stranger's frame would have been named.
        stranger_quality: of the strangers' faces found.
    """

    variation: Variation
    worked: Bools
    wrong: Bools
    found: Bools
    quality: tuple[Quality | None, ...]
    stranger_named: Bools
    stranger_quality: tuple[Quality | None, ...]

    def reasons(self, limits: QualityLimits) -> list[tuple[Reason, ...]]:
        """Return why each frame is refused under ``limits``; empty where it is not."""
        return _reasons(self.quality, limits)

    def strangers_past(self, limits: QualityLimits) -> float:
        """Return which share of the strangers is named although the gate stands before."""
        passed = np.array([not reasons for reasons in _reasons(self.stranger_quality, limits)])
        return float((self.stranger_named & passed).mean())


@dataclass(frozen=True)
class Caught:
    """What the gate does to the frames of conditions in which at least the share ``failing`` of all frames fails.

    Attributes:
        conditions: how many there are, and ``frames`` of them.
        refused: share of the frames that is refused, or shows no face to the detector.
        right_reason: share of the refusals that name the right reason; "no face" is right.
    """

    failing: float
    conditions: int
    frames: int
    refused: float
    right_reason: float


@dataclass(frozen=True)
class Gate:
    """What the quality gate does, over all frames of variations that it can see.

    Attributes:
        unusable: by how hopeless the conditions are.
        failed, worked: how many frames fail, and work, when asked about without the gate.
        refused_of_failed, refused_of_worked: shares of them that are refused, or show no face to the detector.
        lost: share of pictures as they are, working ones, that are refused.
    """

    unusable: tuple[Caught, ...]
    failed: int
    worked: int
    refused_of_failed: float
    refused_of_worked: float
    lost: float


def change(
    people: People, pipeline: AlignedFaces, cache: SightCache, sights: Sights, split: Split, space: Space, each: int
) -> Changed:
    """Change ``each`` probes of everybody enrolled, and half as many strangers' pictures, in every way.

    Probes that are missed unchanged are left out, so that every failure is the change's. ``sights`` are in the metric
    of ``space``, and ``pipeline`` embeds without one.
    """
    lesson = Lesson(split.people, sights.embeddings[split.learn], split.learn_person, space.cohort)
    head = learning.learn(lesson.gallery(), space.cohort, FAR_TARGET).head
    plain = answerer(head, split.people)(sights.embeddings[split.probes])
    fine = np.flatnonzero(named_by(plain) & (plain.index == split.probe_person))
    chosen = np.concatenate([fine[split.probe_person[fine] == i][:each] for i in range(len(split.people))])
    strangers = split.strangers[:: max(1, 2 * len(split.strangers) // len(chosen))]
    pictures = [people.pictures[place] for place in [*split.probes[chosen], *strangers]]
    ways = tuple(variations.all_variations())
    seen = tuple(each.within(space.metric) for each in look(pipeline, cache, pictures, ways))
    return Changed(head, split.people, split.probe_person[chosen], ways, seen)


def trials(changed: Changed) -> list[Trial]:
    """Ask about every changed picture."""
    count = len(changed.person)
    answer = answerer(changed.head, changed.people)
    table = []
    for variation, seen in zip(changed.variations, changed.sights, strict=True):
        said = answer(seen.embeddings)
        named, right = named_by(said), said.index[:count] == changed.person
        table.append(
            Trial(
                variation,
                worked=named[:count] & right,
                wrong=named[:count] & ~right,
                found=seen.faces[:count] > 0,
                quality=seen.quality[:count],
                stranger_named=named[count:],
                stranger_quality=seen.quality[count:],
            )
        )
    return table


def judge(trials: Sequence[Trial], limits: QualityLimits) -> Gate:
    """Return what the gate with ``limits`` does to the frames of all variations that it has a reason for."""
    rows = [trial for trial in trials if trial.variation.reasons]
    worked = np.concatenate([trial.worked for trial in rows])
    refused = np.concatenate([_refused(trial, limits) for trial in rows])
    plain = next(trial for trial in trials if trial.variation.kind == "as it is")
    return Gate(
        unusable=tuple(_caught(rows, limits, failing) for failing in UNUSABLE),
        failed=int((~worked).sum()),
        worked=int(worked.sum()),
        refused_of_failed=_share(refused[~worked]),
        refused_of_worked=_share(refused[worked]),
        lost=_share(_refused(plain, limits)[plain.worked]),
    )


def _caught(trials: Sequence[Trial], limits: QualityLimits, failing: float) -> Caught:
    hopeless = [trial for trial in trials if 1 - trial.worked.mean() >= failing]
    refused, rightly = [], []
    for trial in hopeless:
        gone = _refused(trial, limits)
        right = {*trial.variation.reasons, Reason.NO_FACE}
        refused += gone.tolist()
        rightly += [
            not why or bool(right & set(why)) for why, out in zip(trial.reasons(limits), gone, strict=True) if out
        ]
    return Caught(failing, len(hopeless), len(refused), _share(np.array(refused)), _share(np.array(rightly)))


def _refused(trial: Trial, limits: QualityLimits) -> Bools:
    return np.array([bool(reasons) for reasons in trial.reasons(limits)]) | ~trial.found


def _reasons(quality: Sequence[Quality | None], limits: QualityLimits) -> list[tuple[Reason, ...]]:
    return [one.reasons(limits) if one is not None else () for one in quality]


def _share(flags: NDArray[Any]) -> float:
    return float(flags.mean()) if len(flags) else 0.0


def look(
    pipeline: AlignedFaces, cache: SightCache, pictures: Sequence[Picture], ways: Sequence[Variation]
) -> list[Sights]:
    """Return, for each variation, what the pipeline sees on the changed pictures."""
    jobs = [(picture, way) for picture in pictures for way in ways]
    source = inspect.getsource(variations)
    identity = hashlib.sha256(f"{pipeline.identity}\0{source}".encode()).hexdigest()[:32]

    @lru_cache(maxsize=2)
    def original(picture: Picture) -> tuple[Frame, Any]:
        frame = decode(picture.path.read_bytes())
        return frame, pipeline.observe(frame)[1]

    def changed(picture: Picture, way: Variation) -> Frame:
        frame, face = original(picture)
        if face is None:
            return frame
        rng = np.random.default_rng(int(hashlib.sha256(f"{picture.content}{way.name}".encode()).hexdigest()[:8], 16))
        return way.change(frame, face.face.landmarks, rng)

    def look(places: list[int]) -> list[Sight]:
        return pipeline.see_frames([changed(*jobs[place]) for place in places])

    sights = cache.recall(identity, [f"{picture.content} {way.name}" for picture, way in jobs], look)
    return [Sights.of(pipeline, len(pictures), dict(enumerate(sights[i :: len(ways)]))) for i in range(len(ways))]
