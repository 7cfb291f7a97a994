"""Folds: who is fitted to and who is measured, what kinds of faces there are, and who is enrolled in a gallery.

A half of the people is fitted to and the other one measured, both ways. Where a kind of face is thinned, most people of
one cluster of face space are taken out of the fitting half as well.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.knowing import normalise
from familiar_trainer.evaluation.fitting import Space
from familiar_trainer.evaluation.sight import Float32

KINDS = 16
LEARN = 10
LEFT = 0.25
"""Share of a thinned kind's people who stay in the fitting half."""

_ROUNDS, _STARTS = 50, 4

Places = NDArray[np.integer[Any]]


@dataclass(frozen=True)
class Faces:
    """The same N pictures by several cameras.

    Attributes:
        names: of the people.
        person: int[N], positions in ``names``.
        looks: float32[N, D] by camera, as the backbone gives them without a metric; zeros where there is no face.
        unfitted: the same by cameras that nothing is fitted to; zeros also for pictures that nobody looked at, which
            are left out.
    """

    names: tuple[str, ...]
    person: Places
    looks: Mapping[str, Float32]
    unfitted: Mapping[str, Float32] = field(default_factory=dict)


@dataclass(frozen=True)
class Fold:
    """What is fitted on some people, and who is measured with it.

    Attributes:
        name: tells folds apart.
        space: metric and cohort.
        measured: int[M], places of the pictures of everybody whom nothing was fitted to.
        kind: int[P], the cluster of face space of everybody, by whom it was fitted to.
        thinned: the kind of which the fit knows few; None where it is no such fold.
    """

    name: str
    space: Space
    measured: Places
    kind: Places
    thinned: int | None = None


@dataclass(frozen=True)
class Draw:
    """Who is enrolled in one gallery: places of pictures to learn from, to ask about, and of strangers."""

    people: Places
    learn: Places
    learn_person: Places
    probes: Places
    probe_person: Places
    strangers: Places


def part_of(name: str, seed: int, parts: int = 2) -> int:
    """Return which part of the people somebody belongs to, from 0; the same for everybody who asks."""
    return int(parts * _share(f"{seed}:{name}"))


def folds(faces: Faces, seed: int) -> Iterator[Fold]:
    """Yield a fold for each half of the people."""
    for part in range(2):
        yield _fold(faces, seed, part, None)


def thinned_folds(faces: Faces, seed: int, step: int = 1) -> Iterator[Fold]:
    """Yield a fold for each half and every ``step``-th kind, of which few people are left to fit to."""
    for part in range(2):
        for kind in range(0, KINDS, step):
            yield _fold(faces, seed, part, kind)


def _fold(faces: Faces, seed: int, part: int, thinned: int | None) -> Fold:
    mine = np.array([part_of(name, seed) == part for name in faces.names])
    kind = kinds(faces, ~mine, seed)
    gone = np.zeros_like(mine)
    if thinned is not None:
        gone = (kind == thinned) & np.array([_share(f"thin:{name}") > LEFT for name in faces.names])
    fitted = np.flatnonzero((~mine & ~gone)[faces.person])
    number = np.unique(faces.person[fitted], return_inverse=True)[1]
    space = Space.fit([look[fitted] for look in faces.looks.values()], number, {"rule": f"rotation {seed}.{part}"})
    name = f"{seed}.{part}" if thinned is None else f"{seed}.{part}, kind {thinned}"
    return Fold(name, space, np.flatnonzero(mine[faces.person]), kind, thinned)


def kinds(faces: Faces, fitted: NDArray[np.bool_], seed: int) -> Places:
    """Return int[P]: the cluster of everybody's mean face, by centres found among those who are ``fitted`` bool[P]."""
    sums = np.zeros((len(faces.names), next(iter(faces.looks.values())).shape[1]), np.float32)
    for look in faces.looks.values():
        np.add.at(sums, faces.person, look)
    means = normalise(sums)
    centres = _clusters(means[fitted], np.random.default_rng(seed))
    nearest: Places = (means @ centres.T).argmax(axis=1)
    return nearest


def draws(faces: Faces, fold: Fold, people: int, count: int, learn: int = LEARN) -> list[Draw]:
    """Draw ``count`` galleries of so many people, one of them of the fold's thinned kind if it has one.

    Nobody is enrolled who has no picture left to ask about; there is no gallery if there are too few people.
    """
    pictures: dict[int, list[int]] = {}
    for place in fold.measured.tolist():
        pictures.setdefault(int(faces.person[place]), []).append(place)
    able = np.array([person for person, mine in pictures.items() if len(mine) > learn])
    rare = able[fold.kind[able] == fold.thinned] if len(able) and fold.thinned is not None else able[:0]
    if len(able) < people or (fold.thinned is not None and not len(rare)):
        return []
    found = []
    for draw in range(count):
        rng = np.random.default_rng([1000 * people + draw, learn, fold.thinned or 0])
        chosen = rng.choice(able, people, replace=False)
        if fold.thinned is not None:
            one = rng.choice(rare)
            chosen = np.r_[one, rng.choice(able[fold.kind[able] != fold.thinned], people - 1, replace=False)]
        chosen = np.sort(chosen)
        order = [rng.permutation(pictures[person]) for person in chosen.tolist()]
        enrolled = np.isin(faces.person[fold.measured], chosen)
        found.append(
            Draw(
                chosen,
                np.concatenate([mine[:learn] for mine in order]),
                np.repeat(np.arange(people), learn),
                np.concatenate([mine[learn:] for mine in order]),
                np.repeat(np.arange(people), [len(mine) - learn for mine in order]),
                fold.measured[~enrolled],
            )
        )
    return found


def _clusters(rows: Float32, rng: np.random.Generator) -> Float32:
    """Return ``KINDS`` centres of ``rows`` [N, D] by k-means on the sphere, the best of several starts (k-means++)."""
    best, chosen = -np.inf, rows[:0]
    for _ in range(_STARTS):
        centres = rows[rng.integers(len(rows))][None]
        while len(centres) < KINDS:
            apart = np.maximum(1 - (rows @ centres.T).max(axis=1), 1e-9)
            centres = np.r_[centres, rows[rng.choice(len(rows), p=apart / apart.sum())][None]]
        for _ in range(_ROUNDS):
            nearest = (rows @ centres.T).argmax(axis=1)
            sums = np.stack([rows[nearest == k].sum(axis=0) for k in range(KINDS)])
            centres = np.where(sums.any(axis=1)[:, None], normalise(sums), centres)
        score = float((rows @ centres.T).max(axis=1).sum())
        if score > best:
            best, chosen = score, centres
    return chosen


def _share(text: str) -> float:
    """Return a number from 0 to 1 that depends on ``text`` alone."""
    return int(hashlib.sha256(text.encode()).hexdigest()[:8], 16) / 2**32
