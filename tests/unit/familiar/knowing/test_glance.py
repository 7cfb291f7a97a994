"""When a head's answer to a glance may be trusted."""

import numpy as np
import pytest

from familiar.knowing import is_sure

THRESHOLD, MARGIN = 0.6, 0.1


def sure(*scores: float, known: bool | None = None, threshold: float = THRESHOLD, margin: float = MARGIN) -> bool:
    """Ask about one face with these candidates."""
    index = np.full((1, 5), -1, np.int32)
    score = np.full((1, 5), -1.0, np.float32)
    index[0, : len(scores)], score[0, : len(scores)] = range(len(scores)), scores
    named = bool(scores) and scores[0] >= threshold if known is None else known
    return bool(is_sure(index, score, np.array([named]), threshold, margin)[0])


@pytest.mark.parametrize("scores", [(0.75,), (0.75, 0.4), (0.45,), (0.45, 0.44), (-0.5, -0.6), ()])
def test_what_is_far_from_any_other_decision_is_sure(scores):
    assert sure(*scores)


@pytest.mark.parametrize("scores", [(0.6,), (0.65,), (0.55,), (0.6, 0.1)])
def test_near_the_threshold_on_either_side_nothing_is_sure(scores):
    assert not sure(*scores)


def test_of_two_people_who_are_much_alike_neither_is_named_at_a_glance():
    assert not sure(0.9, 0.85)
    assert sure(0.9, 0.7)


@pytest.mark.parametrize(("score", "known"), [(0.9, False), (0.3, True)])
def test_a_head_that_decided_by_another_threshold_is_not_trusted(score, known):
    assert not sure(score, known=known)


@pytest.mark.parametrize("place", ["score", "runner-up", "threshold", "margin"])
def test_what_is_no_number_is_never_sure(place):
    nan = float("nan")
    assert not sure(
        nan if place == "score" else 0.9,
        nan if place == "runner-up" else 0.1,
        known=True,
        threshold=nan if place == "threshold" else THRESHOLD,
        margin=nan if place == "margin" else MARGIN,
    )


def test_a_head_that_names_somebody_it_has_no_candidate_for_is_not_trusted():
    assert not sure(known=True)


def test_whatever_is_sure_stays_the_same_decision_while_scores_move_by_less_than_half_the_margin():
    rng = np.random.default_rng(0)
    score = rng.uniform(0.3, 0.9, (4000, 5)).astype(np.float32)
    score = -np.sort(-score, axis=1)
    index = np.tile(np.arange(5, dtype=np.int32), (len(score), 1))
    trusted = is_sure(index, score, score[:, 0] >= THRESHOLD, THRESHOLD, MARGIN)
    assert 0.1 < trusted.mean() < 0.9
    moved = score + rng.uniform(-MARGIN / 2, MARGIN / 2, score.shape)
    named = np.where(score[:, 0] >= THRESHOLD, 0, -1)
    afterwards = np.where(moved.max(axis=1) >= THRESHOLD, moved.argmax(axis=1), -1)
    assert (named == afterwards)[trusted].all()
    assert not (named == afterwards)[~trusted].all()
