"""Which pictures do not show the person whom the others show, and whether somebody waits to be learned from others."""

import numpy as np
import pytest

import crowd
from familiar.knowing import normalise
from familiar.learning import Cohort, Gallery, Mixture, share_named, strays
from familiar.learning.prototypes import Material

DIM = 64
STRANGERS = Cohort(DIM, Mixture(np.ones(1), np.zeros((1, DIM)), np.eye(DIM)[None]))
"""Who may look like anything."""
NOBODY = np.zeros((0, DIM), np.float32)


def of(person: int, count: int, seed: int = 0) -> np.ndarray:
    """Return pictures float32[count, DIM] of one of ``DIM`` people of whom no two look alike."""
    noise = np.random.default_rng([person, seed]).standard_normal((count, DIM)).astype(np.float32)
    return normalise(np.eye(DIM, dtype=np.float32)[person] + 0.1 * noise)


def mixed(*counts: int, first: int = 0, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    """Return pictures of as many people as there are counts, shuffled, and int[N]: which of them each one shows."""
    rows = np.concatenate([of(first + who, count) for who, count in enumerate(counts)])
    who = np.repeat(np.arange(len(counts)), counts)
    order = np.random.default_rng(seed).permutation(len(rows))
    return rows[order], who[order]


@pytest.mark.parametrize("count", [1, 2, 5, 10, 40, 150])
def test_pictures_of_one_person_are_all_of_them(count):
    for person in range(DIM if count <= 10 else 2):
        assert not len(strays(of(person, count), NOBODY, STRANGERS))
        assert not len(strays(of(person, count), of(person, 7, seed=1), STRANGERS))


@pytest.mark.parametrize(
    "counts",
    [(9, 1), (4, 1), (8, 2), (5, 3), (6, 5), (40, 1), (100, 50), (6, 4, 3), (10, 1, 1, 1), (7, 2, 2), (5, 4, 4, 4)],
)
def test_pictures_of_anybody_else_are_found_wherever_they_stand(counts):
    for first in range(0, 12, 3):
        rows, who = mixed(*counts, first=first, seed=first)
        assert strays(rows, NOBODY, STRANGERS).tolist() == np.flatnonzero(who != 0).tolist()


@pytest.mark.parametrize("counts", [(8, 8), (1, 1), (5, 5, 5), (2, 2)])
def test_of_several_as_many_the_first_to_come_is_the_person(counts):
    rows, who = mixed(*counts, seed=3)
    assert strays(rows, NOBODY, STRANGERS).tolist() == np.flatnonzero(who != who[0]).tolist()


@pytest.mark.parametrize("counts", [(0, 10), (1, 10), (10, 10), (0, 1), (10, 1), (2, 4, 4)])
@pytest.mark.parametrize("stored", [1, 5, 60])
def test_whoever_is_added_to_is_the_person_however_many_others_come(counts, stored):
    for first in range(0, 12, 6):
        rows, who = mixed(*counts, first=first)
        own = of(first, stored, seed=2)
        assert strays(rows, own, STRANGERS).tolist() == np.flatnonzero(who != 0).tolist()


def test_without_the_strays_there_are_none():
    rows, _ = mixed(7, 4, 2)
    left = np.delete(rows, strays(rows, NOBODY, STRANGERS), axis=0)
    assert not len(strays(left, NOBODY, STRANGERS))


def test_a_single_stray_is_left_out_by_a_training_too():
    for first in range(0, 14, 2):
        rows, who = mixed(9, 1, first=first)
        gallery = Gallery.from_rows(("p", "capture", float(at), row) for at, row in enumerate(rows))
        dropped = np.flatnonzero(~Material.of(gallery, STRANGERS).used)
        assert dropped.tolist() == strays(rows, NOBODY, STRANGERS).tolist() == np.flatnonzero(who).tolist()


def test_a_cohort_that_is_not_fitted_tells_nothing():
    rows, _ = mixed(5, 5)
    assert not len(strays(rows, NOBODY, Cohort(DIM)))
    assert not len(strays(rows[:0], NOBODY, STRANGERS))
    assert share_named(of(0, 5), of(0, 5, seed=1), Cohort(DIM), 0.001) == 0
    assert share_named(of(0, 5), NOBODY, STRANGERS, 0.001) == share_named(NOBODY, of(0, 5), STRANGERS, 0.1) == 0


def test_most_pictures_of_somebody_who_waits_are_named_and_next_to_none_of_others():
    own = [share_named(of(who, 10), of(who, 10, seed=1), STRANGERS, 0.001) for who in range(16)]
    others = [share_named(of(who, 10), of((who + 1) % 16, 10, seed=1), STRANGERS, 0.001) for who in range(16)]
    assert min(own) > 0.5
    assert max(others) < 0.5 and np.mean(others) < 0.01


def test_of_people_who_are_as_alike_as_people_are_next_to_all_strangers_are_found_and_nobody_is_asked_in_vain():
    people = crowd.centres(40, seed=19)
    none, asked, found = np.zeros((0, crowd.DIM), np.float32), 0, []
    for number, centre in enumerate(people):
        rows = crowd.faces(centre, 10, 1_000 + number)
        asked += len(strays(rows, none, crowd.STRANGERS)) > 0
        other = crowd.faces(people[number - 1], 4, 2_000 + number)
        found.append(len(strays(np.concatenate([rows, other]), none, crowd.STRANGERS)) == 4)
    assert asked == 0
    assert np.mean(found) > 0.9
