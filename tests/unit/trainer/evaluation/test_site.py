"""Another camera than the cohort's, simulated, before people who are simulated too."""

from pathlib import Path

import numpy as np

import crowd
from familiar.knowing import normalise
from familiar_trainer.evaluation import site
from familiar_trainer.evaluation.pictures import People, Picture
from familiar_trainer.evaluation.sight import Sights

ENROLLED, PICTURES, STRANGERS = 12, 16, 700


def people_of(counts: list[int]) -> People:
    return People(
        tuple(
            Picture(f"nobody {person:04d}", Path(f"{person}-{number}.jpg"))
            for person, count in enumerate(counts)
            for number in range(count)
        )
    )


def sights_of(embeddings: np.ndarray) -> Sights:
    return Sights("crowd", embeddings, np.ones(len(embeddings), np.int32), (None,) * len(embeddings))


def test_strangers_of_a_hazy_camera_are_named_too_often_until_some_are_handed_in() -> None:
    people = people_of([PICTURES] * ENROLLED + [1] * STRANGERS)
    centres, strangers = crowd.centres(ENROLLED, 3), crowd.STRANGERS.strangers(STRANGERS, 7_500)
    rows = np.concatenate([*(crowd.faces(centre, PICTURES, seed) for seed, centre in enumerate(centres)), strangers])
    hazy = normalise(0.7 * rows + 0.3 * crowd.STRANGERS.strangers(2_000, 9_999).mean(axis=0))
    hazy[0] = 0  # a picture that was refused
    found = site.outcomes(people, sights_of(hazy), crowd.STRANGERS, draws=1, count=10)
    assert [(row.handed_in, row.target) for row in found] == [
        (handed_in, target) for handed_in in site.HANDED_IN for target in site.TARGETS
    ]
    assert {row.strangers for row in found} == {STRANGERS - handed_in for handed_in in site.HANDED_IN}
    often = [row for row in found if row.target == max(site.TARGETS)]
    assert all(row.before > 3 * row.target for row in often)
    assert all(row.after < 2 * row.target for row in often)
    assert all(row.times > 2 for row in often)
    assert all(row.missed_after >= row.missed_before for row in found)
    assert site.table("hazy", found).count("\n") == len(found) - 1


def test_only_people_to_enrol_and_one_picture_of_each_stranger_are_looked_at() -> None:
    people = people_of([30, 11, 10, 1])
    assert site.wanted(people) == [*range(site.MOST_PICTURES), *range(30, 41), 41, 51]
