"""Learning from what was recognised, with people who are simulated."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import crowd
from familiar.knowing import normalise
from familiar.learning import candidates
from familiar.seeing import Quality
from familiar_trainer.evaluation import ageing, attack, charts, stream, variations
from familiar_trainer.evaluation.course import Course
from familiar_trainer.evaluation.passersby import GIVEN, Look, stream_of
from familiar_trainer.evaluation.pictures import People, Picture, UnusableData
from familiar_trainer.evaluation.sight import Sights
from familiar_trainer.evaluation.stream import follow
from familiar_trainer.evaluation.teaching import Notes, label

ENROLLED, LATER, STRANGERS = 5, 12, 80
DAYS = 0.2
"""How far somebody's face moves from one picture to the next, in shares of the way to somebody else."""


def people_of(counts):
    return People(
        tuple(
            Picture(f"nobody {person:03d}", Path(f"{person}_{number:04d}.jpg"))
            for person, count in enumerate(counts)
            for number in range(1, count + 1)
        )
    )


PEOPLE = people_of([GIVEN + LATER] * ENROLLED + [1] * STRANGERS)
CENTRES = crowd.centres(ENROLLED, 4)


def rows():
    """Return faces of people who change slowly, and strangers."""
    towards, days = crowd.centres(ENROLLED, 6), np.maximum(np.arange(GIVEN + LATER) - GIVEN, 0)
    mine = [
        normalise(crowd.faces(centre, GIVEN + LATER, seed) + DAYS * days[:, None] * other)
        for seed, (centre, other) in enumerate(zip(CENTRES, towards, strict=True))
    ]
    return np.concatenate([*mine, crowd.STRANGERS.strangers(STRANGERS, 7_700)]).astype(np.float32)


def with_doubles(look):
    """Return the same with one stranger in eight so like the first person that the head names them, if barely."""
    scene, changed = attack.Scene(STREAM, look, crowd.STRANGERS), look.rows.copy()
    for place in range(ENROLLED * (GIVEN + LATER), len(changed), 8):
        ways = [normalise(share * CENTRES[0] + (1 - share) * changed[place]) for share in np.linspace(0, 1, 100)]
        changed[place] = ways[int(np.argmax(scene.decades(np.stack(ways))[:, 0] > 0.5))]
    return replace(look, rows=changed)


STREAM = stream_of(PEOPLE, range(len(PEOPLE.pictures)))
LOOK = with_doubles(Look(rows(), np.ones(len(PEOPLE.pictures), np.bool_)))


def test_pictures_come_in_the_order_of_their_numbers_with_strangers_among_them():
    assert len(STREAM.people) == ENROLLED and len(STREAM.given) == ENROLLED * GIVEN
    for person in range(ENROLLED):
        first = person * (GIVEN + LATER)
        assert STREAM.given[STREAM.given_person == person].tolist() == list(range(first, first + GIVEN))
        assert STREAM.asked[STREAM.person == person].tolist() == list(range(first + GIVEN, first + GIVEN + LATER))
    known = STREAM.day[STREAM.person >= 0]
    assert (np.diff(known) >= 0).all()
    halves = np.array_split(STREAM.person, 2)
    assert all(abs(int((half < 0).sum()) - STRANGERS // 2) <= 2 for half in halves)
    assert sorted([*STREAM.given, *STREAM.asked]) == list(range(len(PEOPLE.pictures)))


def test_pictures_that_are_not_usable_are_left_out_of_the_stream():
    some = [place for place in range(len(PEOPLE.pictures)) if place % (GIVEN + LATER) != 3]
    assert set(stream_of(PEOPLE, some).given) <= set(some)
    with pytest.raises(UnusableData):
        stream_of(PEOPLE, range(GIVEN))


def test_what_the_product_would_not_ask_about_is_zeros_and_what_it_would_not_learn_is_not_good():
    quality = Quality(60.0, 4.0, 120.0, 0.0, 0.0, 0.0, 1.0)
    seen = (quality, replace(quality, brightness=20.0), replace(quality, brightness=1.0), None)
    embeddings = crowd.faces(CENTRES[0], 4, 1)
    embeddings[3] = 0
    look = Look.of(Sights("crowd", embeddings, np.ones(4, np.int32), seen), None)
    assert look.rows.any(axis=1).tolist() == [True, True, False, False]
    assert look.good.tolist() == [True, False, False, False]


@pytest.fixture(scope="module")
def courses() -> dict[str, Course]:
    return {way: follow(STREAM, LOOK, crowd.STRANGERS, way, 0.001) for way in stream.WAYS}


def test_every_face_is_counted_once_in_every_way(courses):
    for course in courses.values():
        assert course.known.sum() == ENROLLED * LATER and course.strangers.sum() == STRANGERS
        assert course.recognitions == len(STREAM.asked)
        assert (course.missed <= course.known).all() and (course.named <= course.strangers).all()
        assert course.missed[0] == courses["nothing"].missed[0]  # answered before anything was learned


def test_truthful_answers_are_learned_and_misses_get_fewer(courses):
    told = courses["ask, of all"]
    assert told.learned + told.refused == ENROLLED * LATER and told.poisoned == 0
    assert told.fnir < courses["nothing"].fnir
    assert courses["nothing"].learned == 0


def test_the_judge_takes_nobody_else_where_whatever_is_named_does(courses):
    assert courses["whatever is named"].poisoned > 0
    assert courses["auto"].poisoned == 0 and 0 < courses["auto"].learned <= ENROLLED * GIVEN
    assert courses["auto"].late(courses["auto"].named) <= courses["nothing"].late(courses["nothing"].named)


def test_streams_are_added_up(courses):
    one = courses["auto"]
    both = one + one
    assert both.recognitions == 2 * one.recognitions and both.fnir == one.fnir and both.macro_fnir == one.macro_fnir
    text = stream.table([("grey", way, 0.001, course) for way, course in courses.items()])
    assert text.count("\n") == 1 + len(courses) and "1 in 1,000" in text


def test_both_halves_are_one_row_for_each_way():
    (row,) = stream.outcomes([(STREAM, LOOK, crowd.STRANGERS)] * 2, "grey", ("nothing",), 0.001)
    assert row[:3] == ("grey", "nothing", 0.001) and row[3].recognitions == 2 * len(STREAM.asked)


def test_samples_of_the_wrong_person_are_found_out():
    notes = Notes.of(STREAM, LOOK)
    assert notes.wrong() == 0 and len(notes.samples) == ENROLLED * GIVEN
    notes.add(1, LOOK.rows[0], truth=0)
    notes.add(1, LOOK.rows[0], truth=-1)
    notes.add(0, LOOK.rows[0], truth=0)
    assert notes.wrong() == 2
    kept = notes.without(ENROLLED * GIVEN, {label(1)})
    assert kept.wrong() == 0 and len(kept.samples) == ENROLLED * GIVEN + 1


def test_an_attacker_who_is_named_gains_nothing_from_the_judge_and_much_from_carelessness():
    scene = attack.Scene(STREAM, LOOK, crowd.STRANGERS)
    attacker = next(each for each in scene.attackers() if each.kind == attack.STRANGER)
    face, victim = LOOK.rows[attacker.place], CENTRES[attacker.victim]
    ways = np.linspace(0, 1, 200)
    above = scene.decades(np.stack([normalise((1 - way) * face + way * victim) for way in ways]))[:, attacker.victim]
    between = ways[int((above < 0.7).sum())]  # named, and by far not far above the threshold
    frames = crowd.faces(normalise((1 - between) * face + between * victim), 120, 5, spread=0.004)
    hour = scene.hour(attacker, frames, np.ones(len(frames), np.bool_))
    assert hour.named > 20 and hour.decades < candidates.FAR_ABOVE and hour.sightings > 0
    assert hour.taken == hour.own == hour.misnamed == hour.lost == 0
    assert hour.careless_taken == hour.named and hour.careless_misnamed > 0
    (total,) = attack.added([hour, hour])
    assert total.frames == 240 and total.decades == hour.decades
    assert attack.table([total]).count("\n") == 2


def test_a_camera_gets_worse_with_age_and_shows_the_same_face_the_same():
    frame = np.random.default_rng(0).integers(0, 255, (120, 120, 3)).astype(np.uint8)
    spread = [float(ageing.aged(frame, age).std()) for age in (0, 0.25, 0.5, 1)]
    assert ageing.aged(frame, 0) is frame and spread == sorted(spread, reverse=True)
    assert np.array_equal(ageing.aged(frame, 0.5), ageing.aged(frame, 0.5))
    assert ageing.aged(frame, 1.0).mean() < 0.6 * frame.mean()


def test_somebody_who_moves_looks_different_on_every_frame_and_the_same_for_the_same_chance():
    frame = np.random.default_rng(1).integers(0, 255, (160, 160, 3)).astype(np.uint8)
    landmarks = np.array([[60, 70], [100, 70], [80, 90], [65, 110], [95, 110]], np.float32)
    shown = [
        way.change(frame, landmarks, np.random.default_rng(number))
        for number, way in enumerate(variations.passing(6))
        for _ in range(2)
    ]
    assert all(picture.dtype == np.uint8 and picture.ndim == 3 for picture in shown)
    assert all(np.array_equal(first, second) for first, second in zip(shown[::2], shown[1::2], strict=True))
    assert len({picture.tobytes() for picture in shown}) == 6


def test_the_same_courses_give_the_same_curve(courses, tmp_path):
    pytest.importorskip("matplotlib")
    for name in ("one.svg", "two.svg"):
        charts.curves({("grey", way): course for way, course in courses.items()}, tmp_path / name)
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()
