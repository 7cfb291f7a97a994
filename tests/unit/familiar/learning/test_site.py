"""What strangers before the site's own camera say of the cohort's, and what that does to a threshold."""

import json
from dataclasses import replace

import numpy as np
import pytest

import crowd
from familiar.knowing import normalise
from familiar.learning import Cohort, Correction, learn, site

TARGET = 0.01
PEOPLE = 20
SHARE = TARGET / PEOPLE


def plain(count: int, seed: int) -> np.ndarray:
    """Draw strangers as the cohort expects them, other ones than any training draws."""
    return crowd.STRANGERS.strangers(count, 7_000 + seed).copy()


def hazy(faces: np.ndarray, haze: float = 0.35) -> np.ndarray:
    """Return ``faces`` [N, D] as a camera shows them before which all look more alike."""
    middle = crowd.STRANGERS.strangers(2_000, 9_999).mean(axis=0)
    return normalise((1 - haze) * faces + haze * middle)


def enrolled_before(camera: np.ndarray, samples: int = 6):
    return crowd.gallery(camera, samples)


def everybody(faces: np.ndarray) -> np.ndarray:
    return np.arange(len(faces))


@pytest.mark.parametrize("seed", range(3))
def test_strangers_as_expected_correct_next_to_nothing(seed: int) -> None:
    correction = site.measure(plain(300, seed), np.arange(300), crowd.STRANGERS)
    times = correction.times(SHARE)
    assert times.low < 1 < times.high
    assert abs(correction.move(SHARE)) < correction.spread


@pytest.mark.parametrize("people", [60, 300])
def test_a_camera_before_which_all_look_alike_names_strangers_until_its_own_correct_it(people: int) -> None:
    gallery = enrolled_before(hazy(crowd.centres(PEOPLE, 5)))
    strangers = hazy(plain(4_000, 11))
    correction = site.measure(hazy(plain(people, 12)), np.arange(people), crowd.STRANGERS)
    before = learn(gallery, crowd.STRANGERS, TARGET)
    after = learn(gallery, crowd.STRANGERS, TARGET, correction)
    named = [learned.head.identify(strangers).known.mean() / TARGET for learned in (before, after)]
    assert named[0] > 3
    assert named[1] < 2
    assert after.metrics["site"]["times"]["value"] > 2
    assert after.metrics["site"]["raised_by"] == pytest.approx(after.threshold - before.threshold, abs=1e-4)
    assert before.metrics["site"] is None
    # Only the threshold: who is nearest to whom is as before.
    assert np.array_equal(before.head.prototypes, after.head.prototypes)


def test_more_people_make_it_surer() -> None:
    errors = [
        site.measure(plain(count, 3), np.arange(count), crowd.STRANGERS).shift_error for count in (30, 100, 300, 1_000)
    ]
    assert errors == sorted(errors, reverse=True)
    assert errors[0] > 3 * errors[-1]


def test_few_people_correct_nothing_however_many_pictures_there_are() -> None:
    rows = plain(site.LEAST_PEOPLE - 1, 1)
    with pytest.raises(ValueError, match="needs 30 different people, got 29"):
        site.measure(np.repeat(rows, 20, axis=0), np.repeat(np.arange(len(rows)), 20), crowd.STRANGERS)
    with pytest.raises(ValueError, match="needs 30 different people, got 0"):
        site.measure(rows[:0], np.zeros(0, np.intp), crowd.STRANGERS)


def test_somebody_seen_a_hundred_times_counts_once() -> None:
    rows = plain(60, 2)
    once = site.measure(rows, np.arange(60), crowd.STRANGERS)
    often = np.concatenate([rows, np.repeat(rows[:1], 99, axis=0)])
    again = site.measure(often, np.r_[np.arange(60), np.zeros(99, int)], crowd.STRANGERS)
    for name in ("people", "share", "spread", "shift", "stretch"):
        assert getattr(again, name) == pytest.approx(getattr(once, name), abs=2e-3), name


def test_a_stranger_by_another_cohort_is_no_news_of_this_one() -> None:
    digest = site.digest(crowd.STRANGERS)
    assert site.measure(plain(30, 1), np.arange(30), crowd.STRANGERS).cohort == digest
    mixture = crowd.STRANGERS.mixture
    assert mixture is not None
    assert site.digest(Cohort(128, replace(mixture, freedom=9.0))) != digest
    assert site.digest(Cohort(128)) == ""
    with pytest.raises(ValueError, match="nothing is known of strangers"):
        site.measure(plain(30, 1), np.arange(30), Cohort(128))


def test_pictures_of_one_person_are_joined_and_strangers_kept_apart() -> None:
    centres = plain(40, 4)
    rows = np.concatenate([crowd.faces(centre, 3, seed, spread=0.005) for seed, centre in enumerate(centres)])
    person = site.same_people(rows, everybody(rows), crowd.STRANGERS)
    assert np.array_equal(person, np.repeat(np.arange(40), 3))
    # Whose pictures are said to be one person's are, alike or not.
    assert len(set(site.same_people(centres, np.arange(40) // 2, crowd.STRANGERS))) == 20
    assert np.array_equal(site.same_people(rows, everybody(rows), Cohort(128)), everybody(rows))
    assert site.same_people(rows[:0], np.zeros(0, int), crowd.STRANGERS).shape == (0,)


def test_somebody_enrolled_is_found_among_strangers_and_who_is_named_by_accident_stays() -> None:
    people = crowd.centres(PEOPLE, 5)
    head = learn(crowd.gallery(people, 6), crowd.STRANGERS, 0.001).head
    strangers = plain(20_000, 13)
    by_accident = strangers[head.identify(strangers).known]
    assert 3 < len(by_accident) < 100
    assert site.enrolled(by_accident, head, crowd.STRANGERS, 0.001).mean() < 0.2
    again = np.concatenate([crowd.faces(person, 2, 900 + seed, spread=0.01) for seed, person in enumerate(people)])
    assert site.enrolled(again, head, crowd.STRANGERS, 0.001).mean() > 0.9
    assert not site.enrolled(again, replace(head, person_ids=(), prototypes=head.prototypes[:0],
                                            thresholds=head.thresholds[:0]), crowd.STRANGERS, 0.001).any()  # fmt: skip


ONE = Correction(100, share=0.01, spread=0.01, shift=0.0, shift_error=0.0, stretch=1.0, stretch_error=0.0, cohort="c")


def test_what_was_measured_is_added_and_doubt_adds_to_it() -> None:
    assert ONE.move(0.001) == 0
    assert replace(ONE, shift=0.02).move(0.001) == pytest.approx(0.02)
    # e-folds beyond the share where the end begins are as much longer as the end is.
    assert replace(ONE, stretch=1.5).move(0.01 / np.e**2) == pytest.approx(2 * 0.5 * 0.01)
    assert replace(ONE, stretch=1.5).move(0.1) == 0
    doubtful = replace(ONE, shift=0.02, shift_error=0.01)
    assert doubtful.move(0.001) == pytest.approx(0.02 + 0.01**2 / 0.02)
    # On average over what the shift may be, as many are named as without any doubt.
    shifts = np.random.default_rng(0).normal(0.02, 0.01, 400_000)
    assert np.exp((shifts - doubtful.move(0.001)) / 0.01).mean() == pytest.approx(1, abs=0.05)


def test_a_threshold_falls_only_for_many_people_and_only_as_far_as_is_certain() -> None:
    fewer = replace(ONE, shift=-0.02, shift_error=0.002)
    assert fewer.move(0.001) == 0
    assert replace(fewer, people=1_000).move(0.001) == pytest.approx(-0.02 + 1.96 * 0.002)
    assert replace(fewer, people=1_000, shift_error=0.02).move(0.001) == 0


def test_times_are_rates_with_their_interval() -> None:
    times = replace(ONE, shift=0.01 * np.log(3), shift_error=0.002).times(0.001)
    assert times.value == pytest.approx(3)
    assert times.low < 3 < times.high
    assert times.low * times.high == pytest.approx(9)


def test_a_correction_is_a_few_numbers_and_comes_back_from_json_as_it_was() -> None:
    small, large = (site.measure(plain(count, 6), np.arange(count), crowd.STRANGERS) for count in (40, 400))
    for each in (small, large):
        assert Correction.from_dict(json.loads(json.dumps(each.to_dict()))) == each
        assert all(np.ndim(value) == 0 for value in each.to_dict().values())
    assert set(small.to_dict()) == set(large.to_dict())
    assert small.digest() != large.digest()
    with pytest.raises(ValueError, match="not a correction"):
        Correction.from_dict({"people": 3})


@pytest.mark.parametrize("wrong", [{"shift": float("nan")}, {"spread": 0.0}, {"stretch": -1.0}, {"share": 0.0}])
def test_numbers_that_correct_nothing_are_refused(wrong: dict[str, float]) -> None:
    with pytest.raises(ValueError, match="correct nothing"):
        replace(ONE, **wrong)
