"""Reunion: who is brought together in a second look, and that strangers are not."""

from itertools import pairwise

import numpy as np
import pytest

from familiar.knowing import normalise
from familiar.learning import Cohort, Mixture
from familiar_trainer import linkage, reunion
from familiar_trainer.reunion import people_among, reunited

DIM = 32
STRANGERS = Cohort(DIM, Mixture(np.ones(1), np.zeros((1, DIM)), np.eye(DIM)[None]))


def crowd(people: int, each: int, noise: float, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(seed)
    who = chance.permutation(np.repeat(np.arange(people), each))
    centres = normalise(chance.standard_normal((people, DIM)))
    return normalise(centres[who] + noise * normalise(chance.standard_normal((len(who), DIM)))), who


def shares(groups: np.ndarray, who: np.ndarray) -> tuple[float, float]:
    """Return (precision, recall) of pairs."""
    together, same = groups[:, None] == groups, who[:, None] == who
    upper = np.triu(np.ones_like(same), 1).astype(bool)
    both = (together & same & upper).sum()
    return float(both / max((together & upper).sum(), 1)), float(both / (same & upper).sum())


def test_the_second_look_finds_who_looked_too_different_at_first():
    rows, who = crowd(30, 12, noise=0.9)
    first = linkage.grouped(rows, STRANGERS.alike(reunion.FIRST_LOOK))
    pure, whole = shares(people_among(rows, STRANGERS), who)
    assert shares(first, who)[1] < 0.9 < 0.97 < whole
    assert pure > 0.99


def test_of_strangers_hardly_anybody_is_taken_for_somebody():
    rows, who = crowd(20, 8, noise=0.5)
    others = STRANGERS.strangers(500, seed=9)
    groups = reunited(np.concatenate([rows, others]), np.concatenate([who, 20 + np.arange(500)]), STRANGERS, 0.1)
    assert len(set(groups[:160].tolist())) == 20
    taken = sum(1 for group in groups[160:] if (groups == group).sum() > 1)
    assert taken <= 0.2 * 500  # a tenth by chance, and each pair of strangers is two


@pytest.mark.parametrize("taken", [0.001, 0.05, 0.5])
def test_no_group_is_taken_apart_and_more_is_taken_the_more_may_be(taken):
    rows, who = crowd(20, 6, noise=1.2)
    before = 3 * who + np.arange(len(rows)) % 3
    groups = reunited(rows, before, STRANGERS, taken)
    assert all(len(set(groups[before == group].tolist())) == 1 for group in set(before.tolist()))
    counts = [len(set(reunited(rows, before, STRANGERS, share).tolist())) for share in (0.0001, taken, 0.9)]
    assert all(more >= fewer for more, fewer in pairwise(counts))


def test_groups_are_numbered_from_none_on_and_the_same_every_time():
    rows, who = crowd(10, 6, noise=1.0)
    groups = reunited(rows, 7 + 5 * who, STRANGERS)
    assert sorted(set(groups.tolist())) == list(range(groups.max() + 1))
    assert (groups == reunited(rows, 7 + 5 * who, STRANGERS)).all()


def test_in_blocks_it_comes_to_the_same(monkeypatch):
    rows, _ = crowd(25, 8, noise=1.0)
    groups = people_among(rows, STRANGERS)
    monkeypatch.setattr(reunion, "_PROTOTYPES", 7)
    monkeypatch.setattr(reunion, "_ROWS", 5)
    assert (groups == people_among(rows, STRANGERS)).all()


def test_parts_that_were_looked_at_apart_find_each_other(monkeypatch):
    rows, who = crowd(12, 20, noise=0.9)
    monkeypatch.setattr(linkage, "MOST_AT_ONCE", 40)
    pure, whole = shares(people_among(rows, STRANGERS), who)
    assert pure > 0.99 and whole > 0.95


def test_where_more_groups_are_elsewhere_less_is_taken():
    rows, _ = crowd(20, 6, noise=1.2)
    singles = np.arange(len(rows))
    few = len(set(reunited(rows, singles, STRANGERS, 0.1).tolist()))
    assert few < len(set(reunited(rows, singles, STRANGERS, 0.1, among=100_000).tolist()))
    assert few == len(set(reunited(rows, singles, STRANGERS, 0.1, among=3).tolist()))


def test_whom_nobody_knows_strangers_of_stay_as_they_were_found():
    rows, who = crowd(5, 4, noise=0.9)
    assert (reunited(rows, who + 3, Cohort(DIM)) == who).all()


def test_none_and_one_are_somebody_too():
    assert people_among(np.zeros((0, DIM), np.float32), STRANGERS).tolist() == []
    assert people_among(np.eye(DIM, dtype=np.float32)[:1], STRANGERS).tolist() == [0]
