"""Sightings of people whom somebody puts right: whose they are, and whose again when that is undone."""

from types import SimpleNamespace

import pytest
from records_world import capture, learn
from seen import everybody, keep, seen
from sqlalchemy import select

from familiar.records import corrections, enrollments, people, replays, reversals, sightings, strangers
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.schema import Correction, Sighting, Stranger

NOBODY = SimpleNamespace(key_id=None, address=None)
TERMS = Terms(NOBODY, 1000.0)
ANSWER = {"sightings": 1, "not_comparable": 0, "changed": 0, "threshold": 0.9, "changes": []}


@pytest.fixture
def two(database: Database) -> tuple[str, str]:
    """Ada and Bob, enrolled; their ids."""
    ids = []
    for name in ("Ada", "Bob"):
        person, enrollment, _ = capture(database, name)
        ids.append(person)
        learn(database, enrollment, *ids)
    return ids[0], ids[1]


def undo(database: Database, correction_id: str) -> None:
    database.retry(lambda session: reversals.undo(session, corrections.get(session, correction_id), NOBODY))


def merge(database: Database, into: str, other: str) -> str:
    return database.retry(lambda session: corrections.merge(session, into, other, TERMS).id)


def of(database: Database, person: str) -> set[str]:
    return {row.id for row in everybody(database, person_id=person)}


def answered(database: Database, *person_ids: str) -> str:
    """Return a replay that is answered with these people."""
    told = {**ANSWER, "people": [{"person": each} for each in person_ids]}
    asked = {"head_version": 1, "threshold": None, "target": None, "since": None, "until": None}
    with database.write() as session:
        row = replays.ask(session, asked)
        replays.answer(session, row.id, told)
        return row.id


def is_open(database: Database, replay_id: str) -> bool:
    with database.read() as session:
        return replay_id in replays.open_ones(session)


def test_sightings_follow_those_who_are_merged_and_come_back_one_merge_after_the_other(database: Database, two) -> None:
    ada, bob = two
    eve, third, _ = capture(database, "Eve")
    learn(database, third, ada, bob, eve)
    keep(database, *(seen(number, person=who) for number, who in enumerate((ada, bob, eve))))
    adas, bobs, eves = of(database, ada), of(database, bob), of(database, eve)
    first, second = merge(database, bob, ada), merge(database, eve, bob)
    assert of(database, eve) == adas | bobs | eves
    # A head of before still says Ada, and means Eve; nothing says that it was not Ada when both are two again.
    keep(database, seen(7, person=ada, others=(bob,)))
    (late,) = of(database, eve) - (adas | bobs | eves)
    assert everybody(database, person_id=eve)[0].candidates == [[eve, 0.5], [eve, 0.5]]
    undo(database, second)
    assert (of(database, bob), of(database, eve)) == (adas | bobs, eves | {late})
    undo(database, first)
    assert (of(database, ada), of(database, bob)) == (adas, bobs)


def test_what_was_pruned_or_was_given_on_meanwhile_does_not_come_back(database: Database, two) -> None:
    ada, bob = two
    keep(database, seen(1, person=bob), seen(2, person=bob), seen(3, person=bob))
    pruned, given, stays = sorted(of(database, bob))
    merged = merge(database, ada, bob)
    with database.write() as session:
        eve = people.add(session, "Eve").id
        sightings.remove(session, [pruned], pruned)
        sightings.give_to(session, ada, eve, [given])
    undo(database, merged)
    assert (of(database, bob), of(database, eve), of(database, ada)) == ({stays}, {given}, set())


def test_whom_heads_named_as_somebody_split_off_is_the_other_one_when_that_is_undone(database: Database) -> None:
    ada, enrollment, frames = capture(database, "Ada", frames=4)
    learn(database, enrollment, ada)
    split = database.retry(lambda session: corrections.split(session, ada, frames[:2], "Eve", TERMS).id)
    with database.read() as session:
        eve = corrections.get(session, split).to_person_id
    assert eve is not None
    keep(database, seen(1, person=eve))
    undo(database, split)
    (row,) = everybody(database)
    assert row.person_id == ada


def test_a_stranger_named_as_somebody_known_is_a_stranger_again_when_that_is_undone(database: Database, two) -> None:
    ada, _ = two
    keep(database, seen(5, camera="a"), seen(5, camera="b"))
    with database.write() as session:
        stranger = strangers.begin(session)
        strangers.assign(session, dict.fromkeys(strangers.ungrouped(session, 1, 9), stranger))
    _, enrollment_id, _ = capture(database, "", person_id=ada)
    with database.write() as session:
        enrollment = enrollments.get(session, enrollment_id)
        added: Correction = corrections.added(session, enrollment, TERMS)
        strangers.name(session, stranger, ada, enrollment_id)
        enrollments.close(session, enrollment)
    assert len(of(database, ada)) == 2
    undo(database, added.id)
    with database.read() as session:
        assert session.scalars(select(Stranger)).first() is None
        rows = session.scalars(select(Sighting)).all()
        assert {(row.person_id, row.enrollment_id, row.named_at, row.stranger_id) for row in rows} == {(None,) * 4}
        assert len(strangers.ungrouped(session, 1, 9)) == 2


def test_answers_that_tell_of_who_is_somebody_else_now_are_asked_for_again(database: Database, two) -> None:
    ada, bob = two
    eve, third, _ = capture(database, "Eve")
    learn(database, third, ada, bob, eve)
    of_bob, of_eve = answered(database, bob), answered(database, eve)
    merged = merge(database, ada, bob)
    assert is_open(database, of_bob) and not is_open(database, of_eve)
    with database.write() as session:  # of one who read before the merge
        replays.answer(session, of_bob, {**ANSWER, "people": [{"person": bob}]})
    assert is_open(database, of_bob)
    with database.write() as session:
        replays.answer(session, of_bob, {**ANSWER, "people": [{"person": ada}]})
    assert not is_open(database, of_bob)
    undo(database, merged)
    assert is_open(database, of_bob) and not is_open(database, of_eve)


def test_who_is_deleted_goes_by_the_ids_of_whoever_was_merged_into_them_too(database: Database, two) -> None:
    ada, bob = two
    keep(database, seen(1, person=bob, others=(ada,)), seen(2, others=(bob,)), seen(3, others=(ada,)))
    merge(database, ada, bob)
    of_both = answered(database, ada)
    with database.write() as session:
        people.erase(session, ada)
    rows = everybody(database)
    assert len(rows) == 2 and [row.candidates for row in rows] == [[], []]
    with database.read() as session:
        assert of_both not in [row.id for row in replays.recent(session, 9)]
