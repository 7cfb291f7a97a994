"""A real database for every test: SQLite in a file, or PostgreSQL where TEST_POSTGRES_URL names one."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

from familiar.records.engine import Database
from familiar.records.migrate import migrate

URLS = ["sqlite"] + (["postgresql"] if os.environ.get("TEST_POSTGRES_URL") else [])


@pytest.fixture(params=URLS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with its tables."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path}/state/familiar.db")
    else:
        opened = Database(os.environ["TEST_POSTGRES_URL"])
        with opened.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    migrate(opened)
    yield opened
    opened.close()
