"""Bringing the tables to the form this release expects: ``python -m familiar.records.migrate``."""

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from importlib import resources

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, text

from familiar.errors import FamiliarError, MisconfiguredError
from familiar.records.engine import Database, patience
from familiar.settings import Settings

_log = logging.getLogger(__name__)

# Any number will do; it keeps two processes from migrating one PostgreSQL database at once.
_ADVISORY_LOCK = 7_263_948_115
_PATIENCE_S = 300


def migrate(database: Database) -> None:
    """Bring the tables up to date; safe to call from several processes at once, and when there is nothing to do.

    Raises:
        DatabaseUnavailable: the database does not answer, is damaged, or cannot be written to.
    """
    database.inspect()
    with database.connected() as connection, _alone(connection, database.is_sqlite):
        config = _config()
        before = MigrationContext.configure(connection).get_current_revision()
        config.attributes["connection"] = connection
        command.upgrade(config, "head")
        after = MigrationContext.configure(connection).get_current_revision()
        connection.commit()
    if before != after:
        _log.info("the tables are at revision %s now, before %s", after, before or "there were none")


def check(database: Database) -> None:
    """Make sure the tables have the form this release expects.

    Raises:
        MisconfiguredError: they have not; run the migration first.
        DatabaseUnavailable: the database does not answer.
    """
    wanted = ScriptDirectory.from_config(_config()).get_current_head()
    with database.connected() as connection:
        present = MigrationContext.configure(connection).get_current_revision()
    if present != wanted:
        raise MisconfiguredError(
            f"DATABASE_URL: the tables are at revision {present}, this release needs {wanted}; "
            "run `python -m familiar.records.migrate`"
        )


def _config() -> Config:
    # It tells at each start which database it is; what it does to it is said by ``migrate``.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", str(resources.files("familiar.records") / "migrations"))
    return config


@contextmanager
def _alone(connection: Connection, is_sqlite: bool) -> Iterator[None]:
    """Keep other processes from migrating until the transaction ends, waiting for one that does."""
    if is_sqlite:
        with patience(connection, _PATIENCE_S):
            connection.execute(text("BEGIN IMMEDIATE"))
            yield
    else:
        connection.execute(text(f"SET LOCAL lock_timeout = {_PATIENCE_S * 1000:.0f}"))
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _ADVISORY_LOCK})
        yield


def main() -> int:
    """Migrate the database of ``DATABASE_URL``; the exit status tells whether it worked."""
    try:
        settings = Settings.from_env()
        logging.basicConfig(level=settings.log_level, format="%(levelname)s %(message)s")
        database = Database(settings.database_url)
        migrate(database)
        check(database)
    except FamiliarError as exc:
        print(f"migrate: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
