"""What is put right and what is said of faces, one after the other: the last word holds."""

import pytest
from opinions import AUTHOR, all_samples, faces, learn, say, sighting, whose, withdraw
from putting_right import erase, group, merge, move, name, propose, split, tables_with, undo
from seen import everybody, keep, seen
from sqlalchemy import select

from familiar.errors import Conflict
from familiar.records import (
    Origin,
    Verdict,
    feedback,
    learned,
    quarantine,
)
from familiar.records.schema import Feedback, QuarantinedFace, Sighting


def say_of(database, request, verdict, who=None):
    def give(session):
        kept = feedback.keep(session, *feedback.face_of_request(session, request, 0))
        return feedback.give(session, kept, Verdict(verdict), who, AUTHOR)

    return database.retry(give)


def test_a_stranger_named_since_keeps_the_name_when_what_was_said_before_is_withdrawn(database, ada):
    at = sighting(database, 1)
    said = say(database, at, "stranger").feedback.id
    name(database, group(database), ada)
    assert whose(database, at) == ada
    withdraw(database, said)
    assert whose(database, at) == ada


def test_undoing_a_naming_does_not_undo_what_was_said_of_a_sighting_since(database, ada, bob):
    one, other = sighting(database, 1), sighting(database, 1, camera="b")
    with database.read() as session:
        one, other = session.scalars(select(Sighting.id)).all()
    correction = name(database, group(database), ada)
    say(database, one, "wrong", bob)
    undo(database, correction)
    assert (whose(database, one), whose(database, other)) == (bob, None)


@pytest.mark.parametrize("verdict", ["stranger", "wrong"])
def test_a_later_frame_of_a_pass_does_not_undo_what_was_said_of_it(database, ada, bob, verdict):
    at = sighting(database, 1, person=ada if verdict == "wrong" else None, ago_s=5)
    say(database, at, verdict)
    keep(database, seen(1, person=ada, ago_s=3))
    (row,) = everybody(database)
    assert row.person_id is None


def test_what_a_person_moved_is_no_automatic_sample_any_more_until_that_is_undone(database, enrolled, bob):
    ada, _ = enrolled
    sighting(database, 1, person=ada, ago_s=50)
    propose(database)
    learn(database, Origin.AUTOMATIC, {faces(database)[0].id: ada})
    sample = next(row for row in all_samples(database) if row.origin == "automatic")
    correction = move(database, ada, [sample.id], bob)
    with database.write() as session:
        assert learned.take_back(session, learned.Wanted(origin=Origin.AUTOMATIC), AUTHOR)[0] == 0
    undo(database, correction)
    with database.write() as session:
        assert learned.take_back(session, learned.Wanted(origin=Origin.AUTOMATIC), AUTHOR)[0] == 1


def test_what_was_said_of_one_who_was_merged_for_a_while_is_learned_of_them_again(database, ada, bob):
    at = sighting(database, 1, person=bob)
    say(database, at, "right")
    merged = merge(database, ada, bob)
    learn(database)
    assert [row.person_id for row in all_samples(database)] == [ada]
    undo(database, merged)
    assert whose(database, at) == bob
    assert [row.person_id for row in all_samples(database)] == [bob]


@pytest.mark.parametrize("how", ["said", "unasked"])
def test_what_was_learned_of_one_who_was_merged_for_a_while_is_theirs_again(database, ada, bob, how):
    at = sighting(database, 1, person=bob, ago_s=50)
    other = sighting(database, 2, person=ada, ago_s=90)
    if how == "unasked":
        propose(database)
    merged = merge(database, ada, bob)
    if how == "said":
        say(database, at, "right")
        say(database, other, "right")
    waiting = {row.id: ada for row in faces(database)}
    learn(database, *((Origin.AUTOMATIC, waiting) if how == "unasked" else ()))
    undo(database, merged)
    with database.read() as session:
        rows = {row.sighting_id: row.sample_id for row in session.scalars(select(QuarantinedFace))}
    of = {row.id: row.person_id for row in all_samples(database)}
    assert {each: of.get(sample_id) for each, sample_id in rows.items()} == {at: bob, other: ada}
    with database.read() as session:
        assert {row.person_id for row in session.scalars(select(Feedback))} <= {ada, bob}
    erase(database, bob)
    assert tables_with(database, bob) == []


def test_what_somebody_moved_before_a_merge_stays_where_it_is_when_that_is_undone(database, ada, bob):
    sighting(database, 1, person=bob, ago_s=50)
    propose(database)
    learn(database, Origin.AUTOMATIC, {faces(database)[0].id: bob})
    (sample,) = all_samples(database)
    move(database, bob, [sample.id], ada)
    undo(database, merge(database, ada, bob))
    assert [row.person_id for row in all_samples(database)] == [ada]


def test_what_is_taken_after_midnight_counts_for_the_day_it_came_by(database, ada):
    sighting(database, 1, person=ada, ago_s=50)
    propose(database)
    with database.write() as session:
        (kept,) = session.scalars(select(QuarantinedFace))
        kept.day -= 1
        face_id, day = kept.id, kept.day
    learn(database, Origin.AUTOMATIC, {face_id: ada})
    assert [row.learned_on for row in all_samples(database)] == [day]


def test_a_split_whose_one_was_merged_into_the_other_says_what_has_to_be_undone_first(database, enrolled):
    ada, frames = enrolled
    correction, eve = split(database, ada, frames[:2], "Eve")
    merged = merge(database, eve, ada)
    with pytest.raises(Conflict) as refused:
        undo(database, correction)
    assert (refused.value.code, refused.value.details["corrections"]) == ("correction_superseded", [merged])
    undo(database, merged)
    undo(database, correction)
    assert {row.person_id for row in all_samples(database)} == {ada}


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_was_said_of_one_frame_of_a_pass_need_not_be_asked_of_another(database, ada, verdict):
    keep(database, seen(1, person=ada, ago_s=50, weight=0.9, request="a"), seen(1, person=ada, ago_s=48, request="b"))
    propose(database)
    with database.read() as session:
        assert quarantine.waiting(session) == len(quarantine.cards(session, 9)) == 1
    said = say_of(database, "b", verdict).feedback.id
    with database.read() as session:
        assert quarantine.waiting(session) == len(quarantine.cards(session, 9)) == 0
    waiting = next(row.id for row in faces(database) if row.proposed)
    learn(database, Origin.AUTOMATIC, {waiting: ada})
    assert all_samples(database) == []
    withdraw(database, said)
    with database.read() as session:
        assert quarantine.waiting(session) == 1


@pytest.mark.parametrize(("verdict", "left"), [("right", 1), ("wrong", 0), ("stranger", 0)])
def test_what_was_taken_of_a_pass_goes_when_another_frame_of_it_is_said_to_be_wrong(database, ada, verdict, left):
    keep(database, seen(1, person=ada, ago_s=50, weight=0.9, request="a"), seen(1, person=ada, ago_s=48, request="b"))
    propose(database)
    learn(database, Origin.AUTOMATIC, {faces(database)[0].id: ada})
    said = say_of(database, "b", verdict)
    assert said.unlearned == (not left)
    assert len(all_samples(database)) == left


@pytest.mark.parametrize(("verdict", "to"), [("right", None), ("wrong", None), ("wrong", "Bob"), ("stranger", None)])
def test_of_a_pass_the_last_word_holds_of_whichever_frame(database, ada, bob, verdict, to):
    keep(database, seen(1, person=ada, ago_s=50, weight=0.9, request="a"), seen(1, person=ada, ago_s=48, request="b"))
    first = say_of(database, "a", "right").feedback.id
    learn(database)
    said = say_of(database, "b", verdict, bob if to else None)
    (row,) = everybody(database)
    assert row.person_id == {"right": ada}.get(verdict, bob if to else None)
    with database.read() as session:
        (before,) = (row for row in feedback.newest(session, 9) if row.id == first)
        assert before.replaced == said.unlearned == (verdict != "right")
        assert {row.person_id for row in all_samples(database)} == ({ada} if verdict == "right" else set())
    withdraw(database, said.feedback.id)
    assert whose(database, row.id) == ada
