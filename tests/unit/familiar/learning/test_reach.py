"""How near strangers come to most people, and what few or like pictures take away from it."""

import numpy as np
import pytest

import crowd
from familiar.knowing import normalise
from familiar.learning import Gallery, Row, metric, promise
from familiar.learning.cohort import load
from familiar.learning.learned import learn
from familiar.learning.reach import Reach

PEOPLE, PICTURES = 60, 12


def sums_of(centres: np.ndarray, pictures: int, days: int) -> np.ndarray:
    """Return the sums of pictures of people, taken on so many days; on one day somebody hardly changes."""
    sums = np.zeros_like(centres)
    for i, centre in enumerate(centres):
        looks = crowd.faces(centre, days, 500 + i)
        for day, look in enumerate(looks):
            sums[i] += crowd.faces(look, pictures // days, 9_000 + 31 * i + day, spread=0.001).sum(axis=0)
    return sums


def test_it_is_measured_on_people_as_if_each_were_known_by_many_pictures() -> None:
    centres = crowd.centres(PEOPLE, seed=61)
    few, many = (
        promise.usual_reach(sums_of(centres, count, count), np.full(PEOPLE, count), crowd.STRANGERS)
        for count in (3, PICTURES)
    )
    assert few.level == pytest.approx(many.level, abs=0.003)
    assert few.scatter == pytest.approx(crowd.SPREAD**2 * crowd.DIM, rel=0.25)
    assert many.at(0.001) == many.level < many.at(0.0001) == pytest.approx(many.level + many.step)


@pytest.mark.parametrize(("pictures", "days"), [(1, 1), (2, 2), (PICTURES, 1), (PICTURES, 3), (PICTURES, PICTURES)])
def test_a_mean_of_few_or_like_pictures_is_less_like_everybody_by_just_so_much(pictures: int, days: int) -> None:
    centres = crowd.centres(PEOPLE, seed=62)
    sums = sums_of(centres, pictures, days)
    scatter = crowd.SPREAD**2 * crowd.DIM
    foretold = Reach(0.96, 0.006, scatter).faded(sums, np.full(PEOPLE, pictures))
    seen = (normalise(sums) * centres).sum(axis=1)
    assert np.median(foretold) == pytest.approx(np.median(seen), abs=0.002)


@pytest.mark.parametrize("people", [1, 3, 30])
@pytest.mark.parametrize("away", [0.0, 1.0], ids=["anywhere", "opposite to everybody"])
def test_people_whom_no_stranger_resembles_are_known_and_keep_nobody_else_from_it(people: int, away: float) -> None:
    cohort = load("face_resnet", 128, metric.load("face_resnet").digest)
    chance = np.random.default_rng(1)
    strangers = cohort.strangers(20_000, seed=5)
    rows = []
    for number in range(people):
        centre = chance.normal(size=128) - away * 40 * strangers.mean(axis=0)
        looks = normalise((centre + 0.05 * chance.normal(size=(30, 128))).astype(np.float32))
        rows += [Row(str(number), f"e{number}", float(i), look, f"{number}-{i}", None) for i, look in enumerate(looks)]
    gallery = Gallery.from_rows(rows)
    learned = learn(gallery, cohort, 0.001)
    head = learned.head
    assert 0 < learned.threshold < 1 and (np.linalg.norm(head.prototypes, axis=1) > 0).all()
    own = (gallery.embeddings * head.prototypes[gallery.person]).sum(axis=1)
    assert (own >= head.thresholds[gallery.person]).mean() > 0.99
    named = (strangers @ head.prototypes.T >= head.thresholds).any(axis=1).mean()
    assert named < 0.002
