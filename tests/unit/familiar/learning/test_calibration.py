import numpy as np
import pytest

import crowd
from familiar.learning.calibration import Rate, quantiles, tail_quantile
from familiar.learning.rivals import highest


def test_an_interval_holds_the_share_and_narrows_with_more_cases():
    few, many = Rate.of(1, 100), Rate.of(100, 10_000)
    assert few.value == many.value == 0.01
    assert few.low < many.low < 0.01 < many.high < few.high


def test_no_hits_still_leave_a_doubt():
    rate = Rate.of(0, 1000)
    assert rate.value == rate.low == 0
    assert 0.003 < rate.high < 0.004


def test_no_cases_say_nothing():
    assert Rate.of(0, 0) == Rate(0.0, 0.0, 1.0, 0)


@pytest.mark.parametrize("share", [0.3, 0.01, 0.001, 0.0001])
def test_the_tail_is_met_even_where_few_samples_reach(share):
    scores = np.random.default_rng(0).exponential(size=(3, 20_000))
    assert np.allclose(tail_quantile(scores, share), -np.log(share), rtol=0.1)


def test_several_shares_at_once_are_answered_as_each_by_itself():
    scores = np.random.default_rng(0).normal(size=(3, 5_000))
    shares = (0.2, 0.001, 0.04)
    together = tail_quantile(scores, shares)
    assert together.shape == (3, 3)
    assert np.allclose(together, [tail_quantile(scores, share) for share in shares])
    assert np.allclose(tail_quantile(scores[0], shares), together[:, 0])


def test_the_tail_of_one_row_is_that_of_a_vector():
    scores = np.random.default_rng(0).normal(size=5000)
    assert tail_quantile(scores, 0.001) == pytest.approx(tail_quantile(scores[None], 0.001)[0])


def test_a_light_tail_is_erred_on_to_the_safe_side():
    scores = np.random.default_rng(0).normal(size=20_000)
    assert tail_quantile(scores, 1e-5) > 4.265  # the true quantile


def test_a_single_score_is_its_own_quantile():
    assert tail_quantile(np.array([0.5]), 0.001) == 0.5


def test_comparing_in_chunks_changes_nothing():
    people, strangers = crowd.centres(1100, seed=1), crowd.STRANGERS.strangers(4000)
    direct = strangers @ people.T
    assert np.allclose(highest(strangers, people), direct.max(axis=1), atol=1e-5)
    assert np.allclose((direct > quantiles(strangers, people, 0.01)).mean(axis=0), 0.01, atol=0.005)


def test_nobody_is_compared_with_nobody():
    strangers = crowd.STRANGERS.strangers(10)
    nobody = np.zeros((0, crowd.DIM), np.float32)
    assert (highest(strangers, nobody) == -np.inf).all()
    assert quantiles(strangers, nobody, 0.01).shape == (0,)
