"""Rotation: is the promise kept to people nobody fitted anything to, and for each of them.

Metric and cohort are fitted to one half of the people and measured on the other, both ways, so that everybody is once
unseen. That alone foretells too little: a half has seen nearly every kind of face. So kinds are thinned as well: of one
cluster of face space most people are taken out of the fitting half, and a gallery holds one person of it, whom the
cluster's strangers in the other half resemble.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.knowing import Head, normalise
from familiar.learning import Cohort, Gallery
from familiar_trainer.evaluation.folds import KINDS, LEARN, Draw, Faces, Fold, Places, draws, folds, thinned_folds
from familiar_trainer.evaluation.sight import Float32

PEOPLE = (1, 5, 18, 30, 43)
TARGETS = (0.01, 0.001)
PICTURES = (1, 2, 3, 5, 10, 20)
"""To learn from, for the table by group."""
LEAST_PEOPLE = 1_000
"""Fewer do not suffice for a half to fit to."""
THINNED_GALLERY = 18
THINNED_DRAWS = 3
NEAREST = 0.1

Float64 = NDArray[np.float64]


@dataclass(frozen=True)
class Outcome:
    """What one gallery did at one target; each stranger counts once, however many pictures there are.

    Attributes:
        fold: where it was drawn, and the kind that was ``thinned`` there.
        target: share of strangers that may be named.
        fpir: share of strangers named.
        fnir: share of probes that are not named rightly.
        missed: float64[C], the same of the probes of each of C people.
        dir: share of probes named rightly at the threshold that lets ``target`` of these strangers through.
        kind_named, kind_weight: float64[K], shares of all strangers that are named, and that there are, by their kind.
        kind_of: int[C], kinds of the enrolled.
        taken: float64[C], share of strangers taken for each person.
        nearest: float64[C], share named of the tenth of strangers nearest to each person.
    """

    fold: str
    thinned: int | None
    target: float
    fpir: float
    fnir: float
    missed: Float64
    dir: float
    kind_named: Float64
    kind_weight: Float64
    kind_of: Places
    taken: Float64
    nearest: Float64


@dataclass(frozen=True)
class Kept:
    """What was promised and what was measured over many galleries; all but FNIR and DIR in multiples of the promise.

    Attributes:
        camera: by which the faces were seen.
        thinned: whether a kind of each gallery was thinned; ``kinds`` are then of the thinned ones alone.
        people: how many are enrolled, and ``galleries`` how often.
        mean: over galleries.
        worst: of a fold's galleries, the mean over folds, and ``most`` the worst of all.
        kind: mean over kinds of strangers; galleries of a fold are taken together.
        kind_90, kind_most: of the kinds the 90th percentile, and the worst one.
        nearest: mean over people of the tenth of strangers nearest to them, and ``nearest_95`` the 95th percentile.
        person: the most strangers taken for one person.
        fnir, dir: mean shares of probes; ``fnir_95`` is the 95th percentile over people.
    """

    camera: str
    thinned: bool
    people: int
    target: float
    galleries: int
    mean: float
    worst: float
    most: float
    kind: float
    kind_90: float
    kind_most: float
    nearest: float
    nearest_95: float
    person: float
    fnir: float
    fnir_95: float
    dir: float

    @classmethod
    def of(cls, camera: str, thinned: bool, outcomes: Sequence[Outcome]) -> Kept:
        """Summarise galleries of one size and one target."""
        target = outcomes[0].target
        by_fold: dict[str, list[Outcome]] = {}
        for outcome in outcomes:
            by_fold.setdefault(outcome.fold, []).append(outcome)
        fpir = np.array([outcome.fpir for outcome in outcomes])
        worst = [max(outcome.fpir for outcome in group) for group in by_fold.values()]
        kinds = np.concatenate([_by_kind(group) for group in by_fold.values()])
        missed, taken, nearest = (
            np.concatenate([getattr(outcome, name) for outcome in outcomes]) for name in ("missed", "taken", "nearest")
        )
        return cls(
            camera,
            thinned,
            len(outcomes[0].missed),
            target,
            len(outcomes),
            *(
                float(value) / target
                for value in (
                    fpir.mean(), np.mean(worst), np.max(worst),
                    kinds.mean(), np.quantile(kinds, 0.9), kinds.max(),
                    nearest.mean(), np.quantile(nearest, 0.95), taken.max(),
                )
            ),
            float(np.mean([outcome.fnir for outcome in outcomes])),
            float(np.quantile(missed, 0.95)),
            float(np.mean([outcome.dir for outcome in outcomes])),
        )  # fmt: skip


@dataclass(frozen=True)
class Group:
    """Faults by group at 1 in 1,000: strangers named, in multiples of the promise, and the mean FNIR of the people."""

    group: str
    value: str
    named: float
    fnir: float
    people: int


def measure(faces: Faces, fold: Fold, draw: Draw, embeddings: Float32, target: float) -> Outcome:
    """Learn one gallery and ask about everybody; ``embeddings`` float32[N, D] are the faces in the fold's metric."""
    usable = embeddings[draw.learn].any(axis=1)
    learn, learn_person = embeddings[draw.learn][usable], draw.learn_person[usable]
    head = _learned(learn, learn_person, fold.space.cohort, target)
    place = np.array([int(person_id) for person_id in head.person_ids] + [-1])
    asked, others = (_asked(head, place, embeddings[rows]) for rows in (draw.probes, draw.strangers))
    right = asked.index == draw.probe_person
    stranger = faces.person[draw.strangers]
    weight = 1 / np.bincount(stranger)[stranger]
    weight /= weight.sum()
    named = weight * others.known
    people = len(draw.people)
    missed = np.bincount(draw.probe_person, ~(right & asked.known), minlength=people)
    means = normalise(np.stack([learn[learn_person == i].sum(axis=0) for i in range(people)]))
    return Outcome(
        fold.name,
        fold.thinned,
        target,
        float(named.sum()),
        float(missed.sum() / len(right)),
        missed / np.bincount(draw.probe_person, minlength=people),
        float((right & (asked.margin > _let_in(others.margin, weight, target))).mean()),
        np.bincount(fold.kind[stranger], named, minlength=KINDS),
        np.bincount(fold.kind[stranger], weight, minlength=KINDS),
        fold.kind[draw.people],
        np.bincount(others.index[others.known], weight[others.known], minlength=people),
        _nearest(embeddings[draw.strangers] @ means.T, weight, named),
    )


def kept(
    faces: Faces, seed: int, galleries: int, thinned_step: int, learn: int = LEARN
) -> tuple[list[Kept], list[Group]]:
    """Measure every camera with galleries of ``PEOPLE``, and with thinned kinds, of which every so many-th is taken.

    Args:
        faces: of people whose number is at least ``LEAST_PEOPLE`` or so.
        seed: of the halves.
        galleries: how many are drawn of a size in each half.
        thinned_step: 1 for every kind, 0 for none.
        learn: pictures of each person to learn from.

    Returns:
        What was kept, and the faults by group.
    """
    outcomes: dict[tuple[str, bool, int, float], list[Outcome]] = {}
    by_pictures: dict[int, list[Outcome]] = {}
    by_camera: dict[str, list[Outcome]] = {}
    for fold in folds(faces, seed):
        for camera, embeddings in _seen(fold, faces.looks).items():
            for people in PEOPLE:
                for draw in draws(faces, fold, people, galleries, learn):
                    for target in TARGETS:
                        outcome = measure(faces, fold, draw, embeddings, target)
                        outcomes.setdefault((camera, False, people, target), []).append(outcome)
            for pictures in PICTURES:
                for draw in draws(faces, fold, THINNED_GALLERY, galleries, pictures):
                    outcome = measure(faces, fold, draw, embeddings, TARGETS[-1])
                    by_pictures.setdefault(pictures, []).append(outcome)
        for camera, embeddings in _seen(fold, faces.unfitted).items():
            looked_at = replace(fold, measured=fold.measured[embeddings[fold.measured].any(axis=1)])
            for draw in draws(faces, looked_at, THINNED_GALLERY, galleries, learn):
                by_camera.setdefault(camera, []).append(measure(faces, looked_at, draw, embeddings, TARGETS[-1]))
    for fold in thinned_folds(faces, seed, thinned_step) if thinned_step else ():
        for camera, embeddings in _seen(fold, faces.looks).items():
            for draw in draws(faces, fold, THINNED_GALLERY, THINNED_DRAWS, learn):
                for target in TARGETS:
                    outcome = measure(faces, fold, draw, embeddings, target)
                    outcomes.setdefault((camera, True, THINNED_GALLERY, target), []).append(outcome)
    table = [Kept.of(camera, thinned, rows) for (camera, thinned, _, _), rows in outcomes.items()]
    return table, _groups(outcomes, by_camera, by_pictures)


def _seen(fold: Fold, looks: Mapping[str, Float32]) -> dict[str, Float32]:
    chosen = fold.space.metric
    assert chosen is not None
    return {camera: chosen.apply(look) for camera, look in looks.items()}


def _groups(
    outcomes: Mapping[tuple[str, bool, int, float], Sequence[Outcome]],
    by_camera: Mapping[str, Sequence[Outcome]],
    by_pictures: Mapping[int, Sequence[Outcome]],
) -> list[Group]:
    """Return faults at 1 in 1,000 by camera, by number of pictures to learn from, and by kind of face."""
    plain = {key: rows for key, rows in outcomes.items() if not key[1] and key[3] == TARGETS[-1]}
    table = []
    for camera in dict.fromkeys(key[0] for key in plain):
        table.append(_group("camera", camera, [row for key, rows in plain.items() if key[0] == camera for row in rows]))
    table += [_group("camera", camera, rows) for camera, rows in by_camera.items()]
    table += [_group("pictures to learn from", str(learn), rows) for learn, rows in by_pictures.items()]
    every = [row for rows in plain.values() for row in rows]
    for fold in dict.fromkeys(row.fold for row in every):
        mine = [row for row in every if row.fold == fold]
        weight = np.sum([row.kind_weight for row in mine], axis=0)
        for kind in np.argsort(-weight).tolist():
            missed = np.concatenate([row.missed[row.kind_of == kind] for row in mine])
            named = float(np.sum([row.kind_named[kind] for row in mine])) / max(float(weight[kind]), 1e-12)
            share = f"{100 * weight[kind] / weight.sum():.1f} % of strangers"
            fnir = float(missed.mean()) if len(missed) else float("nan")
            table.append(Group(f"kind {kind} of half {fold}", share, named / TARGETS[-1], fnir, len(missed)))
    return table


def _group(group: str, value: str, rows: Sequence[Outcome]) -> Group:
    named = float(np.mean([row.fpir for row in rows])) / TARGETS[-1]
    missed = np.concatenate([row.missed for row in rows])
    return Group(group, value, named, float(missed.mean()), len(missed))


@dataclass(frozen=True)
class _Answers:
    index: Places
    margin: Float32
    known: NDArray[np.bool_]


def _learned(rows: Float32, person: Places, cohort: Cohort, target: float) -> Head:
    gallery = Gallery.from_rows(
        (f"{who:04d}", "pictures", float(at), row) for at, (who, row) in enumerate(zip(person, rows, strict=True))
    )
    return learning.learn(gallery, cohort, target).head


def _asked(head: Head, place: Places, rows: Float32) -> _Answers:
    found = head.identify(rows)
    best = found.index[:, 0]
    margin = np.where(best < 0, -np.inf, found.score[:, 0] - np.append(head.thresholds, 0)[best])
    return _Answers(place[best], margin.astype(np.float32), found.known)


def _let_in(margins: Float32, weight: Float64, share: float) -> float:
    """Return the margin that at most ``share`` of the strangers, by their weight, exceed."""
    order = np.argsort(-margins)
    return float(margins[order[min(np.searchsorted(np.cumsum(weight[order]), share + 1e-12), len(order) - 1)]])


def _nearest(likeness: Float32, weight: Float64, named: Float64) -> Float64:
    """Return float64[P]: of the tenth of strangers most like each person, [S, P], the share that is named."""
    shares = []
    for column in likeness.T:
        order = np.argsort(-column)
        top = order[: np.searchsorted(np.cumsum(weight[order]), NEAREST) + 1]
        shares.append(named[top].sum() / weight[top].sum())
    return np.array(shares)


def _by_kind(group: Sequence[Outcome]) -> Float64:
    """Return the share named of each kind of strangers, galleries of a fold together; of a thinned one only, if any."""
    named, weight = (np.sum([getattr(row, name) for row in group], axis=0) for name in ("kind_named", "kind_weight"))
    if group[0].thinned is not None:
        named, weight = named[[group[0].thinned]], weight[[group[0].thinned]]
    shares: Float64 = named[weight > 0] / weight[weight > 0]
    return shares if len(shares) else np.zeros(1)
