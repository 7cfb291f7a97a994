import numpy as np
import pytest

import crowd
from familiar.knowing.embedding import normalise
from familiar.learning.metric import Metric, load

PEOPLE, PICTURES, DIM = 400, 5, 16


def pictures(seed=0, along=0.5, towards=2.0):
    """Return rows of people, whose own pictures differ along the first direction above all, and who is on each."""
    rng = np.random.default_rng(seed)
    person = np.repeat(np.arange(PEOPLE), PICTURES)
    centres = normalise(rng.standard_normal((PEOPLE, DIM)) + towards)
    scatter = np.full(DIM, 0.05)
    scatter[0] = along
    return normalise(centres[person] + scatter * rng.standard_normal((len(person), DIM))), person


def told_apart(rows, person):
    """Return how often a picture is more like its person's others than like anybody else's."""
    means = normalise(np.stack([rows[person == one].mean(axis=0) for one in range(PEOPLE)]))
    return float(((rows @ means.T).argmax(axis=1) == person).mean())


def test_what_differs_between_pictures_of_a_person_counts_less_and_unseen_people_are_told_apart_better():
    metric = Metric.fit(*pictures(seed=0))
    assert metric.matrix[0, 0] < 0.7 * np.median(np.diag(metric.matrix)[1:])
    rows, person = pictures(seed=1)
    assert told_apart(metric.apply(rows), person) > told_apart(rows, person) + 0.1


def test_where_all_directions_differ_alike_nothing_is_changed():
    rows, person = pictures(along=0.05, towards=0.0)
    assert np.allclose(Metric.fit(rows, person).apply(rows), rows, atol=0.03)


def test_people_with_one_picture_teach_nothing():
    rows, person = pictures()
    loners = normalise(np.random.default_rng(9).standard_normal((50, DIM)))
    more = Metric.fit(np.concatenate([rows, loners]), np.r_[person, PEOPLE + np.arange(50)])
    assert np.allclose(more.matrix, Metric.fit(rows, person).matrix, atol=1e-6)
    with pytest.raises(ValueError, match="nobody has two"):
        Metric.fit(loners, np.arange(50))


def test_embeddings_have_length_1_afterwards_and_what_is_none_stays_none():
    metric = Metric.fit(*pictures())
    rows = np.ones((4, DIM), np.float32)
    rows[1], rows[2, 3] = 0, np.nan
    assert np.linalg.norm(metric.apply(rows), axis=1).tolist() == pytest.approx([1, 0, 0, 1])


def test_a_metric_survives_the_round_trip_and_another_one_has_another_digest():
    metric = Metric.fit(*pictures(), origin={"rule": "everybody"})
    again = Metric.from_bytes(metric.to_bytes())
    assert (again.digest, again.origin) == (metric.digest, {"rule": "everybody"})
    assert np.array_equal(again.matrix, metric.matrix)
    assert Metric.fit(*pictures(seed=2)).digest != metric.digest


@pytest.mark.parametrize("data", [b"", b"not a zip", Metric(np.eye(3, dtype=np.float32)).to_bytes()[:100]])
def test_bytes_that_are_no_metric_are_refused(data):
    with pytest.raises(ValueError, match="not a metric"):
        Metric.from_bytes(data)


def test_a_metric_is_square():
    with pytest.raises(ValueError, match=r"\[D, D\]"):
        Metric(np.zeros((3, 4), np.float32))


def test_the_shipped_metric_says_what_it_was_fitted_to_and_nobody_elses_backbone_gets_it():
    assert load(crowd.BACKBONE).dim == crowd.DIM and "LFW" in load(crowd.BACKBONE).origin["rule"]
    assert load("mobilenet_v2_imagenet") is None
    assert load("/models/face_resnet") is None
