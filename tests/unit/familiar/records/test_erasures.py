"""What was deleted: which heads were made of it, and when no trace is left."""

import sqlite3
import threading
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
from records_world import VECTOR, capture, contents, learn, publish, read, remove, without_weights
from sqlalchemy.orm import Session

from familiar.knowing.head import Head
from familiar.records import clean, enrollments, erasures, people, trainings, versions
from familiar.records.engine import Database
from familiar.records.migrate import migrate
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus


def test_heads_made_of_a_sample_that_is_deleted_are_tainted_and_their_weights_gone(database: Database) -> None:
    ada, first, _ = capture(database, "Ada")
    bob, other, _ = capture(database, "Bob")
    without_it = [learn(database, first, ada), learn(database, other, ada, bob)]
    _, second, taken = capture(database, "Ada again", ada)
    made_of_it = [learn(database, second, ada, bob), publish(database, ada, bob)]
    of_others = publish(database, bob)
    remove(database, ada, taken[0])
    with database.read() as session:
        assert erasures.tainted(session) == set(made_of_it)
        assert erasures.open_ones(session) == [taken[0]]
    assert without_weights(database) == set(made_of_it)
    assert not {*without_it, of_others} & without_weights(database)


def test_a_head_that_is_about_to_serve_may_be_made_of_a_sample_that_waits_for_it(database: Database) -> None:
    ada, enrollment, taken = capture(database, "Ada")
    with database.write() as session:
        enrollments.close(session, enrollments.get(session, enrollment))
    coming = publish(database, ada, live=False)
    remove(database, ada, taken[0])
    with database.read() as session:
        assert erasures.tainted(session) == {coming}


def test_no_head_was_made_of_a_sample_that_is_still_being_captured(database: Database) -> None:
    ada, first, _ = capture(database, "Ada")
    learn(database, first, ada)
    _, _, taken = capture(database, "Ada again", ada)
    remove(database, ada, taken[0])
    with database.read() as session:
        assert erasures.tainted(session) == set()
        assert erasures.open_ones(session, in_heads=False) == [taken[0]]


def test_a_capture_that_is_given_up_is_erased_when_the_files_are_clean(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    _, enrollment, _ = capture(database, "Somebody nobody knows")
    reader = sqlite3.connect(tmp_path / "familiar.db", isolation_level=None)
    read(reader)
    with database.write() as session:
        enrollments.discard(session, enrollments.get(session, enrollment))
    assert clean(database) == []
    with database.read() as session:
        assert erasures.open_ones(session) == [enrollment]
    assert b"Somebody nobody" in contents(tmp_path)
    reader.execute("ROLLBACK")
    assert clean(database) == [enrollment]
    with database.read() as session:
        assert erasures.open_ones(session) == []
    assert b"Somebody nobody" not in contents(tmp_path)
    reader.close()
    database.close()


def test_a_capture_of_which_nothing_was_kept_leaves_nothing_to_erase(database: Database) -> None:
    _, enrollment, _ = capture(database, "Ada", frames=0)
    with database.write() as session:
        enrollments.discard(session, enrollments.get(session, enrollment))
        assert erasures.open_ones(session) == []


def test_weights_of_long_ago_are_thrown_away_and_what_is_known_of_the_versions_stays(database: Database) -> None:
    ada, enrollment, _ = capture(database, "Ada")
    learn(database, enrollment, ada)
    for _ in range(7):
        publish(database, ada)
    coming = publish(database, ada, live=False)
    with database.write() as session:
        assert set(versions.prune(session, keep=3)) == {1, 2, 3, 4, 5}
    with database.read() as session:
        rows = {row.version: row for row in versions.heads(session)}
        kept = {version for version, row in rows.items() if row.weights is not None}
        assert kept == {8, 7, 6, coming}
        assert {rows[version].status for version in (1, 5)} == {HeadStatus.PRUNED}
        assert rows[1].person_ids == [ada] and rows[1].report == {} and rows[8].status == HeadStatus.LIVE
        assert versions.prunable(session, 3) == []


def test_a_version_that_is_about_to_come_back_keeps_its_weights(database: Database) -> None:
    ada, enrollment, _ = capture(database, "Ada")
    learn(database, enrollment, ada)
    for _ in range(5):
        publish(database, ada)
    with database.write() as session:
        rollback = trainings.ask_rollback(session, 1)
        assert set(versions.prune(session, keep=3)) == {2, 3}
        trainings.end(rollback, Stage.LIVE)
        assert versions.prune(session, keep=3) == [1]


def test_a_version_that_is_tainted_is_erased_even_if_it_was_pruned(database: Database) -> None:
    ada, enrollment, _ = capture(database, "Ada")
    learn(database, enrollment, ada)
    for _ in range(4):
        publish(database, ada)
    with database.write() as session:
        versions.prune(session, keep=3)
        people.erase(session, ada)
        assert 1 in erasures.tainted(session)
        erasures.forget(session, [1])
        row = versions.head(session, 1)
        assert (row.status, row.person_ids, row.report) == (HeadStatus.ERASED, [], None)


@pytest.mark.parametrize("what", ["person", "sample"])
def test_what_heads_were_made_of_is_deleted_before_or_after_a_head_is_recorded_and_not_meanwhile(
    database: Database, what: str
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has one writer at a time")

    ada, enrollment, taken = capture(database, "Ada")
    learn(database, enrollment, ada)
    deletions: dict[str, Callable[[], None]] = {
        "person": lambda: database.retry(lambda session: people.erase(session, ada)),
        "sample": lambda: remove(database, ada, taken[0]),
    }
    deleting = threading.Thread(target=deletions[what])
    with database.write() as session:  # a trainer that records a head made of her
        versions.take_turns(session)
        head = Head((ada,), VECTOR[None], np.full(1, 0.9, np.float32))
        version = versions.issue(session, "head")
        versions.add_head(
            session, version, training_id=None, backbone_version=1, head=head, meta={}, status=HeadStatus.PUBLISHED
        )
        deleting.start()
        deleting.join(0.3)
        assert deleting.is_alive(), "it has to wait for its turn"
    deleting.join(10)
    with database.read() as session:
        assert version in erasures.tainted(session)


T = TypeVar("T")


class _Interrupted(Database):
    """A database to which something happens each time that its files are clean, before that is recorded."""

    def __init__(self, url: str, *then: Callable[[], object]) -> None:
        super().__init__(url)
        self.then = list(then)

    def retry(self, work: Callable[[Session], T], attempts: int = 5) -> T:
        if self.then:
            self.then.pop(0)()
        return super().retry(work, attempts)


def test_what_is_pruned_while_the_files_are_cleaned_of_what_was_before_is_cleaned_as_well(
    tmp_path: Path,
) -> None:
    database = _Interrupted(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)

    def prune() -> None:
        with database.write() as session:
            erasures.begin(session, "pruned", in_heads=False)

    prune()
    reader = sqlite3.connect(tmp_path / "familiar.db", isolation_level=None)
    database.then = [lambda: (prune(), read(reader))]
    clean(database)
    with database.read() as session:
        assert "pruned" in erasures.open_ones(session), "of the second time the files may not be clean"
    reader.close()
    assert clean(database) == ["pruned"]
    with database.read() as session:
        assert erasures.open_ones(session) == []
    database.close()


def test_an_erasure_stays_open_without_its_id_until_that_is_in_no_file(tmp_path: Path) -> None:
    database = _Interrupted(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    ada, _, _ = capture(database, "Ada")
    with database.write() as session:
        people.erase(session, ada)
    reader = sqlite3.connect(tmp_path / "familiar.db", isolation_level=None)
    database.then = [lambda: read(reader)]
    assert clean(database, [ada]) == [ada], "nothing is left but that it is recorded"
    assert ada.encode() in contents(tmp_path)
    with database.read() as session:
        (left,) = erasures.open_ones(session)
        assert left != ada
    reader.close()
    assert clean(database) == []
    assert ada.encode() not in contents(tmp_path)
    with database.read() as session:
        assert erasures.open_ones(session) == []
    database.close()
