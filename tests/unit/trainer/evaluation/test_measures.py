import numpy as np
import pytest

from familiar_trainer.evaluation import measures

KNOWN = np.array([0.9, 0.8, 0.7, 0.6])
RIGHT = np.array([True, True, False, True])
STRANGERS = np.array([0.75, 0.5, 0.4, 0.3, 0.2, 0.1, 0.05, 0.04, 0.03, 0.02])


def test_nobody_above_the_threshold_is_more_than_the_share_allows() -> None:
    rng = np.random.default_rng(0)
    for share in (0.0, 0.001, 0.01, 0.1, 0.5):
        scores = rng.standard_normal(1234)
        threshold = measures.threshold_at(scores, share)
        assert (scores > threshold).mean() <= share
        assert (scores >= threshold).mean() > share


def test_dir_counts_right_names_above_the_strangers() -> None:
    assert measures.dir_at_far(KNOWN, RIGHT, STRANGERS, 0.0) == 0.5
    assert measures.dir_at_far(KNOWN, RIGHT, STRANGERS, 0.1) == 0.75


def test_a_probe_without_a_face_is_a_miss_and_never_a_hit() -> None:
    known = np.array([0.9, -np.inf])
    right = np.array([True, False])
    assert measures.dir_at_far(known, right, np.full(10, -np.inf), 0.1) == 0.5
    assert measures.auroc(known, np.array([0.1, 0.2])) == 0.5


def test_auroc_is_the_chance_that_the_known_one_scores_higher() -> None:
    assert measures.auroc(np.array([2.0, 3.0]), np.array([0.0, 1.0])) == 1.0
    assert measures.auroc(np.array([0.0, 1.0]), np.array([2.0, 3.0])) == 0.0
    assert measures.auroc(np.array([1.0]), np.array([1.0])) == 0.5
    rng = np.random.default_rng(1)
    known, strangers = rng.integers(0, 20, 200) + 4.0, rng.integers(0, 20, 300) * 1.0
    by_hand = np.mean([(k > s) + (k == s) / 2 for k in known for s in strangers])
    assert measures.auroc(known, strangers) == pytest.approx(by_hand)


def test_macro_rank_1_counts_every_person_the_same() -> None:
    right = np.array([True] * 9 + [False])
    person = np.array([0] * 9 + [1])
    assert measures.rank_1(right) == 0.9
    assert measures.macro_rank_1(right, person) == 0.5


def test_the_det_curve_passes_the_points_that_dir_gives() -> None:
    fpir, fnir = measures.det(KNOWN, RIGHT, STRANGERS)
    assert fpir[0] == 0
    assert fnir[0] == 1 - measures.dir_at_far(KNOWN, RIGHT, STRANGERS, 0.0)
    assert fnir[1] == 1 - measures.dir_at_far(KNOWN, RIGHT, STRANGERS, 0.1)
    assert (np.diff(fnir) <= 0).all()


def test_pairs_are_judged_by_a_threshold_of_the_other_folds() -> None:
    rng = np.random.default_rng(2)
    same = np.tile([True, False], 500)
    cosine = np.where(same, 0.9, 0.1) + rng.normal(0, 0.05, 1000)
    fold = np.arange(1000) * 10 // 1000
    found = measures.verification(cosine, same, fold)
    assert found.accuracy == 1
    assert found.tar_at_far_01 == 1
    assert found.missing == 0
    cosine[fold == 3] = rng.random(100)  # one fold is noise: its own threshold would do better than the others'
    assert 0.9 < measures.verification(cosine, same, fold).accuracy < 0.97
    cosine[:10] = -np.inf
    assert measures.verification(cosine, same, fold).missing == 10


def test_the_spread_of_one_seed_is_zero() -> None:
    assert measures.Spread.of([0.5]) == measures.Spread(0.5, 0.0)
    assert measures.Spread.of([0.4, 0.6]).sd == pytest.approx(0.1414, abs=1e-4)


def test_pairs_of_one_group_and_of_one_person_are_counted_once_each() -> None:
    people = np.array([0, 0, 0, 1, 1])
    assert measures.pairwise(people, people) == (1.0, 1.0)
    assert measures.pairwise(np.array([0, 0, 1, 2, 2]), people) == (1.0, 2 / 4)  # one person lies apart
    assert measures.pairwise(np.array([0, 0, 0, 0, 1]), people) == (3 / 6, 3 / 4)  # and one with others
    assert measures.pairwise(np.arange(5), people) == (0.0, 0.0)
