"""Faces of which it was said who they are not: heads keep to that, unless it costs somebody their own recognition."""

from dataclasses import replace

import numpy as np
import pytest

import crowd
from familiar.knowing import Head, normalise
from familiar.learning import Negative, learn, negatives
from familiar.learning.cohort import Cohort
from familiar.learning.gallery import Gallery, Row
from familiar.learning.negatives import Conflict
from familiar.learning.promise import LessSure

TARGET = 0.001


def gallery_of(people, samples=12, spread=crowd.SPREAD):
    return Gallery.from_rows(
        Row(f"p{i:04d}", "capture", float(n), face, f"s{i:04d}-{n}")
        for i, centre in enumerate(people)
        for n, face in enumerate(crowd.faces(centre, samples, seed=500 + i, spread=spread))
    )


def between(one, other, least, head, who):
    """Return a face on the way from ``one`` to ``other`` that is just named as ``who``, by ``least`` at least."""
    for share in np.linspace(1, 0, 400):
        face = normalise((1 - share) * one + share * other)
        answer = head.identify(face[None])
        place = answer.index[0, 0]
        is_named = answer.known[0] and head.person_ids[place] == who
        if is_named and answer.score[0, 0] >= head.thresholds[place] + least:
            return face
    raise AssertionError("no such face")


def named(head, face):
    answer = head.identify(face[None])
    return head.person_ids[answer.index[0, 0]] if answer.known[0] else None


@pytest.fixture(scope="module")
def people():
    return crowd.centres(12, seed=77)


@pytest.fixture(scope="module")
def gallery(people):
    return gallery_of(people)


@pytest.fixture(scope="module")
def head(gallery):
    return learn(gallery, crowd.STRANGERS, TARGET).head


@pytest.fixture(scope="module")
def mistaken(people, head):
    """A stranger's face that the head takes for the first person."""
    return between(people[0], crowd.centres(1, seed=991)[0], 0.002, head, "p0000")


@pytest.mark.parametrize("never", ["p0000", None])
def test_a_face_that_somebody_was_taken_for_is_not_named_so_again(gallery, head, mistaken, never):
    assert named(head, mistaken) == "p0000"
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, [Negative(mistaken, never, "n")])
    assert named(learned.head, mistaken) is None
    assert learned.conflicts == ()
    assert negatives.failing(learned.head, [Negative(mistaken, never, "n")]) == []
    assert negatives.failing(head, [Negative(mistaken, never, "n")]) == ["n"]


def test_it_is_not_named_from_a_face_much_like_that_one_either(gallery, mistaken):
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, [Negative(mistaken, "p0000", "n")])
    assert not any(named(learned.head, face) for face in crowd.faces(mistaken, 10, seed=3, spread=0.0005))


def test_nobody_else_and_not_the_person_pays_for_it(people, gallery, head, mistaken):
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, [Negative(mistaken, "p0000", "n")])
    assert np.array_equal(learned.head.prototypes[1:], head.prototypes[1:])
    assert np.array_equal(learned.head.thresholds, head.thresholds)
    assert named(learned.head, people[0]) == "p0000"
    assert learned.people["p0000"]["missed"] <= 1
    assert learned.people["p0000"]["less_sure"] == LessSure.TOLD_APART
    assert learned.people["p0001"]["less_sure"] != LessSure.TOLD_APART


def test_a_face_that_is_another_ones_may_be_named_as_that_one(people, gallery, head):
    own = crowd.faces(people[1], 1, seed=9)[0]
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, [Negative(own, "p0000", "n")])
    assert named(learned.head, own) == "p0001"
    assert np.array_equal(learned.head.prototypes, head.prototypes)


def test_a_negative_of_somebody_whom_the_head_does_not_know_changes_nothing(gallery, head, mistaken):
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, [Negative(mistaken, "somebody", "n")])
    assert np.array_equal(learned.head.prototypes, head.prototypes) and learned.conflicts == ()


def test_one_of_another_backbone_is_passed_over(gallery, head):
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, [Negative(np.ones(3, np.float32), None, "n")])
    assert np.array_equal(learned.head.prototypes, head.prototypes) and learned.conflicts == ()


@pytest.mark.parametrize("never", ["p0000", None])
def test_the_very_face_of_a_sample_contradicts_it_and_both_are_named(gallery, head, never):
    sample = gallery.embeddings[3]
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, [Negative(sample, never, "n")])
    assert learned.conflicts == (Conflict("n", "p0000", gallery.sample_ids[3]),)
    assert np.array_equal(learned.head.prototypes, head.prototypes)


def test_what_would_cost_the_person_their_own_recognition_is_a_contradiction(people, gallery, head):
    own = normalise(people[0] + 0.3 * (crowd.faces(people[0], 1, seed=77)[0] - people[0]))
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, [Negative(own, "p0000", "n")])
    assert [(each.negative, each.person_id) for each in learned.conflicts] == [("n", "p0000")]
    assert learned.conflicts[0].sample_id.startswith("s0000")
    assert np.array_equal(learned.head.prototypes, head.prototypes)


def test_one_that_contradicts_does_not_keep_others_from_being_met(people, gallery, mistaken):
    asked = [Negative(people[0], "p0000", "bad"), Negative(mistaken, "p0000", "good"), Negative(people[1], None, "too")]
    learned = learn(gallery, crowd.STRANGERS, TARGET, None, asked)
    assert {each.negative for each in learned.conflicts} == {"bad", "too"}
    assert named(learned.head, mistaken) is None and named(learned.head, people[1]) == "p0001"


def test_of_two_who_are_taken_for_each_other_neither_is_named_for_nobodys_face():
    place = crowd.centres(1, seed=5)[0]
    head = Head(("a", "b"), np.stack([place, place]), np.full(2, 0.5, np.float32))
    kept = negatives.bound(head, [Negative(place, None, "n")])
    assert named(kept, place) is None
    told = negatives.bound(head, [Negative(place, "a", "n")])
    assert named(told, place) == "b"


def test_a_head_that_is_bound_passes_all_and_one_that_passes_stays_as_it_is(head, mistaken):
    cases = [Negative(mistaken, None, "n"), Negative(mistaken, "p0000", "m")]
    kept = negatives.bound(head, cases)
    assert negatives.failing(kept, cases) == []
    assert np.array_equal(negatives.bound(kept, cases).prototypes, kept.prototypes)


def test_where_strangers_are_not_known_negatives_hold_all_the_same(people):
    gallery = gallery_of(people[:3])
    plain = learn(gallery, Cohort(crowd.DIM), TARGET).head
    face = between(people[0], people[5], 0.0, plain, "p0000")
    learned = learn(gallery, Cohort(crowd.DIM), TARGET, None, [Negative(face, None, "n")])
    assert learned.conflicts or named(learned.head, face) is None


def test_a_head_that_knows_nobody_passes_everything(mistaken):
    assert negatives.failing(Head.empty(crowd.DIM), [Negative(mistaken, None, "n")]) == []
    assert negatives.bound(Head.empty(crowd.DIM), [Negative(mistaken, None, "n")]).person_ids == ()
    nobody = learn(Gallery.from_rows([]), crowd.STRANGERS, TARGET, None, [Negative(mistaken, None, "n")])
    assert nobody.conflicts == ()


def test_a_threshold_that_everything_reaches_cannot_be_kept_from_and_does_not_go_on_for_ever(mistaken, head):
    open_to_all = replace(head, thresholds=np.full(len(head.person_ids), -1.0, np.float32))
    negatives.bound(open_to_all, [Negative(mistaken, None, "n")])
