"""A real database for every test: SQLite in a file, or PostgreSQL where there is one."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import text

sys.path.insert(0, str(Path(__file__).parent / "records"))  # seen

import postgresql
import tables
from familiar.records.engine import Database

KINDS = ["sqlite", *(["postgresql"] if postgresql.available() else [])]


@pytest.fixture(params=KINDS)
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """An empty database with its tables."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path}/state/familiar.db")
    else:
        opened = Database(request.getfixturevalue("postgresql_url"))
        with opened.engine.begin() as connection:
            connection.execute(text("DROP SCHEMA public CASCADE"))
            connection.execute(text("CREATE SCHEMA public"))
    tables.lay(opened)
    yield opened
    opened.close()
