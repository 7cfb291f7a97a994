"""One evaluation from beginning to end."""

from __future__ import annotations

import logging
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np

from familiar.learning import Cohort
from familiar.seeing import QualityLimits
from familiar_trainer.backbones import DEFAULT, BackboneError, face_resnet_in, load
from familiar_trainer.evaluation import bursts, cameras, mixed, promise, robustness, rotation, tables
from familiar_trainer.evaluation.cache import SightCache
from familiar_trainer.evaluation.fitting import Space, fitted_apart, numbers, twins
from familiar_trainer.evaluation.folds import Faces
from familiar_trainer.evaluation.heads import ClassMeans, Learner, NearestNeighbour, Product, Softmax
from familiar_trainer.evaluation.identification import Identification, identify
from familiar_trainer.evaluation.measures import Verification, verification
from familiar_trainer.evaluation.peers import FaceRecognition
from familiar_trainer.evaluation.pictures import Pair, People
from familiar_trainer.evaluation.pipelines import AlignedFaces, Embedder, WholeFrames
from familiar_trainer.evaluation.promise import Kept
from familiar_trainer.evaluation.sight import Pipeline, Sights
from familiar_trainer.evaluation.split import Split, eligible, split, strangers_to
from familiar_trainer.evaluation.survey import Losses, losses

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Plan:
    """What to measure, and with what."""

    data: Path
    colour: Path | None = None
    names: str = ""
    pairs: Path | None = None
    backbone: str = "face_resnet"
    imagenet: Path | None = None
    peers: bool = True
    peer_pairs: bool = False
    subject: str = "central"
    min_gallery: int = 20
    learn: int = 10
    strangers: int | None = None
    seeds: int = 5
    draws: int = 10
    thinned: int = 1
    robustness: bool = False
    each: int = 2


@dataclass(frozen=True)
class Report:
    """All that was measured; lists are empty where a part was not asked for."""

    people: int
    pictures: int
    enrolled: int
    strangers: int
    identification: Sequence[Identification]
    verification: Sequence[tuple[str, Verification]]
    losses: Sequence[Losses]
    promise: Sequence[Kept]
    rotation: Sequence[rotation.Kept]
    groups: Sequence[rotation.Group]
    mixed: Sequence[mixed.Outcome]
    trials: Sequence[robustness.Trial]
    gate: robustness.Gate | None
    bursts: Sequence[bursts.Gain]

    def to_markdown(self) -> str:
        """Return the tables."""
        limits = QualityLimits()
        parts = [
            f"{self.pictures:,} pictures of {self.people:,} people; {self.enrolled} enrolled, "
            f"{self.strangers:,} strangers with one picture each.",
            "### Who is it, and is it anybody known",
            tables.identification(self.identification),
            "### At the thresholds that the product calibrates",
            tables.calibrated(self.identification),
        ]
        if self.promise:
            parts += ["### Is the promise kept", tables.promise(self.promise)]
        if self.rotation:
            parts += ["### Is it kept to people nobody tuned on", tables.rotation(self.rotation)]
            parts += ["### By group", tables.groups(self.groups)]
        if self.mixed:
            parts += ["### Are these pictures of one person", mixed.table(self.mixed)]
        if self.verification:
            parts += ["### Are these two pictures one person's", tables.verification(self.verification)]
        parts += ["### What is lost before", tables.losses(self.losses)]
        if self.trials and self.gate:
            parts += ["### What changes of the picture do", tables.robustness(self.trials, limits)]
            parts += ["### What the quality gate makes of them", tables.gate(self.gate)]
        if self.bursts:
            parts += ["### What several frames gain", tables.bursts(self.bursts)]
        return "\n\n".join(parts) + "\n"

    def to_json(self) -> dict[str, Any]:
        """Return JSON values, without the scores of every picture."""
        scores = ("known", "right", "strangers")
        return {
            "people": self.people,
            "pictures": self.pictures,
            "enrolled": self.enrolled,
            "strangers": self.strangers,
            "identification": [
                {f.name: _plain(getattr(row, f.name)) for f in fields(row) if f.name not in scores}
                for row in self.identification
            ],
            "verification": [{"pipeline": name, **asdict(row)} for name, row in self.verification],
            "losses": [asdict(row) for row in self.losses],
            "promise": [asdict(row) for row in self.promise],
            "rotation": [asdict(row) for row in self.rotation],
            "groups": [asdict(row) for row in self.groups],
            "mixed": [asdict(row) for row in self.mixed],
            "robustness": [
                {
                    "change": trial.variation.name.strip(),
                    "fnir": 1 - float(trial.worked.mean()),
                    "wrong": float(trial.wrong.mean()),
                    "no_face": float((~trial.found).mean()),
                    "strangers_named": float(trial.stranger_named.mean()),
                    "strangers_past_gate": trial.strangers_past(QualityLimits()),
                }
                for trial in self.trials
            ],
            "gate": None if self.gate is None else asdict(self.gate),
            "bursts": [asdict(row) for row in self.bursts],
        }


def run(plan: Plan, cache: SightCache) -> Report:
    """Measure what ``plan`` asks for.

    Raises:
        UnusableData: the pictures do not suffice.
        BackboneError: the default backbone or its weights cannot be used.
    """
    people = People.read(plan.data, plan.names)
    enrolled = eligible(people, plan.min_gallery)
    strangers = strangers_to(people, enrolled, plan.strangers)
    splits = [split(people, enrolled, plan.learn, strangers, seed) for seed in range(plan.seeds)]
    pairs = people.pairs(plan.pairs) if plan.pairs else []
    first = splits[0]
    asked = {*first.learn.tolist(), *first.probes.tolist(), *strangers.tolist()}
    paired = {place for pair in pairs for place in (pair.first, pair.second)}

    # Without its metric, so that another one, fitted to others than the people measured, can take its place.
    backbone = face_resnet_in(None) if plan.backbone == DEFAULT else load(plan.backbone)
    product = AlignedFaces(Embedder(backbone), subject=plan.subject)
    plain = cache.see(product, people.pictures)
    looks = {"grey" if plan.colour else "as they are": plain.embeddings}
    kept_looks = {look: mixed.kept(plain) for look in looks}
    coloured = twins(people, People.read(plan.colour, plan.names)) if plan.colour else None
    if coloured:
        in_colour = cache.see(product, coloured.pictures)
        looks["colour"], kept_looks["colour"] = in_colour.embeddings, mixed.kept(in_colour)
    space = fitted_apart(people, list(looks.values())) or Space.shipped(backbone.meta)
    sights = plain.within(space.metric)
    results = list(_of_product(sights, splits, space.cohort))
    compared, lost = _verify(sights, pairs), [losses(sights, QualityLimits())]
    for other, learners, other_cohort in _others(plan):
        verified = plan.peer_pairs or not isinstance(other, FaceRecognition)
        seen = cache.see(other, people.pictures, sorted(asked | paired if verified else asked))
        results += [identify(seen, learner, splits, other_cohort) for learner in learners]
        compared += _verify(seen, pairs) if verified else []
        lost.append(losses(seen, QualityLimits()))
    promised = space.cohort.fitted and plan.draws > 0
    kept = promise.kept(people, sights, space.cohort, plan.learn, plan.draws) if promised else []
    rotated: tuple[Sequence[rotation.Kept], Sequence[rotation.Group]] = [], []
    enrolments: list[mixed.Outcome] = []
    if promised and len(people.of) >= rotation.LEAST_PEOPLE:
        others, seen = coloured or people, cameras.chosen(people)
        unfitted = {camera: cameras.look(product, cache, others, seen, camera).embeddings for camera in cameras.CAMERAS}
        faces = Faces(tuple(people.of), numbers(people), looks, unfitted)
        rotated = rotation.kept(faces, 0, plan.draws, plan.thinned, plan.learn)
        enrolments = mixed.outcomes(Faces(faces.names, faces.person, kept_looks))
    trials: list[robustness.Trial] = []
    gains: list[bursts.Gain] = []
    if plan.robustness:
        changed = robustness.change(people, product, cache, sights, splits[-1], space, plan.each)
        trials = robustness.trials(changed)
        gains = bursts.of_pictures(people, sights, splits[:3], space.cohort) + bursts.of_changes(changed)
    gate = robustness.judge(trials, QualityLimits()) if trials else None
    return Report(
        len(people.of), len(people.pictures), len(enrolled), len(strangers), results, compared, lost, kept, *rotated,
        enrolments, trials, gate, gains,
    )  # fmt: skip


def _of_product(sights: Sights, splits: Sequence[Split], cohort: Cohort) -> Iterator[Identification]:
    gated = sights.gated(QualityLimits())
    yield identify(sights, Product(), splits, cohort)
    behind = Sights(f"{sights.pipeline}, behind the gate", gated.embeddings, gated.faces, gated.quality)
    yield identify(behind, Product(), splits, cohort)
    for learner in (ClassMeans(), NearestNeighbour(), Softmax()):
        yield identify(sights, learner, splits, cohort)


def _others(plan: Plan) -> Iterator[tuple[Pipeline, Sequence[Learner], Cohort]]:
    """Yield what the product is compared with, as far as it is there."""
    if plan.imagenet is not None:
        try:
            embedder = Embedder(load("mobilenet_v2_imagenet", plan.imagenet))
        except BackboneError as error:
            _log.warning("MobileNetV2 is left out: %s", error)
        else:
            heads = (Product(), ClassMeans(), NearestNeighbour(), Softmax())
            unknown = Cohort(embedder.meta.dim)
            yield WholeFrames(embedder), heads, unknown
            yield AlignedFaces(embedder, subject=plan.subject, judged=False), heads, unknown
    if plan.peers:
        try:
            peer = FaceRecognition()
        except ImportError:
            _log.warning("face_recognition is left out: dlib is not installed (pip install dlib-bin)")
        else:
            yield peer, (NearestNeighbour(), ClassMeans()), Cohort(peer.dim)


def _verify(sights: Sights, pairs: Sequence[Pair]) -> list[tuple[str, Verification]]:
    if not pairs:
        return []
    first, second = (sights.embeddings[[getattr(pair, side) for pair in pairs]] for side in ("first", "second"))
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    cosine = np.where(lengths > 0, (first * second).sum(axis=1) / np.maximum(lengths, 1e-12), -np.inf)
    same, fold = np.array([pair.same for pair in pairs]), np.array([pair.fold for pair in pairs])
    return [(sights.pipeline, verification(cosine, same, fold))]


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [_plain(item) for item in value]
    return asdict(value) if hasattr(value, "__dataclass_fields__") else value
