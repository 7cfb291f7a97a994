"""Versions of the head: their numbers, what is told of each, and which one is live."""

import threading

import pytest
from capturing import add_head
from sqlalchemy import inspect

from familiar.errors import NotFound
from familiar.knowing.head import Head
from familiar.records import erasures, versions
from familiar.records.engine import Database
from familiar.servable import HEAD


def test_version_numbers_are_never_given_out_twice(database: Database) -> None:
    given: list[int] = []

    def take() -> None:
        for _ in range(10):
            given.append(database.retry(lambda session: versions.issue(session, HEAD)))

    threads = [threading.Thread(target=take) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(given) == list(range(1, 41))
    with database.write() as session:
        assert versions.issue(session, HEAD, floor=99) == 100


def test_the_report_of_a_head_is_read_for_one_person_and_not_with_a_list_of_heads(database: Database) -> None:
    add_head(database, 1, "a" * 32, "b" * 32)
    with database.write() as session:
        versions.add_head(
            session, 2, training_id=None, backbone_version=1, head=Head.empty(128), meta={}, status="live"
        )
    with database.read() as session:
        assert all("report" in inspect(head).unloaded for head in versions.heads(session))
        assert "report" in inspect(versions.live_head(session)).unloaded
        assert versions.report_of(session, 1, "b" * 32) == {"nearest": "a" * 32}
        assert versions.report_of(session, 1, "c" * 32) is None
        assert versions.report_of(session, 2, "b" * 32) is None
        assert versions.report_of(session, 3, "b" * 32) is None


def test_the_newest_head_that_went_live_supersedes_those_before(database: Database) -> None:
    for version in (1, 2, 3):
        add_head(database, version, "a")
    for version in (1, 2):
        with database.write() as session:
            versions.go_live(session, version)
    with database.read() as session:
        assert versions.live_head(session).version == 2
        assert [(h.version, h.status) for h in versions.heads(session)] == [
            (3, "published"), (2, "live"), (1, "superseded"),
        ]  # fmt: skip
        assert Head.from_bytes(versions.head(session, 1).weights).person_ids == ("a",)
        with pytest.raises(NotFound):
            versions.head(session, 9)


def test_who_a_head_knows_is_read_only_where_it_is_asked_for(database: Database) -> None:
    add_head(database, 1, "a" * 32, "b" * 32)
    with database.write() as session:
        versions.go_live(session, 1)
        versions.head(session, 1).meta = {"people": 2}
    with database.read() as session:
        live, listed = versions.live_head(session), versions.heads(session)
        for row in (live, *listed):
            assert {"person_ids", "weights", "report"} <= inspect(row).unloaded
            assert versions.people_of(row) == 2
        assert live.person_ids == ["a" * 32, "b" * 32]


def test_a_head_whose_people_were_erased_knows_nobody(database: Database) -> None:
    add_head(database, 1, "a" * 32)
    with database.write() as session:
        versions.head(session, 1).meta = {"people": 1}
        erasures.forget(session, [1])
    with database.read() as session:
        assert versions.people_of(versions.head(session, 1)) == 0
