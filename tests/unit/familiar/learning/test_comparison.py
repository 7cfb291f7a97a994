"""Whoever is worse off in a new head is found, though most people are not looked at: as if everybody had been."""

from dataclasses import replace

import numpy as np
import pytest

import crowd
from familiar.knowing import Head, normalise
from familiar.learning import comparison, trial, worse_than
from familiar.learning.gallery import Gallery
from familiar.learning.learned import learn
from familiar.learning.rivals import Rivals, highest, strongest
from familiar.learning.trial import HeldOut

TARGET = 0.001
PEOPLE, SAMPLES = 700, 8
"""More than are compared in full."""


def looked_at_everybody(live, candidate, gallery):
    """Return, by person, how many of the samples that ``live`` named are lost, from one table of all scores."""
    named = []
    for head in (live, candidate.head):
        at = {person_id: i for i, person_id in enumerate(head.person_ids)}
        own = np.array([at.get(gallery.person_ids[person], -1) for person in gallery.person])
        table = gallery.embeddings @ head.prototypes.T
        rows = np.arange(len(gallery))
        score = table[rows, own] - candidate.owed
        table[rows[own >= 0], own[own >= 0]] = -np.inf
        named.append((own >= 0) & (score >= head.thresholds[own]) & (score > table.max(axis=1)))
    people = len(gallery.person_ids)
    return [np.bincount(gallery.person[kind], minlength=people) for kind in (named[0], named[0] & ~named[1])]


def by_hand(live, candidate, gallery):
    both = set(live.person_ids) & set(candidate.head.person_ids)
    named, lost = looked_at_everybody(live, candidate, gallery)
    return [
        person_id
        for i, person_id in enumerate(gallery.person_ids)
        if person_id in both and lost[i] > trial.tolerance(int(named[i]), SAMPLES)
    ]


def found(live, candidate, gallery):
    """Return who of those whom the live head knows is worse off."""
    losses = worse_than(live, candidate, gallery)
    return [loss.person_id for loss in losses if loss.person_id in live.person_ids]


@pytest.fixture(scope="module")
def people():
    return crowd.centres(PEOPLE, seed=31)


@pytest.fixture(scope="module")
def gallery(people):
    return crowd.gallery(people, SAMPLES)


@pytest.fixture(scope="module")
def learned(gallery):
    return learn(gallery, crowd.STRANGERS, TARGET)


def with_prototypes(learned, **changed):
    prototypes = learned.head.prototypes.copy()
    for person_id, prototype in changed.items():
        prototypes[learned.head.person_ids.index(person_id)] = prototype
    return replace(learned, head=replace(learned.head, prototypes=prototypes))


def test_whoever_loses_samples_to_somebody_who_moved_close_is_found_though_they_stayed_themselves(gallery, learned):
    place = learned.head.prototypes[400]
    candidate = with_prototypes(learned, p0003=1.001 * place)
    assert by_hand(learned.head, candidate, gallery) == ["p0003", "p0400"]
    assert found(learned.head, candidate, gallery) == ["p0003", "p0400"]


def test_whoever_loses_samples_to_a_newcomer_is_found(people, gallery, learned):
    beside = crowd.gallery(np.concatenate([people, people[600:601]]), SAMPLES)
    candidate = learn(beside, crowd.STRANGERS, TARGET)
    assert "p0600" in found(learned.head, candidate, beside)
    assert found(learned.head, candidate, beside) == by_hand(learned.head, candidate, beside)


def test_whoever_moved_is_compared_with_those_who_stayed(gallery, learned):
    was = learned.head.prototypes[10]
    farthest = learned.head.prototypes[(learned.head.prototypes @ was).argmin()]
    towards = normalise(was + 2 * farthest) * np.linalg.norm(was)
    candidate = with_prototypes(learned, p0010=towards)
    assert "p0010" in found(learned.head, candidate, gallery)
    assert found(learned.head, candidate, gallery) == by_hand(learned.head, candidate, gallery)


@pytest.mark.parametrize("raised", [0.0, 0.001, 0.01, 0.05])
def test_everybody_whom_a_higher_threshold_costs_too_much_is_found(gallery, learned, raised):
    head = replace(learned.head, thresholds=learned.head.thresholds + np.float32(raised))
    candidate = replace(learned, head=head)
    assert found(learned.head, candidate, gallery) == by_hand(learned.head, candidate, gallery)
    assert found(learned.head, candidate, gallery) or raised < 0.01


def test_only_the_person_whose_own_threshold_rose_is_found(gallery, learned):
    thresholds = learned.head.thresholds.copy()
    thresholds[123] = 1.01
    candidate = replace(learned, head=replace(learned.head, thresholds=thresholds))
    assert found(learned.head, candidate, gallery) == ["p0123"]


def test_when_the_gallery_doubles_it_is_as_if_everybody_had_been_looked_at(people, gallery):
    live = learn(crowd.gallery(people[: PEOPLE // 2], SAMPLES), crowd.STRANGERS, TARGET).head
    candidate = learn(gallery, crowd.STRANGERS, TARGET)
    assert found(live, candidate, gallery) == by_hand(live, candidate, gallery)


def test_whoever_might_be_worse_is_looked_at(gallery, learned):
    generator = np.random.default_rng(32)
    head = learned.head
    noise = generator.standard_normal(head.prototypes.shape).astype(np.float32)
    amount = generator.choice([0.0, 0.01, 0.05], len(noise)).astype(np.float32)[:, None]
    shaken = normalise(head.prototypes + amount * noise) * np.linalg.norm(head.prototypes, axis=1, keepdims=True)
    candidate = replace(learned, head=replace(head, prototypes=shaken))
    before, after = (HeldOut.of(each, gallery, learned.owed) for each in (head, candidate.head))
    at_risk = np.bincount(gallery.person[comparison._at_risk(before, after)], minlength=PEOPLE)
    _, lost = looked_at_everybody(head, candidate, gallery)
    assert lost.any() and (at_risk >= lost).all()
    assert found(head, candidate, gallery) == by_hand(head, candidate, gallery)


@pytest.mark.parametrize("count", [0, 1, 500, 3000])
@pytest.mark.parametrize("dim", [8, crowd.DIM])
def test_a_rival_is_found_as_in_the_table_of_all_scores(count, dim):
    generator = np.random.default_rng(count + dim)
    faces = normalise(generator.standard_normal((2500, dim)).astype(np.float32))
    prototypes = normalise(generator.standard_normal((count, dim)).astype(np.float32)) * np.float32(0.9)
    own = generator.integers(-1, max(count, 1), 2500) if count else np.full(2500, -1)
    scores = generator.uniform(0, 0.5, 2500).astype(np.float32)
    table = faces @ prototypes.T
    table[np.flatnonzero(own >= 0), own[own >= 0]] = -np.inf
    rows = np.flatnonzero(generator.random(2500) < 0.9)
    best = table.max(axis=1, initial=-np.inf)
    clear = np.abs(best - scores)[rows] > 1e-6
    outscored = Rivals(prototypes).outscore(faces, scores, own, rows)
    assert (outscored == (best >= scores)[rows])[clear].all()
    assert not count or outscored.any()


@pytest.mark.parametrize("count", [1, 5, 3000])
def test_the_strongest_rival_is_the_one_of_the_table_of_all_scores(count):
    generator = np.random.default_rng(count)
    faces = normalise(generator.standard_normal((2500, crowd.DIM)).astype(np.float32))
    prototypes = normalise(generator.standard_normal((count, crowd.DIM)).astype(np.float32))
    own = generator.integers(-1, count, len(faces))
    table = faces @ prototypes.T
    table[np.flatnonzero(own >= 0), own[own >= 0]] = -np.inf
    who, score = strongest(faces, prototypes, own)
    some = np.isfinite(score)
    assert some.all() or count == 1
    assert np.allclose(score[some], table.max(axis=1)[some], atol=1e-6)
    assert np.allclose(table[np.arange(len(faces)), who][some], score[some], atol=1e-6)
    assert (score == highest(faces, prototypes, own)).all()


def test_somebody_new_who_is_taken_for_another_is_found_and_who_is_not_is_not(people, gallery, learned):
    twins = crowd.gallery(np.concatenate([people, people[600:601]]), SAMPLES)
    candidate = learn(twins, crowd.STRANGERS, TARGET)
    half = PEOPLE // 2
    live = Head(*(each[:half] for each in (learned.head.person_ids, learned.head.prototypes, learned.head.thresholds)))
    losses = {loss.person_id: loss.to for loss in worse_than(live, candidate, twins)}
    new = {person_id: to for person_id, to in losses.items() if person_id not in live.person_ids}
    assert new and new.items() <= {"p0600": "p0700", "p0700": "p0600"}.items()


def test_a_gallery_that_is_not_in_the_order_of_its_people_is_refused(gallery):
    with pytest.raises(ValueError, match="ordered by person"):
        Gallery(gallery.person_ids, gallery.embeddings, gallery.person[::-1].copy(), gallery.block)


def test_nobody_is_worse_for_the_person_from_whom_on_fewer_strangers_are_drawn():
    gallery = crowd.gallery(crowd.centres(1_001, seed=1), 40)
    rows = gallery.person < 1_000
    before = Gallery(gallery.person_ids[:-1], gallery.embeddings[rows], gallery.person[rows], gallery.block[rows])
    live = learn(before, crowd.STRANGERS, TARGET).head
    assert worse_than(live, learn(gallery, crowd.STRANGERS, TARGET), gallery) == []


def test_a_live_head_that_knows_nobody_is_no_better(gallery, learned):
    assert found(Head.empty(crowd.DIM), learned, gallery) == []
