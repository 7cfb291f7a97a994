import dataclasses
import itertools
from collections import Counter

import numpy as np
import pytest

import crowd
from familiar.knowing import normalise
from familiar.learning import Gallery, Negative, candidates, learn
from familiar.learning.candidates import Candidate, Judge, Sample, Why
from familiar.learning.cohort import Cohort

TARGET = 0.001
PEOPLE = crowd.centres(12, seed=3)
GIVEN = 10


def given(people=PEOPLE, count=GIVEN):
    """Return what people gave: ``count`` samples each of p0, p1 ..."""
    return [Sample(f"p{i}", row) for i, centre in enumerate(people) for row in crowd.faces(centre, count, seed=500 + i)]


SAMPLES = given()
JUDGE = Judge.of(SAMPLES, crowd.STRANGERS, TARGET)
HEAD = learn(
    Gallery.from_rows((each.person_id, "given", float(at), each.vector) for at, each in enumerate(SAMPLES)),
    crowd.STRANGERS,
    TARGET,
)
SURE = next(person_id for person_id in HEAD.head.person_ids if HEAD.people[person_id]["less_sure"] is None)
CENTRE = PEOPLE[int(SURE[1:])]
_counter = itertools.count()


def crop(vector, person_id=SURE, **changes):
    number = next(_counter)
    plain = Candidate(str(number), f"s{number}", person_id, vector, number, 6, 6, 0, True)
    return dataclasses.replace(plain, **changes)


def whys(judge, *crops):
    return [choice.why for choice in judge.choose(crops)]


def fresh(count, seed=0):
    """Return faces of SURE that a judge takes when nothing is wrong."""
    rows = crowd.faces(CENTRE, 40 * count, seed=9_000 + seed)
    taken = [row for row in rows if whys(JUDGE, crop(row)) == [None]]
    assert len(taken) >= count
    return taken[:count]


NEW = fresh(1)[0]


def toward(start, end, share):
    return normalise((1 - share) * start + share * end)


def test_takes_a_good_new_crop_that_is_far_above_the_threshold():
    (choice,) = JUDGE.choose([crop(NEW)])
    assert choice.taken and choice.why is None
    threshold = HEAD.head.thresholds[HEAD.head.person_ids.index(SURE)]
    assert choice.score > threshold


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"good": False}, Why.POOR),
        ({"frames": 2, "agreeing": 2}, Why.FEW_FRAMES),
        ({"frames": 3, "agreeing": 3}, None),
        ({"frames": 5, "agreeing": 4}, None),
        ({"frames": 10, "agreeing": 7}, Why.FEW_FRAMES),
        ({"frames": 100, "agreeing": 99, "disagreeing": 1}, Why.DISAGREEING),
        ({"person_id": "nobody"}, Why.TOO_FEW_SAMPLES),
        ({"vector": np.zeros(crowd.DIM, np.float32)}, Why.NOT_FAR_ABOVE),
        ({"vector": np.full(crowd.DIM, np.nan, np.float32)}, Why.NOT_FAR_ABOVE),
        ({"vector": SAMPLES[int(SURE[1:]) * GIVEN].vector}, Why.NOTHING_NEW),
    ],
)
def test_one_thing_amiss_is_enough(changes, why):
    assert whys(JUDGE, dataclasses.replace(crop(NEW), **changes)) == [why]


def test_a_face_that_the_head_names_is_not_far_above_for_that():
    stranger = crowd.STRANGERS.strangers(1, 4_321)[0]
    path = [toward(CENTRE, stranger, share) for share in np.linspace(0, 1, 400)]
    found = HEAD.head.identify(np.stack(path))
    named = found.known & (found.index[:, 0] == HEAD.head.person_ids.index(SURE))
    last = path[int(np.flatnonzero(named)[-1])]
    assert whys(JUDGE, crop(last)) == [Why.NOT_FAR_ABOVE]
    taken = [why in (None, Why.NOTHING_NEW) for why in whys(JUDGE, *map(crop, path))]
    assert 0 < sum(taken) < 0.8 * sum(named)


def double_at(share):
    """Return a judge who also knows somebody that is SURE, moved by this share of the way to somebody else."""
    other = toward(CENTRE, PEOPLE[(int(SURE[1:]) + 1) % len(PEOPLE)], share)
    return Judge.of(
        [*SAMPLES, *(Sample("double", row) for row in crowd.faces(other, GIVEN, 77))], crowd.STRANGERS, TARGET
    )


def test_nobody_who_has_a_double_is_learned_without_asking():
    assert whys(double_at(0.1), crop(NEW))[0] in (Why.HAS_A_DOUBLE, Why.LESS_SURE)
    assert whys(double_at(1.0), crop(NEW)) == [None]


def test_a_face_that_is_like_somebody_else_too_is_not_taken():
    found = Counter()
    for share in np.linspace(0.2, 0.9, 8):
        judge = double_at(share)
        other = toward(CENTRE, PEOPLE[(int(SURE[1:]) + 1) % len(PEOPLE)], share)
        found.update(whys(judge, *(crop(toward(NEW, other, way)) for way in np.linspace(0, 0.6, 13))))
    assert found[Why.LIKE_ANOTHER] > 0 and found[None] > 0


def test_whom_many_resemble_is_learned_only_when_asked():
    people = crowd.centres(40, seed=8)
    samples = given(people)
    learned = learn(
        Gallery.from_rows((each.person_id, "given", float(at), each.vector) for at, each in enumerate(samples)),
        crowd.STRANGERS,
        TARGET,
    )
    judge = Judge.of(samples, crowd.STRANGERS, TARGET)
    unsure = [person_id for person_id, told in learned.people.items() if told["less_sure"]]
    assert unsure
    for person_id in unsure:
        rows = crowd.faces(people[int(person_id[1:])], 20, seed=31)
        assert set(whys(judge, *(crop(row, person_id) for row in rows))) == {Why.LESS_SURE}


def test_few_samples_that_people_gave_are_too_few_whatever_was_taken():
    mine = [each for each in SAMPLES if each.person_id == SURE]
    others = [each for each in SAMPLES if each.person_id != SURE]
    taken = [dataclasses.replace(each, taken_on=day) for day, each in enumerate(mine)]
    few = [*others, *mine[: candidates.LEAST_HUMAN - 1], *taken[candidates.LEAST_HUMAN - 1 :]]
    assert whys(Judge.of(few, crowd.STRANGERS, TARGET), crop(NEW)) == [Why.TOO_FEW_SAMPLES]
    none = [*others, *taken]
    assert whys(Judge.of(none, crowd.STRANGERS, TARGET), crop(NEW)) == [Why.TOO_FEW_SAMPLES]


def test_a_face_like_one_that_is_nobodys_is_not_taken():
    beside = crowd.faces(NEW, 1, seed=1, spread=0.002)
    far = crowd.STRANGERS.strangers(50, 99)
    assert whys(JUDGE.beside(np.concatenate([far, beside])), crop(NEW)) == [Why.LIKE_A_STRANGER]
    assert whys(JUDGE.beside(far), crop(NEW)) == [None]


@pytest.mark.parametrize(("of", "why"), [(SURE, Why.LIKE_A_NEGATIVE), (None, Why.LIKE_A_NEGATIVE), ("other", None)])
def test_a_face_like_one_that_is_said_not_to_be_theirs_is_not_taken(of, why):
    beside = crowd.faces(NEW, 1, seed=2, spread=0.002)[0]
    assert whys(JUDGE.beside(negatives=[Negative(beside, of)]), crop(NEW)) == [why]


def test_of_one_sighting_one_crop_is_taken_and_of_one_day_one():
    first, second = fresh(2)
    assert whys(JUDGE, crop(first, sighting="one"), crop(second, sighting="one"))[1] == Why.NOTHING_NEW
    assert whys(JUDGE, crop(first, day=7), crop(second, day=7))[1] in (Why.ENOUGH_TODAY, Why.NOTHING_NEW)
    yesterday = JUDGE.with_taken([*SAMPLES, Sample(SURE, -first, taken_on=6)])
    assert whys(yesterday, crop(first, day=6)) == [Why.ENOUGH_TODAY]
    assert whys(yesterday, crop(first, day=7)) == [None]


def test_what_was_just_taken_counts_as_known():
    assert whys(JUDGE, crop(NEW), crop(crowd.faces(NEW, 1, seed=5, spread=0.001)[0])) == [None, Why.NOTHING_NEW]


def test_never_more_automatic_than_given_ones_however_many_come():
    rows = np.concatenate([crowd.faces(centre, 150, seed=40 + i) for i, centre in enumerate(PEOPLE)])
    crops = [crop(row, f"p{i // 150}", day=i % 150) for i, row in enumerate(rows)]
    rng = np.random.default_rng(0)
    samples, judge = list(SAMPLES), JUDGE
    for part in np.array_split(rng.permutation(len(crops)), 12):
        chosen = judge.choose([crops[i] for i in part])
        samples += [Sample(c.candidate.person_id, c.candidate.vector, c.candidate.day) for c in chosen if c.taken]
        judge = judge.with_taken(samples)
    automatic = Counter(each.person_id for each in samples if each.taken_on is not None)
    by_day = Counter((each.person_id, each.taken_on) for each in samples if each.taken_on is not None)
    assert max(automatic.values()) == GIVEN and not candidates.too_many(samples)
    assert max(by_day.values()) <= candidates.PER_DAY
    assert Why.ENOUGH in whys(judge, *(crop(row) for row in fresh(5, seed=3)))


def test_what_was_taken_has_no_say_in_what_is_taken():
    towards = crowd.centres(1, seed=99)[0]
    taken = [Sample(SURE, toward(CENTRE, towards, 0.5), day) for day in range(9)]
    changed = Judge.of([*SAMPLES, *taken], crowd.STRANGERS, TARGET)
    rows = [toward(CENTRE, towards, share) for share in np.linspace(0, 1, 60)]
    before = {row.tobytes() for row, why in zip(rows, whys(JUDGE, *map(crop, rows)), strict=True) if why is None}
    scores = [[choice.score for choice in judge.choose([crop(row) for row in rows])] for judge in (JUDGE, changed)]
    assert scores[0] == scores[1]
    after = whys(changed, *map(crop, rows))
    assert {row.tobytes() for row, why in zip(rows, after, strict=True) if why is None} <= before


def test_no_chain_of_small_steps_leads_from_one_person_to_another():
    other = PEOPLE[(int(SURE[1:]) + 1) % len(PEOPLE)]
    samples, judge = list(SAMPLES), JUDGE
    for day in range(60):
        latest = toward(NEW, other, day / 59)
        (choice,) = judge.choose([crop(latest, day=1_000 + day)])
        if choice.taken:
            samples.append(Sample(SURE, latest, 1_000 + day))
            judge = judge.with_taken(samples)
    rows = ((each.person_id, "g", float(at), each.vector) for at, each in enumerate(samples))
    head = learn(Gallery.from_rows(rows), crowd.STRANGERS, TARGET).head
    asked = crowd.faces(other, 60, seed=3)
    before, after = HEAD.head.identify(asked), head.identify(asked)
    assert np.array_equal(before.known, after.known) and np.array_equal(before.index[:, 0], after.index[:, 0])
    assert 0 < len(samples) - len(SAMPLES) <= GIVEN


def test_a_site_that_lets_more_strangers_in_does_not_learn_from_them():
    stranger = crowd.STRANGERS.strangers(1, 4_322)[0]
    path = [crop(toward(NEW, stranger, share), day=day) for day, share in enumerate(np.linspace(0, 0.5, 50))]
    lenient = Judge.of(SAMPLES, crowd.STRANGERS, 0.05)
    assert whys(lenient, *path) == whys(JUDGE, *path)


def test_where_strangers_are_not_known_or_nobody_is_nothing_is_taken():
    assert whys(Judge.of(SAMPLES, Cohort(crowd.DIM), TARGET), crop(NEW)) == [Why.TOO_FEW_SAMPLES]
    assert whys(Judge.of([], crowd.STRANGERS, TARGET), crop(NEW)) == [Why.TOO_FEW_SAMPLES]
    assert JUDGE.choose([]) == []


def test_the_last_taken_go_first_when_people_take_samples_back():
    row = np.zeros(2, np.float32)
    samples = [
        Sample("a", row, 5), Sample("a", row), Sample("b", row, 1), Sample("a", row, 3), Sample("a", row, 4),
        Sample("a", row), Sample("c", row), Sample("c", row, 9),
    ]  # fmt: skip
    assert candidates.too_many(samples) == [0, 2]
    left = [each for place, each in enumerate(samples) if place not in (0, 2)]
    assert candidates.too_many(left) == []
