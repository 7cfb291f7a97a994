"""Opening the database, and the two ways to use it: reading, and writing in one transaction."""

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import URL, Connection, Engine, create_engine, event, make_url, text
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.exc import TimeoutError as NoConnectionLeft
from sqlalchemy.orm import Session

from familiar import disk
from familiar.disk import Disk
from familiar.errors import DatabaseUnavailable, MisconfiguredError
from familiar.records import faults
from familiar.records.inspection import Inspection
from familiar.records.privacy import keep_private

_PATIENCE_S = 5.0
"""How long a request waits for a lock or a connection before it is told that the database is busy."""
_CONNECT_TIMEOUT_S = 5
_LEAST_ROOM_BYTES = 4_000_000
"""Below this a disk counts as full: soon no change can be written any more."""
_KEPT_CONNECTIONS = 10
"""So many stay open when nobody uses them."""
T = TypeVar("T")

MOST_VARIABLES = 10_000
"""Values to send with one statement; SQLite takes 32,766 and PostgreSQL 65,535, and a head may know more people."""


class Database:
    """The database at a URL, SQLite or PostgreSQL.

    SQLite runs in WAL mode with ``synchronous=FULL``, because what was answered must survive a power cut, and with
    ``secure_delete``, because what was erased must be gone from the file. Nobody but its owner may read its files.
    """

    def __init__(self, url: str, connections: int = 20) -> None:
        """Prepare to connect; nothing is opened yet.

        ``connections`` to PostgreSQL are open at most. Where each thread that uses this has one of them, none waits for
        another; one more would, and be told that the database is busy. To SQLite there is one for each thread.

        Raises:
            MisconfiguredError: the URL is not one we can use, or names a folder that cannot be made.
        """
        try:
            parsed = make_url(url)
            self.is_sqlite = parsed.get_backend_name() == "sqlite"
            self.file = _file_of(parsed) if self.is_sqlite else None
            if self.file is not None:
                self.file.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            self.engine = _sqlite(url, self.file) if self.is_sqlite else _postgresql(url, connections)
        except (ArgumentError, NoSuchModuleError, ModuleNotFoundError, OSError) as exc:
            raise MisconfiguredError(f"DATABASE_URL: {exc}") from exc
        self._where = str(self.file or parsed.render_as_string(hide_password=True))
        self._inspection = None if self.file is None else Inspection(self.file)
        # SQLite admits one writer at a time. Whoever waits here does so without a connection, and in the order of
        # coming; within SQLite the luckiest would be next, after a sleep.
        self._turn = threading.Lock()
        self._fault: DatabaseUnavailable | None = None

    @contextmanager
    def read(self) -> Iterator[Session]:
        """Give a session that reads the database as it is at one moment; nothing it changes is kept.

        What several statements read belongs together: nobody can have deleted what an earlier one pointed to.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        with self._translated(), Session(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                session.execute(text("BEGIN"))
            else:
                session.connection(execution_options={"isolation_level": "REPEATABLE READ"})
            yield session  # closing it rolls back and leaves the rows that were read readable

    @contextmanager
    def write(self) -> Iterator[Session]:
        """Give a session whose changes are committed together at the end, or not at all.

        Raises:
            DatabaseUnavailable: the database does not answer, is full, or stays locked.
        """
        with self._taking_turns(), self._translated(), Session(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                # Taking the write lock at once waits for it; upgrading a read lock later would fail instead.
                session.execute(text("BEGIN IMMEDIATE"))
            yield session
            session.commit()
        if self._fault is not None and self._fault.code != faults.DAMAGED.code:
            self._fault = None

    def retry(self, work: Callable[[Session], T], attempts: int = 5) -> T:
        """Run ``work`` in a write transaction, again if a concurrent one got in its way (a deadlock, say).

        What was waited for in vain is not waited for again.
        """
        for attempt in range(attempts):
            try:
                with self.write() as session:
                    return work(session)
            except DatabaseUnavailable as exc:
                if not faults.worth_repeating(exc.__cause__) or attempt == attempts - 1:
                    raise
                time.sleep(random.uniform(0.01, 0.05) * (attempt + 1))
        raise AssertionError("unreachable")

    def check(self) -> None:
        """Ask the database for a sign of life, and whether it is sound as far as is known at this moment.

        Of a fault that lasts, a full disk say, this tells until a change has been written again.

        Raises:
            DatabaseUnavailable: it gives none, is damaged, or could not be written to.
        """
        self._ping()
        if self._inspection is not None and (damage := self._inspection.damage()) is not None:
            raise faults.unavailable(faults.DAMAGED, self._where, damage)
        self._require_room()
        if self._fault is None:
            return
        if self._fault.code == faults.DAMAGED.code:
            raise self._fault
        with self.write() as session:
            session.execute(text("UPDATE issued_versions SET version = version"))

    def disk(self) -> Disk:
        """Return what the database takes, and how much room there is for it; of one on another machine only the first.

        Raises:
            DatabaseUnavailable: the database does not answer, or its file cannot be looked at.
        """
        if self.file is not None:
            try:
                return disk.of_files(*(self.file.with_name(self.file.name + end) for end in ("", "-wal", "-shm")))
            except OSError as exc:
                raise faults.unavailable(faults.UNREADABLE, self._where, str(exc.strerror)) from exc
        if self.is_sqlite:
            return Disk(0, None, None)
        with self.read() as session:
            return Disk(session.scalar(text("SELECT pg_database_size(current_database())")) or 0, None, None)

    def software(self) -> dict[str, str]:
        """Return what the database is, by name and version.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        with self.read() as session:
            session.connection()
            version = ".".join(map(str, self.engine.dialect.server_version_info or ()))
        return {self.engine.dialect.name: version}

    def inspect(self) -> None:
        """Look all of the database over for damage, which takes as long as reading it; for a start.

        A full disk does not matter here: who is known already is recognised all the same.

        Raises:
            DatabaseUnavailable: it is damaged, or does not answer.
        """
        self._ping()
        if self._inspection is not None and (damage := self._inspection.complete()) is not None:
            raise faults.unavailable(faults.DAMAGED, self._where, damage)

    @contextmanager
    def connected(self) -> Iterator[Connection]:
        """Give a bare connection, for what knows no session.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        with self._translated(), self.engine.connect() as connection:
            yield connection

    def scrub(self, patience_s: float = 0.2) -> bool:
        """Remove erased rows from the files as well: fold SQLite's write-ahead log into the database and empty it.

        Tell whether that is done; while another connection reads what was there before, or writes, it cannot be. One
        that does so only for ``patience_s`` is waited for.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        if not self.is_sqlite:
            return True
        said = self.patiently("PRAGMA wal_checkpoint(TRUNCATE)", patience_s)
        return said is not None and not said[0][0]

    def patiently(self, statement: str, patience_s: float) -> list[Any] | None:
        """Return what SQLite says to a statement outside of transactions; None: others were in its way for so long.

        Raises:
            DatabaseUnavailable: the database does not answer.
        """
        try:
            with self.connected() as connection, patience(connection, patience_s):
                said = connection.execute(text(statement))
                return list(said) if said.returns_rows else []
        except DatabaseUnavailable as exc:
            if exc.code == faults.BUSY.code:
                return None
            raise

    def close(self) -> None:
        """Close all connections."""
        self.engine.dispose()

    def _ping(self) -> None:
        with self.read() as session:
            session.execute(text("SELECT 1"))

    @contextmanager
    def _taking_turns(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        if not self._turn.acquire(timeout=_PATIENCE_S):
            raise faults.unavailable(faults.BUSY, self._where)
        try:
            yield
        finally:
            self._turn.release()

    @contextmanager
    def _translated(self) -> Iterator[None]:
        try:
            yield
        except (DBAPIError, NoConnectionLeft) as exc:
            fault = faults.fault_of(exc)
            error = faults.unavailable(fault, self._where, str(getattr(exc, "orig", None) or ""))
            if fault.lasts:
                self._fault = error
            raise error from exc
        except _Garbled as exc:
            self._fault = faults.unavailable(faults.DAMAGED, self._where, str(exc))
            raise self._fault from exc

    def _require_room(self) -> None:
        if self.file is None or not hasattr(os, "statvfs"):
            return
        try:
            disk = os.statvfs(self.file.parent)
        except OSError as exc:
            raise faults.unavailable(faults.UNREADABLE, self._where, str(exc.strerror)) from exc
        if disk.f_bavail * disk.f_frsize < _LEAST_ROOM_BYTES:
            raise faults.unavailable(faults.FULL, self._where)


class _Garbled(Exception):
    """What is stored as JSON is none."""


@contextmanager
def patience(connection: Connection, seconds: float) -> Iterator[None]:
    """Have statements on this connection to SQLite wait so long for locks, and as before afterwards."""
    connection.execute(text(f"PRAGMA busy_timeout = {seconds * 1000:.0f}"))
    try:
        yield
    finally:
        connection.execute(text(f"PRAGMA busy_timeout = {_PATIENCE_S * 1000:.0f}"))


def _file_of(url: URL) -> Path | None:
    """Return the file of a SQLite database; None if it is in memory, or named in SQLite's own way."""
    name = url.database or ""
    return None if not name or name == ":memory:" or name.startswith("file:") else Path(name).absolute()


def _postgresql(url: str, connections: int) -> Engine:
    kept = min(connections, _KEPT_CONNECTIONS)
    engine = create_engine(
        url,
        pool_pre_ping=True,
        pool_size=kept,
        max_overflow=connections - kept,
        pool_timeout=_PATIENCE_S,
        connect_args={"connect_timeout": _CONNECT_TIMEOUT_S},
    )

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        with connection.cursor() as cursor:
            cursor.execute(f"SET lock_timeout = {_PATIENCE_S * 1000:.0f}")
        connection.commit()

    return engine


def _sqlite(url: str, file: Path | None) -> Engine:
    # As many connections as there are threads that ask: each has one at most, and to wait for one would only be to
    # wait for the same lock with less to show for it.
    pool = {} if file is None else {"max_overflow": -1}
    engine = create_engine(url, connect_args={"timeout": _PATIENCE_S}, json_deserializer=_parse, **pool)

    @event.listens_for(engine, "do_connect")
    def _keep_private(*_: Any) -> None:
        if file is not None:
            keep_private(file)

    @event.listens_for(engine, "connect")
    def _prepare(connection: Any, _record: Any) -> None:
        # Transactions are begun by us (see ``write``), not guessed by the driver.
        connection.isolation_level = None
        cursor = connection.cursor()
        for pragma in ("journal_mode=WAL", "synchronous=FULL", "foreign_keys=ON", "secure_delete=ON"):
            cursor.execute(f"PRAGMA {pragma}")
        cursor.close()

    return engine


def _parse(stored: str) -> Any:
    try:
        return json.loads(stored)
    except ValueError as exc:
        raise _Garbled(f"a record is not readable: {exc}") from exc
