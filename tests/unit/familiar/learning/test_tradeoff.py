"""The DET curve of a head: it goes down where it goes to the right, and passes where the head is."""

import json

import numpy as np
import pytest

import crowd
from familiar.learning.cohort import Cohort
from familiar.learning.learned import learn
from familiar.learning.tradeoff import curve

TARGET = 0.001


@pytest.fixture(scope="module")
def learned():
    return learn(crowd.gallery(crowd.centres(20, seed=5), 10, spread=2 * crowd.SPREAD), crowd.STRANGERS, TARGET)


def test_a_looser_threshold_names_more_strangers_and_misses_fewer(learned):
    det = learned.metrics["det"]
    assert 8 < len(det["threshold"]) == len(det["fpir"]) == len(det["fnir"]) < 16
    assert det["threshold"] == sorted(det["threshold"], reverse=True)
    assert det["fpir"] == sorted(det["fpir"]) and det["fnir"] == sorted(det["fnir"], reverse=True)
    assert det["fpir"][0] < 0.0005 and det["fpir"][-1] == pytest.approx(0.5, rel=0.01)


def test_one_point_is_where_the_head_is(learned):
    det = learned.metrics["det"]
    place = int(np.argmin(np.abs(np.array(det["threshold"]) - learned.threshold)))
    assert det["threshold"][place] == pytest.approx(learned.threshold, rel=1e-4)
    assert det["fpir"][place] == pytest.approx(learned.metrics["fpir"]["value"], rel=0.02)
    assert det["fnir"][place] == pytest.approx(learned.metrics["fnir"]["value"], rel=1e-3)


def test_it_is_small_and_json_and_the_same_each_time(learned):
    again = learn(crowd.gallery(crowd.centres(20, seed=5), 10, spread=2 * crowd.SPREAD), crowd.STRANGERS, TARGET)
    written = json.dumps(learned.metrics["det"])
    assert json.loads(written) == again.metrics["det"] and len(written) < 600


def test_there_is_none_where_strangers_or_held_out_samples_are_missing():
    gallery = crowd.gallery(crowd.centres(5, seed=8), 10)
    assert learn(gallery, Cohort(crowd.DIM), TARGET).metrics["det"] is None
    assert learn(crowd.gallery(crowd.centres(3, seed=3), 1), crowd.STRANGERS, TARGET).metrics["det"] is None


def test_whoever_is_taken_for_somebody_else_is_missed_at_any_threshold():
    strangers, known = np.linspace(0, 1, 1000, dtype=np.float32), np.full(4, 2.0, np.float32)
    det = curve(strangers, known, np.array([True, True, True, False]), 0.9)
    assert det is not None and set(det["fnir"]) == {0.25}
    assert det["fpir"][det["threshold"].index(0.9)] == pytest.approx(0.1, abs=0.002)


def test_points_that_would_rest_on_a_handful_of_strangers_are_left_out():
    det = curve(np.linspace(0, 1, 200, dtype=np.float32), np.ones(4, np.float32), np.ones(4, np.bool_), 0.5)
    assert det is not None and min(det["fpir"]) == pytest.approx(0.05)
