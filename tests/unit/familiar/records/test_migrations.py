import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import select, text

from familiar.errors import MisconfiguredError
from familiar.records import erasures, people, versions
from familiar.records.engine import Database
from familiar.records.migrate import _config as alembic_config
from familiar.records.migrate import check, migrate
from familiar.records.schema import Base, Person


def test_the_migrations_make_exactly_the_tables_of_the_schema(database: Database) -> None:
    check(database)
    with database.engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), Base.metadata) == []


def test_migrating_again_changes_nothing_even_from_several_processes_at_once(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/familiar.db"
    command = [sys.executable, "-m", "familiar.records.migrate"]
    running = [subprocess.Popen(command, env={**os.environ, "DATABASE_URL": url}) for _ in range(3)]
    assert [process.wait(60) for process in running] == [0, 0, 0]
    check(Database(url))


def test_reports_that_were_among_the_metrics_are_moved_out_of_them(database: Database) -> None:
    with database.engine.connect() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0001")
        told = {"samples": 9, "dropped": [3, 5], "held_out": 9, "missed": 1, "nearest": "b", "similarity": 0.7}
        alone = {"samples": 5, "dropped": [], "held_out": 0, "missed": 0, "nearest": None, "similarity": None}
        metrics = {
            1: {},
            2: {"fnir": None, "people": {}},
            3: {"fnir": None, "people": {"a": told, "b": alone}, "worse": ["a: lost"]},
        }
        for version, old in metrics.items():
            values = {"version": version, "meta": json.dumps({"dim": 128, "metrics": old})}
            connection.execute(
                text(
                    "INSERT INTO head_versions (version, backbone_version, status, meta, person_ids, created_at) "
                    "VALUES (:version, 1, 'superseded', :meta, '[]', 0)"
                ),
                values,
            )
        connection.commit()
    migrate(database)
    check(database)
    with database.read() as session:
        heads = {head.version: (head.meta, head.report) for head in versions.heads(session)}
    unnamed = {"sample": None, "reason": "like_strangers"}
    assert heads == {
        1: ({"dim": 128, "metrics": {}}, None),
        2: ({"dim": 128, "metrics": {"fnir": None, "dropped": 0}}, {}),
        3: (
            {"dim": 128, "metrics": {"fnir": None, "dropped": 2, "worse": ["a: lost"]}},
            {"a": {**told, "dropped": [unnamed, unnamed], "weakest": None}, "b": {**alone, "weakest": None}},
        ),
    }


def test_of_those_who_bear_one_name_already_the_first_one_counts_and_the_others_share_it(database: Database) -> None:
    statuses = {"old": "live", "second": "live", "capturing": "open", "spaced": "failed", "unseen": "live"}
    names = {**dict.fromkeys(statuses, "Ada Lovelace"), "spaced": "Ada\u00a0Lovelace", "unseen": "\u200d"}
    with database.connected() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        for number, (who, status) in enumerate(statuses.items()):
            values = {"id": who, "name": names[who], "at": number, "status": status}
            connection.execute(text("INSERT INTO people (id, name, created_at) VALUES (:id, :name, :at)"), values)
            connection.execute(
                text(
                    "INSERT INTO enrollments (id, person_id, status, created_at, updated_at) "
                    "VALUES (:id, :id, :status, :at, :at)"
                ),
                values,
            )
        connection.commit()
    migrate(database)
    check(database)
    with database.read() as session:
        rows = {row.id: row for row in session.scalars(select(Person))}
        assert {row.id for row in people.namesakes(session, "Ada Lovelace")} == {"old", "second", "spaced"}
    assert {who for who, row in rows.items() if row.enrolled} == {"old", "second", "spaced", "unseen"}
    assert {who for who, row in rows.items() if row.shares_name} == {"second", "spaced"}


def test_heads_that_hold_somebody_deleted_are_known_to_and_those_that_never_served_lose_their_weights(
    database: Database,
) -> None:
    with database.connected() as connection:
        config = alembic_config()
        config.attributes["connection"] = connection
        command.downgrade(config, "0003")
        connection.execute(text("INSERT INTO erasures (person_id, created_at) VALUES ('gone', 0)"))
        for version, (status, held) in enumerate([("live", "[]"), ("live", '["gone"]'), ("rejected", "[]")], start=1):
            connection.execute(
                text(
                    "INSERT INTO head_versions "
                    "(version, backbone_version, status, meta, person_ids, weights, created_at) "
                    "VALUES (:version, 1, :status, '{}', :held, :weights, 0)"
                ),
                {"version": version, "status": status, "held": held, "weights": b"weights"},
            )
        connection.commit()
    migrate(database)
    with database.read() as session:
        assert erasures.tainted(session) == {2}
        assert erasures.open_ones(session, in_heads=True) == ["gone"]
        assert [row.weights for row in versions.heads(session)] == [None, b"weights", b"weights"]


def test_tables_of_another_release_are_refused(database: Database) -> None:
    with database.engine.begin() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(MisconfiguredError, match="9999"):
        check(database)
