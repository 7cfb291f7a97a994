"""Mixed enrolments, of people who do not exist."""

from dataclasses import replace

import numpy as np
import pytest

from familiar.knowing import normalise
from familiar.seeing import Quality
from familiar_trainer.evaluation import mixed
from familiar_trainer.evaluation.folds import Faces
from familiar_trainer.evaluation.mixed import Kind, Outcome
from familiar_trainer.evaluation.sight import Sights

PEOPLE, PICTURES, DIM = 700, 6, 24


def people_of_one_look() -> Faces:
    """Return people each of whose pictures is hardly another than the others."""
    rng = np.random.default_rng(5)
    person = np.repeat(np.arange(PEOPLE), PICTURES)
    centres = normalise(rng.standard_normal((PEOPLE, DIM)))[person]
    looks = {"grey": normalise(centres + 0.01 * rng.standard_normal(centres.shape))}
    return Faces(tuple(f"n{number}" for number in range(PEOPLE)), person, looks)


@pytest.fixture(scope="module")
def rows() -> list[Outcome]:
    return mixed.outcomes(people_of_one_look())


def test_every_kind_that_there_are_pictures_for_is_measured_once(rows: list[Outcome]) -> None:
    possible = {kind for kind in mixed.KINDS if max(kind.needed, *kind.others, 0) <= PICTURES}
    assert {(row.look, row.kind) for row in rows} == {("grey", kind) for kind in possible}
    assert {row.people for row in rows} == {PEOPLE}


def test_people_who_look_the_same_on_all_pictures_are_not_asked_about_and_others_found(rows: list[Outcome]) -> None:
    for row in rows:
        if row.kind.others:
            assert row.asked > 0.9
            assert row.exactly <= row.asked
        else:
            assert (row.asked, row.exactly) == (0, 1)


def test_the_table_has_a_line_for_each_and_no_figure_that_says_nothing(rows: list[Outcome]) -> None:
    lines = mixed.table([replace(rows[0], kind=Kind(0, 5), asked=0.125), replace(rows[0], kind=Kind(10, 4, (3, 3)))])
    first, second = lines.splitlines()[2:]
    assert first == f"| {rows[0].look} | 0 | 5 | - | 12.5 | - | 700 |"
    assert "| 10 | 4 | 3 + 3 |" in second


def test_only_pictures_count_that_the_product_would_keep() -> None:
    good = Quality(**dict.fromkeys(Quality.__dataclass_fields__, 0.0))
    rows = np.eye(4, dtype=np.float32)
    sights = Sights("p", rows, np.array([1, 2, 0, 1], np.int32), (None, None, None, None))
    assert mixed.kept(sights).any(axis=1).tolist() == [True, False, False, True]
    bad = Sights("p", rows, np.ones(4, np.int32), (good, None, None, None))
    assert mixed.kept(bad).any(axis=1).tolist() == [False, True, True, True]
