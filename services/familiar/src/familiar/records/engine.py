"""Opening the database, and the two ways to use it: reading, and writing in one transaction."""

import random
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, OperationalError
from sqlalchemy.orm import Session

from familiar.errors import DatabaseUnavailable, MisconfiguredError

_BUSY_TIMEOUT_S = 15.0
_CONNECT_TIMEOUT_S = 5
T = TypeVar("T")

MOST_VARIABLES = 10_000
"""Values to send with one statement; SQLite takes 32,766 and PostgreSQL 65,535, and a head may know more people."""


class Database:
    """The database at a URL, SQLite or PostgreSQL.

    SQLite runs in WAL mode with ``synchronous=FULL``, because what was answered must survive a power cut, and with
    ``secure_delete``, because what was erased must be gone from the file.
    """

    def __init__(self, url: str) -> None:
        """Prepare to connect; nothing is opened yet.

        Raises:
            MisconfiguredError: the URL is not one we can use, or names a folder that cannot be made.
        """
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            if self.is_sqlite and parsed.database:
                Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
            self.engine = _create(url, self.is_sqlite)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, OSError) as exc:
            raise MisconfiguredError(f"DATABASE_URL: {exc}") from exc

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session for reading; nothing it changes is kept.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        with _translated(), Session(self.engine, expire_on_commit=False) as session:
            yield session  # closing it rolls back and leaves the rows that were read readable

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session whose changes are committed together at the end, or not at all.

        Raises:
            DatabaseUnavailable: the database does not answer, is full, or stays locked.
        """
        with _translated(), Session(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                # Taking the write lock at once waits for it; upgrading a read lock later would fail instead.
                session.execute(text("BEGIN IMMEDIATE"))
            yield session
            session.commit()

    def retry(self, work: Callable[[Session], T], attempts: int = 5) -> T:
        """Run ``work`` in a write transaction, again if a concurrent one got in its way (a deadlock, say)."""
        for attempt in range(attempts):
            try:
                with self.write() as session:
                    return work(session)
            except DatabaseUnavailable as exc:
                conflict = isinstance(exc.__cause__, DBAPIError) and not exc.__cause__.connection_invalidated
                if not conflict or attempt == attempts - 1:
                    raise
                time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))
        raise AssertionError("unreachable")

    def check(self) -> None:
        """Ask the database for a sign of life.

        Raises:
            DatabaseUnavailable: it gives none.
        """
        with self.read() as session:
            session.execute(text("SELECT 1"))

    def scrub(self) -> None:
        """Remove erased rows from the files as well: fold SQLite's write-ahead log into the database and empty it."""
        if self.is_sqlite:
            with _translated(), self.engine.connect() as connection:
                connection.execute(text("PRAGMA wal_checkpoint(TRUNCATE)"))

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()


def _create(url: str, is_sqlite: bool) -> Engine:
    if not is_sqlite:
        return create_engine(
            url, pool_pre_ping=True, pool_size=10, connect_args={"connect_timeout": _CONNECT_TIMEOUT_S}
        )
    engine = create_engine(url, connect_args={"timeout": _BUSY_TIMEOUT_S})

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # Transactions are begun by us (see ``write``), not guessed by the driver.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except OperationalError as exc:
        raise DatabaseUnavailable("the database does not answer") from exc
    except DBAPIError as exc:
        raise DatabaseUnavailable("the database refused the change") from exc
