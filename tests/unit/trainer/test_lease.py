"""Leases on a real, small database."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from familiar.records import trainings
from familiar.records.engine import Database
from familiar.records.migrate import migrate
from familiar.records.schema import Training
from familiar.records.training import Stage
from familiar_trainer.lease import Lease, LeaseLost


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'familiar.db'}")
    migrate(database)
    yield database
    database.close()


def claimed(database: Database, owner: str, lease_s: float = 60.0) -> str:
    with database.write() as session:
        training = trainings.claim(session, trainings.ask(session).id, owner, lease_s)
        assert training is not None
        return training.id


def stored(database: Database, training_id: str) -> Training:
    with database.read() as session:
        return trainings.get(session, training_id)


def test_the_holder_may_change_the_training(database: Database) -> None:
    lease = Lease(database, claimed(database, "me"), "me", 60.0)
    with database.write() as session:
        lease.training(session).stage = Stage.LOADING
    assert stored(database, lease.training_id).stage == Stage.LOADING


def test_nobody_else_may(database: Database) -> None:
    lease = Lease(database, claimed(database, "another"), "me", 60.0)
    with pytest.raises(LeaseLost), database.write() as session:
        lease.training(session)


def test_nobody_may_once_it_has_ended(database: Database) -> None:
    lease = Lease(database, claimed(database, "me"), "me", 60.0)
    with database.write() as session:
        trainings.end(lease.training(session), Stage.LIVE)
    with pytest.raises(LeaseLost), database.write() as session:
        lease.training(session)


def test_a_lease_that_is_held_is_prolonged(database: Database) -> None:
    training_id = claimed(database, "me", lease_s=0.3)
    first = stored(database, training_id).lease_until
    assert first is not None
    with Lease(database, training_id, "me", 0.3):
        deadline = time.monotonic() + 10
        while (stored(database, training_id).lease_until or 0) <= first:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_a_training_given_back_waits_for_anybody(database: Database) -> None:
    training_id = claimed(database, "me")
    with Lease(database, training_id, "me", 60.0) as lease:
        lease.give_back()
    training = stored(database, training_id)
    assert (training.stage, training.lease_owner, training.lease_until) == (Stage.QUEUED, None, None)
    with database.read() as session:
        assert [row.id for row in trainings.open_ones(session)] == [training_id]


def test_a_training_given_back_with_a_pause_is_not_proposed_before_its_end(database: Database) -> None:
    training_id = claimed(database, "me")
    with Lease(database, training_id, "me", 60.0) as lease:
        lease.give_back(after_s=60.0)
    with database.read() as session:
        assert trainings.open_ones(session) == []
    with database.write() as session:
        assert trainings.claim(session, training_id, "another", 60.0) is not None, "but whoever insists may have it"


def test_a_training_that_was_taken_over_is_not_given_back(database: Database) -> None:
    training_id = claimed(database, "another")
    Lease(database, training_id, "me", 60.0).give_back()
    assert stored(database, training_id).lease_owner == "another"
