"""Trainings: who shares one, who works on it, and whose clock says so."""

import time

import pytest
from capturing import closed

from familiar.records import captures, enrollments, samples, trainings
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.training import Stage, TrainingKind


def test_a_training_learns_what_waits_for_it_and_leaves_what_was_closed_later_to_the_next(database: Database) -> None:
    live, first, _ = closed(database, "Ada")
    with database.write() as session:
        enrollments.settle(session, [first], EnrollmentStatus.LIVE, head_version=1)
    joined, _, training_id = closed(database, "Bob")
    with database.write() as session:
        training = trainings.claim(session, training_id, "worker", 60.0)
        assert list(enrollments.join(session, training).values()) == [joined]
    late, *_ = closed(database, "Cleo")
    with database.read() as session:
        assert {row.person_id for row in samples.enrolled(session, 1, training_id)} == {live, joined}
        assert {row.person_id for row in samples.enrolled(session, 1)} == {live, joined, late}


def test_who_joins_a_training_is_told_in_the_order_in_which_they_were_closed(database: Database) -> None:
    waiting = {enrollment: person for person, enrollment, _ in (closed(database, name) for name in "CADB")}
    with database.write() as session:
        joined = enrollments.join(session, trainings.ask(session))
    assert list(joined.items()) == list(waiting.items())


def test_enrolments_that_arrive_together_share_a_training_and_later_ones_get_the_next(database: Database) -> None:
    _, _, first = closed(database, "Ada")
    _, _, second = closed(database, "Bob")
    assert first == second
    with database.write() as session:
        assert trainings.claim(session, first, "worker", 10).stage == Stage.TRAINING
    _, eve, third = closed(database, "Eve")
    assert third != first
    with database.read() as session:
        assert captures.get(session, eve).status is EnrollmentStatus.QUEUED


def test_one_training_runs_at_a_time_until_its_worker_falls_silent(database: Database) -> None:
    _, _, first = closed(database, "Ada")
    with database.write() as session:
        assert trainings.claim(session, first, "one", 10)
    _, _, second = closed(database, "Bob")
    with database.write() as session:
        assert trainings.claim(session, first, "two", 10) is None
        assert trainings.claim(session, second, "two", 10) is None
        assert [t.id for t in trainings.open_ones(session)] == [second]
        silent = trainings.leases(session)
        assert silent.keys() == {first}
        assert trainings.renew(session, first, "one", 10)
        assert not trainings.renew(session, first, "two", 10)
    with database.write() as session:
        assert [t.id for t in trainings.open_ones(session, silent)] == [second], "it has stirred since"
        assert trainings.claim(session, first, "two", 10, silent) is None
        silent = trainings.leases(session)
        assert [t.id for t in trainings.open_ones(session, silent)] == [first, second]
        assert trainings.claim(session, first, "two", 10, silent).attempts == 2
        assert not trainings.renew(session, first, "one", 10)


@pytest.mark.parametrize("set_by_s", [-3600, 3600])
def test_a_clock_that_is_set_neither_ends_a_lease_nor_prolongs_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, set_by_s: float
) -> None:
    _, _, training_id = closed(database, "Ada")
    with database.write() as session:
        trainings.claim(session, training_id, "one", 10)
        silent = trainings.leases(session)
    set_clock(monkeypatch, set_by_s)
    with database.write() as session:
        assert trainings.open_ones(session) == []
        assert trainings.claim(session, training_id, "two", 10) is None
        assert [t.id for t in trainings.open_ones(session, silent)] == [training_id]
        assert trainings.claim(session, training_id, "two", 10, silent)


@pytest.mark.parametrize("set_by_s", [-3600, -30, 30, 3600])
def test_a_clock_that_is_set_ends_a_pause(database: Database, monkeypatch: pytest.MonkeyPatch, set_by_s: float) -> None:
    _, _, training_id = closed(database, "Ada")
    with database.write() as session:
        trainings.give_back(trainings.claim(session, training_id, "one", 10), after_s=600.0)
        assert trainings.open_ones(session) == []
    set_clock(monkeypatch, set_by_s)
    with database.read() as session:
        assert [t.id for t in trainings.open_ones(session)] == [training_id]


def test_a_failure_by_a_clock_that_was_set_since_is_none_of_just_now(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        assert not trainings.just_failed(session, 30.0)
        trainings.end(trainings.ask(session), Stage.FAILED)
        assert trainings.just_failed(session, 30.0)
        set_clock(monkeypatch, -3600)
        assert not trainings.just_failed(session, 30.0)


def set_clock(monkeypatch: pytest.MonkeyPatch, by_s: float) -> None:
    now = time.time
    monkeypatch.setattr(trainings.time, "time", lambda: now() + by_s)


def test_a_training_that_ended_is_not_claimed_again(database: Database) -> None:
    _, _, training_id = closed(database, "Ada")
    with database.write() as session:
        trainings.end(trainings.get(session, training_id), Stage.LIVE)
    with database.write() as session:
        assert trainings.claim(session, training_id, "worker", 10) is None
        assert trainings.claim(session, "0" * 32, "worker", 10) is None
        assert trainings.open_ones(session) == []


def test_a_rollback_training_names_its_source(database: Database) -> None:
    with database.write() as session:
        training = trainings.ask_rollback(session, 3)
        assert (training.kind, training.source_version) == (TrainingKind.ROLLBACK, 3)
        assert trainings.ask(session).id != training.id
        assert len(trainings.recent(session)) == 2
