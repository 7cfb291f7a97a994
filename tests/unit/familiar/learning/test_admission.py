"""Which captures are learned: whoever shares a training with a bad one does not pay for it."""

from collections.abc import Collection
from functools import partial

import numpy as np
import pytest

import crowd
from familiar.knowing import Head, normalise
from familiar.learning import Cohort, Gallery, admit, learn, worse_than

TARGET = 0.001
SAMPLES = 12
SETTLED = [f"settled{i}" for i in range(6)]
CENTRES = dict(zip([*SETTLED, "grace", "mary", "ada", "joan"], crowd.centres(10, seed=51), strict=True))


class Captures:
    """Captures of people, of which the first ones are settled; counts the heads that are learned of them."""

    def __init__(self, cohort: Cohort = crowd.STRANGERS) -> None:
        self._cohort = cohort
        self._rows: list[tuple[str, str, float, np.ndarray]] = []
        self._waiting: list[tuple[str, str]] = []
        self.learned = 0
        for person_id in SETTLED:
            self.add(f"of {person_id}", person_id, CENTRES[person_id], settled=True)

    def add(self, capture: str, person_id: str, face: np.ndarray, samples: int = SAMPLES, *, settled=False) -> None:
        seed = sum(map(ord, capture)) * 31
        self._rows += [
            (person_id, capture, float(at), vector) for at, vector in enumerate(crowd.faces(face, samples, seed))
        ]
        if not settled:
            self._waiting.append((capture, person_id))

    def without(self, some: Collection[str]) -> Gallery:
        return Gallery.from_rows(row for row in self._rows if row[1] not in some)

    def learn(self, gallery: Gallery):
        self.learned += 1
        return learn(gallery, self._cohort, TARGET)

    def admit(self):
        everybody = self.without(())
        return admit(self._waiting, (everybody, self.learn(everybody)), self.without, self.learn)

    def admit_one_by_one(self) -> dict[str, str | None]:
        """Return who is refused, and whom they are too like, with a training of its own for each capture."""
        refused: dict[str, str | None] = {}
        outside = [capture for capture, _ in self._waiting]
        for capture, person_id in self._waiting:
            outside.remove(capture)
            tried = self.without([*outside, *refused])
            found = admit(
                [(capture, person_id)],
                (tried, self.learn(tried)),
                lambda some, outside=tuple(outside): self.without([*outside, *refused, *some]),
                self.learn,
            )
            refused.update({each.capture: each.alike for each in found.refused})
        return refused


def refused(admission) -> dict[str, str | None]:
    return {each.capture: each.alike for each in admission.refused}


@pytest.mark.parametrize("samples", [4, SAMPLES, 60])
def test_a_double_of_somebody_enrolled_is_refused_by_name_and_whoever_came_with_it_is_learned(samples):
    captures = Captures()
    captures.add("1", "grace", CENTRES["grace"])
    captures.add("2", "double", CENTRES["settled2"], samples)
    captures.add("3", "mary", CENTRES["mary"])
    admission = captures.admit()
    assert refused(admission) == {"2": "settled2"}
    assert set(admission.learned.head.person_ids) == {*SETTLED, "grace", "mary"}
    assert admission.gallery.digest() == captures.without(["2"]).digest()


@pytest.mark.parametrize("first", ["ada", "double"])
def test_of_two_who_come_at_once_and_cannot_be_told_apart_the_first_one_is_learned(first):
    captures = Captures()
    second = {"ada": "double", "double": "ada"}[first]
    captures.add("1", "grace", CENTRES["grace"])
    captures.add("2", first, CENTRES["ada"])
    captures.add("3", second, CENTRES["ada"])
    captures.add("4", "mary", CENTRES["mary"])
    assert refused(captures.admit()) == {"3": first}


def test_of_several_who_cannot_be_told_apart_one_is_learned():
    captures = Captures()
    for number in range(5):
        captures.add(str(number), f"ada{number}", CENTRES["ada"])
    assert refused(captures.admit()) == {str(number): "ada0" for number in range(1, 5)}


def test_pictures_of_somebody_else_are_refused_and_name_them_if_they_are_enrolled():
    captures = Captures()
    captures.add("1", "settled1", crowd.centres(1, seed=52)[0], 3 * SAMPLES)
    captures.add("2", "settled3", CENTRES["settled4"], 3 * SAMPLES)
    captures.add("3", "settled5", CENTRES["settled5"], 3 * SAMPLES)
    captures.add("4", "grace", CENTRES["grace"])
    assert refused(captures.admit()) == {"1": None, "2": "settled4"}


def test_people_who_look_alike_but_can_be_told_apart_are_both_learned():
    captures = Captures()
    towards = normalise(CENTRES["settled2"] + 0.6 * CENTRES["joan"])
    assert towards @ CENTRES["settled2"] > 0.98  # two pictures of one person are no more alike
    captures.add("1", "sister", towards, 40)
    assert refused(captures.admit()) == {}


def test_nobody_is_refused_for_what_others_did():
    captures = Captures()
    captures.add("1", "grace", CENTRES["grace"])
    everybody = captures.without(())
    stricter = partial(learn, cohort=crowd.STRANGERS, far_target=1e-6)
    live = learn(captures.without(["1"]), crowd.STRANGERS, 0.3).head
    learned = stricter(everybody)
    assert worse_than(live, learned, everybody)
    admission = admit([("1", "grace")], (everybody, learned), captures.without, stricter)
    assert (admission.refused, admission.learned) == ((), learned)


def test_sharing_a_training_changes_for_nobody_what_becomes_of_them():
    generator = np.random.default_rng(53)
    faces = [*CENTRES.values()]
    for _ in range(3):
        captures = Captures()
        for number in range(6):
            face = faces[generator.integers(len(faces))]
            person_id = str(generator.choice([f"new{number}", f"new{number}", SETTLED[number % len(SETTLED)]]))
            captures.add(str(number), person_id, face, int(generator.integers(5, 30)))
        assert refused(captures.admit()) == captures.admit_one_by_one()


def test_one_bad_capture_among_many_costs_few_trainings():
    captures = Captures()
    for number, face in enumerate(crowd.centres(31, seed=54)):
        captures.add(f"{number:02d}", f"new{number}", face)
    captures.add("31", "double", CENTRES["settled0"])
    assert refused(captures.admit()) == {"31": "settled0"}
    assert captures.learned <= 2 + 2 * 5 + 2  # many at once raise the threshold, which may look like a loss


def test_a_double_is_refused_where_strangers_are_not_known():
    captures = Captures(Cohort(crowd.DIM))
    captures.add("1", "settled2", CENTRES["settled2"], 40)
    captures.add("2", "double", CENTRES["settled2"], 40)
    captures.add("3", "grace", CENTRES["grace"], 40)
    assert refused(captures.admit()) == {"2": "settled2"}


def test_everybody_is_learned_where_nobody_was_before():
    gallery = crowd.gallery(crowd.centres(40, seed=55), 8)
    learned = learn(gallery, crowd.STRANGERS, TARGET)
    assert worse_than(Head.empty(crowd.DIM), learned, gallery) == []
