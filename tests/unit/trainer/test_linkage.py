"""Linkage: who is grouped with whom, also of many, and which names groups keep."""

import numpy as np
import pytest

from familiar.knowing import normalise
from familiar_trainer import linkage
from familiar_trainer.linkage import grouped, rename


def crowd(people: int, each: int, noise: float = 0.1) -> tuple[np.ndarray, np.ndarray]:
    chance = np.random.default_rng(0)
    who = chance.permutation(np.repeat(np.arange(people), each))
    centres = normalise(chance.standard_normal((people, 64)))
    return normalise(centres[who] + noise * normalise(chance.standard_normal((len(who), 64)))), who


def same(groups: np.ndarray, who: np.ndarray) -> bool:
    pairs = {(group, person) for group, person in zip(groups.tolist(), who.tolist(), strict=True)}
    return len(pairs) == len(set(groups.tolist())) == len(set(who.tolist()))


def test_alike_faces_are_one_group_and_others_are_not():
    rows, who = crowd(20, 6)
    assert same(grouped(rows, 0.8), who)
    assert len(set(grouped(rows, 0.9999).tolist())) == len(rows)
    assert set(grouped(rows, -1.0).tolist()) == {0}


def test_none_and_one_are_grouped_too():
    assert grouped(np.zeros((0, 8), np.float32), 0.5).tolist() == []
    assert grouped(np.ones((1, 8), np.float32), 0.5).tolist() == [0]


def test_more_than_are_compared_at_once_come_to_the_same_groups(monkeypatch):
    rows, who = crowd(12, 10)
    monkeypatch.setattr(linkage, "MOST_AT_ONCE", 32)
    assert same(grouped(rows, 0.8), who)
    monkeypatch.setattr(linkage, "MOST_AT_ONCE", 13)  # fewer than there are groups of parts
    groups = grouped(rows, 0.8)
    assert all(len(set(who[groups == group].tolist())) == 1 for group in set(groups.tolist()))


@pytest.mark.parametrize("groups, names, kept, merged, split", [
    ([0, 0, 1], ["a", None, "b"], {0: "a", 1: "b"}, {}, []),
    ([0, 0, 0], ["a", "b", "b"], {0: "b"}, {"a": 0}, []),
    ([0, 0], ["b", "a"], {0: "a"}, {"b": 0}, []),
    ([0, 1, 1], ["a", "a", "a"], {1: "a"}, {}, [(0, "a", 1)]),
    ([0, 0, 0, 1, 1, 1], ["a", "a", "b", "b", "b", None], {0: "a", 1: "b"}, {}, [(0, "b", 1)]),
    ([0, 1, 0], [None, None, None], {}, {}, []),
])  # fmt: skip
def test_a_name_stays_where_most_of_its_rows_are(groups, names, kept, merged, split):
    told = rename(groups, names)
    assert (dict(told.kept), dict(told.merged), list(told.split)) == (kept, merged, split)
