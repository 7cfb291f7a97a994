"""Rotation, on people who do not exist."""

from dataclasses import replace

import numpy as np
import pytest

from familiar.knowing import normalise
from familiar_trainer.evaluation import rotation, tables
from familiar_trainer.evaluation.fitting import Space
from familiar_trainer.evaluation.folds import KINDS, Draw, Faces, Fold, draws, folds, kinds, thinned_folds
from familiar_trainer.evaluation.rotation import Kept, Outcome, measure

DIM, PEOPLE, LEARN = 24, 600, 3


def faces_of(people: int = PEOPLE, seed: int = 0) -> Faces:
    """Return people in kinds of different sizes, each with one to eight pictures, seen by two cameras."""
    rng = np.random.default_rng(seed)
    kind = rng.choice(KINDS, people, p=np.arange(1, KINDS + 1) / np.arange(1, KINDS + 1).sum())
    centres = normalise(3 * rng.standard_normal((KINDS, DIM)))[kind] + 0.15 * rng.standard_normal((people, DIM))
    person = np.repeat(np.arange(people), rng.integers(1, 9, people))
    looks = {
        camera: normalise(centres[person] + 0.03 * rng.standard_normal((len(person), DIM)))
        for camera in ("grey", "colour")
    }
    return Faces(tuple(f"n{i}" for i in range(people)), person, looks)


@pytest.fixture(scope="module")
def faces() -> Faces:
    return faces_of()


@pytest.fixture(scope="module")
def both(faces: Faces) -> list[Fold]:
    return list(folds(faces, seed=1))


def test_everybody_is_measured_once_by_what_was_fitted_to_the_others(faces: Faces, both: list[Fold]) -> None:
    measured = np.concatenate([fold.measured for fold in both])
    assert sorted(measured.tolist()) == list(range(len(faces.person)))
    for fold in both:
        mine = {*faces.person[fold.measured].tolist()}
        assert 0.4 * PEOPLE < len(mine) < 0.6 * PEOPLE
        assert fold.space.cohort.origin["strangers"] == PEOPLE - len(mine)


def test_another_seed_cuts_the_people_otherwise(faces: Faces, both: list[Fold]) -> None:
    other = next(folds(faces, seed=2))
    assert not np.array_equal(other.measured, both[0].measured)


def test_a_thinned_kind_has_few_people_to_fit_to_and_one_in_the_gallery(faces: Faces, both: list[Fold]) -> None:
    thinned = [fold for fold in thinned_folds(faces, seed=1, step=5) if draws(faces, fold, 5, 3, LEARN)]
    assert {fold.thinned for fold in thinned} <= {0, 5, 10, 15}
    whole = {fold.name: fold for fold in both}
    for fold in thinned:
        plain = whole[fold.name.split(",")[0]]
        assert np.array_equal(fold.measured, plain.measured)
        unmeasured = np.setdiff1d(np.arange(PEOPLE), faces.person[plain.measured])
        of_kind = int((fold.kind[unmeasured] == fold.thinned).sum())
        left = fold.space.cohort.origin["strangers"] - (len(unmeasured) - of_kind)
        assert left < of_kind and abs(left - 0.25 * of_kind) <= 3 + 0.15 * of_kind
        for draw in draws(faces, fold, 5, 3, LEARN):
            assert (fold.kind[draw.people] == fold.thinned).sum() == 1


def test_kinds_are_the_clusters_of_faces(faces: Faces) -> None:
    found = kinds(faces, np.ones(PEOPLE, np.bool_), seed=0)
    sums = np.zeros((PEOPLE, DIM), np.float32)
    np.add.at(sums, faces.person, faces.looks["grey"])
    likeness = normalise(sums) @ normalise(sums).T
    same = found[:, None] == found[None, :]
    assert likeness[same].mean() > likeness[~same].mean() + 0.4


def test_nobody_is_asked_about_with_a_picture_learned_from_and_no_stranger_is_enrolled(
    faces: Faces, both: list[Fold]
) -> None:
    first, again = (draws(faces, both[0], 5, 4, LEARN) for _ in range(2))
    assert [draw.learn.tolist() for draw in first] == [draw.learn.tolist() for draw in again]
    assert len({tuple(draw.people.tolist()) for draw in first}) == 4
    for draw in first:
        assert set(draw.learn).isdisjoint(draw.probes)
        assert np.array_equal(faces.person[draw.learn], draw.people[draw.learn_person])
        assert np.array_equal(faces.person[draw.probes], draw.people[draw.probe_person])
        assert set(faces.person[draw.strangers]).isdisjoint(draw.people.tolist())
        rows = np.concatenate([draw.learn, draw.probes, draw.strangers])
        assert sorted(rows.tolist()) == both[0].measured.tolist()


def test_where_there_are_too_few_people_there_is_no_gallery(faces: Faces, both: list[Fold]) -> None:
    assert draws(faces, both[0], PEOPLE, 3, LEARN) == []
    assert draws(faces, both[0], 5, 3, learn=8) == []


def test_a_stranger_counts_once_however_many_pictures_there_are(faces: Faces, both: list[Fold]) -> None:
    """Of two strangers one is the enrolled person's double; their many pictures are no more than half of it."""
    fold = both[0]
    mine = np.flatnonzero(np.bincount(faces.person[fold.measured]) >= 6)[0]
    places = fold.measured[faces.person[fold.measured] == mine]
    rows = normalise(np.r_[faces.looks["grey"][places[:6]], np.tile(-faces.looks["grey"][places[:1]], (3, 1))])
    person = np.array([0, 0, 0, 0, 0, 1, 2, 2, 2])
    small = Faces(("a", "double", "other"), person, {"grey": rows})
    fold = replace(fold, measured=np.arange(9), kind=np.array([4, 4, 7]))
    draw = Draw(np.array([0]), np.arange(3), np.zeros(3, int), np.arange(3, 5), np.zeros(2, int), np.arange(5, 9))
    found = measure(small, fold, draw, fold.space.metric.apply(rows), 0.01)
    assert found.fpir == pytest.approx(0.5)
    assert (found.kind_weight[4], found.kind_named[4]) == (pytest.approx(0.5), pytest.approx(0.5))
    assert (found.kind_weight[7], found.kind_named[7]) == (pytest.approx(0.5), 0)
    assert found.taken.tolist() == [pytest.approx(0.5)]
    assert found.nearest.tolist() == [pytest.approx(1.0)]
    assert (found.fnir, found.missed.tolist()) == (0.0, [0.0])
    assert found.dir < 1  # one stranger in a hundred may be named, and the double is half of all


def outcome(fold: str, fpir: float, kind_named: dict[int, float], **more) -> Outcome:
    named, weight = np.zeros(KINDS), np.full(KINDS, 1 / KINDS)
    for kind, share in kind_named.items():
        named[kind] = share / KINDS
    values = {
        "fnir": 0.25, "missed": np.array([0.0, 0.5]), "dir": 0.9, "taken": np.array([0.0, fpir]),
        "nearest": np.array([0.0, fpir]), "kind_of": np.array([0, 1]), "thinned": None,
    }  # fmt: skip
    return Outcome(fold=fold, target=0.01, fpir=fpir, kind_named=named, kind_weight=weight, **(values | more))


def test_the_worst_gallery_and_the_worst_kind_stand_beside_the_mean() -> None:
    rows = [outcome("a", 0.01, {0: 0.16}), outcome("a", 0.03, {0: 0.32, 1: 0.16}), outcome("b", 0.0, {})]
    kept = Kept.of("grey", False, rows)
    assert (kept.people, kept.galleries) == (2, 3)
    assert kept.mean == pytest.approx(4 / 3)
    assert (kept.worst, kept.most) == (pytest.approx(1.5), pytest.approx(3.0))
    assert kept.kind_most == pytest.approx(24)  # of two galleries of the fold together
    assert kept.kind == pytest.approx((24 + 8) / (2 * KINDS))
    assert kept.person == pytest.approx(3.0)
    assert (kept.fnir, kept.dir) == (pytest.approx(0.25), pytest.approx(0.9))


def test_of_thinned_kinds_only_their_own_strangers_are_told() -> None:
    rows = [outcome("a, kind 3", 0.01, {3: 0.05, 4: 0.9}, thinned=3), outcome("b, kind 5", 0.01, {3: 0.9}, thinned=5)]
    kept = Kept.of("grey", True, rows)
    assert (kept.kind, kept.kind_most) == (pytest.approx(2.5), pytest.approx(5.0))


def test_one_call_measures_cameras_sizes_thinned_kinds_and_groups(
    faces: Faces, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "PEOPLE", (1, 4))
    monkeypatch.setattr(rotation, "THINNED_GALLERY", 4)
    monkeypatch.setattr(rotation, "PICTURES", (1, 2))
    blind = faces.looks["grey"].copy()
    blind[::3] = 0  # nobody looked at these
    table, groups = rotation.kept(replace(faces, unfitted={"dark": blind}), 1, 2, 5, LEARN)
    rows = {(row.camera, row.thinned, row.people, row.target): row for row in table}
    sizes = [(False, 1), (False, 4), (True, 4)]
    assert set(rows) == {(c, *s, t) for c in ("grey", "colour") for s in sizes for t in rotation.TARGETS}
    assert rows["grey", False, 4, 0.01].galleries == 4
    assert all(row.fnir < 0.5 and row.mean < 10 for row in table)
    named = [(row.group, row.value) for row in groups]
    assert named[:5] == [
        ("camera", "grey"), ("camera", "colour"), ("camera", "dark"),
        ("pictures to learn from", "1"), ("pictures to learn from", "2"),
    ]  # fmt: skip
    assert sum(row.people for row in groups[5:]) == 2 * 2 * 2 * (1 + 4)  # of both halves, by their kind
    text = tables.rotation(table)
    assert text.count("\n") == len(table) + 1
    assert "| grey, one of a kind hardly seen | 4 | 0.1 |" in text
    assert tables.groups(groups).count("| camera |") == 3


def test_a_space_is_fitted_to_each_look_by_itself_and_ignores_pictures_without_a_face() -> None:
    faces = faces_of(400, seed=3)
    grey = faces.looks["grey"].copy()
    shifted = normalise(grey + np.eye(1, DIM, 5, dtype=np.float32) * 2)  # another camera, which moves everybody alike
    alone, together = (Space.fit(looks, faces.person, {"rule": "r"}) for looks in ([grey], [grey, shifted]))
    assert np.allclose(np.diag(together.metric.matrix), np.diag(alone.metric.matrix), rtol=0.35)
    assert together.metric.matrix[5, 5] > 0.7
    assert together.cohort.origin["metric"] == together.metric.digest
    blank = np.concatenate([grey, np.zeros_like(grey[:50])])
    same = Space.fit([blank], np.r_[faces.person, faces.person[:50]], {"rule": "r"})
    assert same.metric.digest == alone.metric.digest
