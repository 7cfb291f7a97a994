"""Rolls: everybody who is enrolled and what they are learned from, for those who know people by their names alone."""

from types import SimpleNamespace

import pytest
from records_world import capture, learn

from familiar.errors import Conflict
from familiar.records import corrections, people, samples
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.person import new_id

TERMS = Terms(SimpleNamespace(key_id=None, address=None), 1000.0)


@pytest.fixture
def two(database: Database) -> tuple[str, str, list[str], list[str]]:
    """Bob and Ada, enrolled with 2 and 3 samples, and Eve, whose capture is open; ids of the two and their samples."""
    bob, second, bobs = capture(database, "Bob")
    ada, first, adas = capture(database, "Ada", frames=3)
    learn(database, second, bob)
    learn(database, first, ada, bob)
    capture(database, "Eve")
    return bob, ada, bobs, adas


def test_everybody_enrolled_is_on_the_roll_by_name_and_nobody_else(database, two):
    bob, ada, _, _ = two
    with database.write() as session:
        bare = people.add(session, "Zoe", enrolled=True).id
    with database.read() as session:
        assert people.roll(session) == [(ada, "Ada"), (bob, "Bob"), (bare, "Zoe")]
        assert people.summary(session, bare).samples == 0


def test_a_name_tells_who_is_meant_unless_two_have_it(database, two):
    bob, ada, _, _ = two
    with database.write() as session:
        assert people.of_name(session, "Ada").id == ada
        assert people.of_name(session, "Eve") is None, "her capture is open"
        assert people.of_name(session, "Nobody") is None
        people.rename(session, people.get(session, bob), "Ada", shares_name=True)
        with pytest.raises(Conflict, match="2 people are enrolled as Ada"):
            people.of_name(session, "Ada")


def test_samples_are_listed_by_name_and_time_and_in_parts(database, two):
    bob, ada, bobs, adas = two
    with database.read() as session:
        everything = [*((each, "Ada") for each in adas), *((each, "Bob") for each in bobs)]
        assert samples.roll(session) == everything and samples.roll_length(session) == 5
        assert samples.roll(session, limit=2, offset=2) == everything[2:4]
        assert samples.roll(session, bob) == everything[3:] and samples.roll_length(session, bob) == 2
        assert samples.roll(session, ada, limit=1, offset=3) == []
        assert samples.roll_length(session, new_id()) == 0


def test_samples_are_found_by_their_ids_with_the_name_of_today(database, two):
    bob, _, bobs, adas = two
    with database.write() as session:
        people.rename(session, people.get(session, bob), "Robert")
    with database.read() as session:
        found = samples.find(session, [adas[0], new_id(), bobs[1]])
        assert {(sample.id, name) for sample, name in found} == {(adas[0], "Ada"), (bobs[1], "Robert")}
        assert samples.find(session, []) == []


def test_what_is_nobodys_any_more_is_neither_listed_nor_found(database, two):
    _, ada, _, adas = two
    with database.write() as session:
        corrections.move(session, ada, [adas[1]], None, TERMS)
    with database.read() as session:
        assert [each for each, _ in samples.roll(session, ada)] == [adas[0], adas[2]]
        assert samples.find(session, [adas[1]]) == [] and samples.roll_length(session) == 4


def test_the_samples_of_an_enrolment_come_in_the_order_they_were_taken(database):
    _, enrollment, taken = capture(database, "Ada", frames=4)
    with database.read() as session:
        assert list(samples.ids(session, enrollment)) == taken
