from dataclasses import replace

import numpy as np
import pytest

import crowd
from familiar.knowing.embedding import normalise
from familiar.learning.cohort import Cohort, load
from familiar.learning.mixture import Mixture
from familiar.learning.reach import Reach


def two_clusters(count=400, seed=0):
    rng = np.random.default_rng(seed)
    centre = np.where(np.arange(count)[:, None] % 2, [[1.0, 0, 0, 0]], [[0, 1.0, 0, 0]])
    return (centre + 0.05 * rng.standard_normal((count, 4))).astype(np.float32)


def test_a_mixture_finds_the_clusters_it_was_fitted_to():
    mixture = Mixture.fit(two_clusters(), components=2, shrinkage=5)
    assert np.allclose(mixture.weights, 0.5, atol=0.02)
    order = np.argsort(mixture.means[:, 0])
    assert np.allclose(mixture.means[order], [[0, 1, 0, 0], [1, 0, 0, 0]], atol=0.02)
    variance = np.einsum("kij,kij->ki", mixture.factors, mixture.factors)
    assert np.allclose(variance, 0.05**2, rtol=0.3)


def test_samples_of_a_mixture_have_its_mean_and_spread():
    rows = two_clusters()
    drawn = Mixture.fit(rows, components=2, shrinkage=5).sample(20_000)
    assert np.allclose(drawn.mean(axis=0), rows.mean(axis=0), atol=0.02)
    assert np.allclose(np.cov(drawn.T), np.cov(rows.T), atol=0.01)


def test_fewer_degrees_of_freedom_mean_heavier_tails():
    mixture = Mixture.fit(two_clusters(), components=1, shrinkage=5)
    far = [np.abs(replace(mixture, freedom=f).sample(50_000)[:, 2]).max() for f in (np.inf, 5.0)]
    assert far[1] > 1.5 * far[0]


def test_the_way_down_leads_away_from_the_nearest_cluster():
    mixture = Mixture.fit(two_clusters(), components=2, shrinkage=5)
    beside = np.array([[1.0, 0, 0, 0.3], [0, 1.0, 0.3, 0]], np.float32)
    assert np.allclose(mixture.descent(beside, blur=1.0, shrinkage=0.5), np.eye(4)[[3, 2]], atol=0.35)


def test_the_way_down_is_the_same_for_many_rows_as_for_each_and_follows_the_shrinkage_asked_for():
    mixture = Mixture.fit(two_clusters(), components=2, shrinkage=5)
    rows = normalise(np.random.default_rng(1).standard_normal((2_500, 4)).astype(np.float32))
    ways = {shrinkage: mixture.descent(rows, blur=0.1, shrinkage=shrinkage) for shrinkage in (0.3, 0.9, 0.3)}
    for shrinkage, way in ways.items():
        asked_anew = replace(mixture)  # which remembers nothing
        pieces = [asked_anew.descent(rows[at : at + 700], blur=0.1, shrinkage=shrinkage) for at in range(0, 2_500, 700)]
        assert np.allclose(np.concatenate(pieces), way, atol=1e-5)
    assert not np.allclose(ways[0.3], ways[0.9], atol=1e-2)
    assert mixture.descent(rows[:0], blur=0.1, shrinkage=0.3).shape == (0, 4)


def test_a_component_never_describes_a_handful_of_people():
    with pytest.raises(ValueError, match="at least 80 rows, got 40"):
        Mixture.fit(two_clusters(40), components=4, shrinkage=5)


def test_the_same_seed_draws_the_same_strangers():
    cohort = crowd.STRANGERS
    assert np.array_equal(cohort.strangers(100, seed=3), replace(cohort).strangers(100, seed=3))
    assert cohort.strangers(100, seed=3) is cohort.strangers(100, seed=3)
    assert not np.array_equal(cohort.strangers(100, seed=3), cohort.strangers(100, seed=4))


def test_strangers_are_unit_vectors():
    strangers = crowd.STRANGERS.strangers(500)
    assert strangers.shape == (500, 128) and strangers.dtype == np.float32
    assert np.allclose(np.linalg.norm(strangers, axis=1), 1, atol=1e-5)


def test_the_shipped_cohort_says_whom_it_was_fitted_to_and_averages_many():
    cohort = crowd.STRANGERS
    assert cohort.fitted and "LFW" in cohort.origin["rule"]
    assert cohort.mixture.weights.min() * cohort.origin["strangers"] > 20


@pytest.mark.parametrize(
    ("name", "dim"),
    [("somebody_elses", 128), ("/models/mine", 128), ("../cohorts/face_resnet", 128), ("face_resnet", 64)],
)
def test_a_backbone_without_a_cohort_gets_one_that_promises_nothing(name, dim):
    cohort = load(name, dim, crowd.METRIC)
    assert cohort.dim == dim and not cohort.fitted
    with pytest.raises(ValueError, match="nothing is known of strangers"):
        cohort.strangers(10)


@pytest.mark.parametrize("metric", ["", "0" * 64])
def test_strangers_in_another_metric_are_not_taken_for_those_of_a_backbone(metric):
    assert load(crowd.BACKBONE, 128, crowd.METRIC).fitted
    assert not load(crowd.BACKBONE, 128, metric).fitted


def test_a_cohort_survives_the_round_trip_through_bytes():
    mixture = Mixture.fit(two_clusters(), components=2, shrinkage=5)
    cohort = Cohort(4, mixture, Reach(0.5, 0.25, 0.125), {"strangers": 400})
    again = Cohort.from_bytes(cohort.to_bytes())
    assert (again.origin, again.reach) == (cohort.origin, cohort.reach)
    assert Cohort.from_bytes(Cohort(4, mixture).to_bytes()).reach is None
    assert np.allclose(again.mixture.factors, cohort.mixture.factors, rtol=1e-3, atol=1e-6)
    assert np.allclose(normalise(again.strangers(50)), cohort.strangers(50), atol=1e-3)


@pytest.mark.parametrize("data", [b"", b"not a zip", Cohort(4, Mixture.fit(two_clusters(), 1, 5)).to_bytes()[:200]])
def test_bytes_that_are_no_cohort_are_refused(data):
    with pytest.raises(ValueError, match="not a cohort"):
        Cohort.from_bytes(data)
