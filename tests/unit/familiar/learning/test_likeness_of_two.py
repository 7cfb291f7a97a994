"""Two pictures compared against strangers of whom everything is known."""

import math

import numpy as np
import pytest

from familiar.knowing import normalise
from familiar.learning import Cohort, Mixture, compare
from familiar.learning.calibration import share_above

DIM = 32
ANYWHERE = Cohort(DIM, Mixture(np.ones(1), np.zeros((1, DIM)), np.eye(DIM)[None]))


def pair(cosine: float) -> tuple[np.ndarray, np.ndarray]:
    first, second = np.zeros(DIM, np.float32), np.zeros(DIM, np.float32)
    first[0], second[0], second[1] = 1.0, cosine, math.sqrt(1 - cosine**2)
    return first, second


@pytest.mark.parametrize("target", [0.05, 0.01, 0.001])
def test_of_strangers_no_more_are_taken_for_the_same_than_was_said(target: float) -> None:
    threshold = compare(*pair(0.5), ANYWHERE, target).threshold
    strangers = normalise(np.random.default_rng(5).standard_normal((200_000, DIM)).astype(np.float32))
    share = float((strangers @ pair(0.5)[0] >= threshold).mean())
    assert target / 1.5 < share < 1.5 * target


@pytest.mark.parametrize("cosine", [0.1, 0.3, 0.4])
def test_the_share_of_strangers_as_alike_is_that_of_strangers(cosine: float) -> None:
    told = compare(*pair(cosine), ANYWHERE, 0.001)
    strangers = normalise(np.random.default_rng(5).standard_normal((400_000, DIM)).astype(np.float32))
    share = float((strangers @ pair(cosine)[0] >= cosine).mean())
    assert share / 2 < told.expected < 2 * share
    assert told.same is (cosine >= told.threshold)


def test_the_more_alike_the_fewer_strangers_are_and_never_none() -> None:
    shares = [compare(*pair(cosine), ANYWHERE, 0.001).expected for cosine in (0.0, 0.3, 0.5, 0.7, 0.9, 1.0)]
    assert shares == sorted(shares, reverse=True) and 0 < shares[-1] < 1e-5 and shares[0] > 0.4


@pytest.mark.parametrize("target", [1e-3, 1e-6, 1e-12])
def test_a_picture_is_itself_however_few_strangers_may_be_taken_for_it(target: float) -> None:
    told = compare(*pair(1.0), ANYWHERE, target)
    assert told.same and told.threshold < 1


def test_without_strangers_nothing_is_told() -> None:
    with pytest.raises(ValueError, match="nothing is known of strangers"):
        compare(*pair(0.5), Cohort(DIM), 0.001)


def test_of_few_or_equal_scores_the_share_is_counted() -> None:
    assert share_above(np.array([0.1, 0.2, 0.3]), 0.15) == pytest.approx(2 / 3)
    assert share_above(np.full(100, 0.5), 0.4) == 1.0
    assert share_above(np.full(100, 0.5), 0.6) == 0.0
