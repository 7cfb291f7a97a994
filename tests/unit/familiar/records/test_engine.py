"""What a database that is busy, full, damaged or in others' sight is to whoever uses it."""

import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import event, text

from familiar.errors import DatabaseUnavailable
from familiar.records import engine, inspection, people, versions
from familiar.records.engine import Database
from familiar.records.migrate import check, migrate
from familiar.records.schema import IssuedVersion, Person

PATIENCE_S = 0.3


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nobody waits long."""
    monkeypatch.setattr(engine, "_PATIENCE_S", PATIENCE_S)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Where a SQLite database with tables is."""
    path = tmp_path / "state" / "familiar.db"
    database = Database(f"sqlite:///{path}")
    migrate(database)
    database.close()
    return path


@contextmanager
def opened(url: str) -> Iterator[Database]:
    database = Database(url)
    yield database
    database.close()


@contextmanager
def another_process_writes(file: Path) -> Iterator[None]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    yield
    other.execute("ROLLBACK")
    other.close()


def code_of(work: Callable[[], object]) -> str | None:
    """Return the code of what comes of work, None if all is well; nothing but the one error may come of it."""
    try:
        work()
    except DatabaseUnavailable as exc:
        return exc.code
    return None


def add_somebody(database: Database) -> None:
    database.retry(lambda session: people.add(session, "Ada"))


def count(database: Database) -> int:
    with database.read() as session:
        return people.count(session)


@pytest.mark.usefixtures("impatient")
def test_while_another_process_writes_every_writer_is_told_that_it_is_busy_and_readers_go_on(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        with another_process_writes(file), ThreadPoolExecutor(64) as threads:
            written = [threads.submit(code_of, lambda: add_somebody(database)) for _ in range(40)]
            read = [threads.submit(count, database) for _ in range(24)]
            assert {each.result(60) for each in written} == {"busy"}
            assert {each.result(60) for each in read} == {0}
        add_somebody(database)
        assert count(database) == 1


@pytest.mark.usefixtures("impatient")
def test_what_was_waited_for_in_vain_is_not_waited_for_again(file: Path) -> None:
    tries = 0

    def counted(*_: object) -> None:
        nonlocal tries
        tries += 1

    with opened(f"sqlite:///{file}") as database, another_process_writes(file):
        event.listen(database.engine, "before_cursor_execute", counted)
        assert code_of(lambda: add_somebody(database)) == "busy"
    assert tries == 1


def test_what_is_read_together_was_there_together(database: Database) -> None:
    with database.write() as session:
        ada = people.add(session, "Ada").id
    with database.read() as reading:
        assert people.count(reading) == 1
        with ThreadPoolExecutor(1) as elsewhere:
            elsewhere.submit(database.retry, lambda session: session.delete(session.get_one(Person, ada))).result(30)
        assert people.count(reading) == 1
        assert reading.get_one(Person, ada).name == "Ada"
    assert count(database) == 0


def test_what_is_changed_while_reading_is_not_kept(database: Database) -> None:
    with database.read() as reading:
        people.add(reading, "Ada")
        reading.flush()
    assert count(database) == 0


@pytest.mark.usefixtures("impatient")
def test_a_row_that_stays_locked_is_busy_and_not_waited_for_without_end(
    database: Database, request: pytest.FixtureRequest
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has no locks on rows")
    with opened(request.getfixturevalue("postgresql_url")) as impatient, database.write() as holder:
        holder.get_one(IssuedVersion, "head", with_for_update=True)
        assert code_of(lambda: impatient.retry(lambda s: s.get_one(IssuedVersion, "head", with_for_update=True)))


@pytest.mark.usefixtures("impatient")
@pytest.mark.parametrize(("readers", "connections", "codes"), [(41, 40, {None, "busy"}), (40, 40, {None})])
def test_as_many_read_at_once_as_there_are_connections_and_one_more_is_told_that_it_is_busy(
    database: Database, request: pytest.FixtureRequest, readers: int, connections: int, codes: set[str | None]
) -> None:
    if database.is_sqlite:
        pytest.skip("SQLite has a connection for everybody")
    everybody = threading.Barrier(readers + 1)

    def hold(impatient: Database) -> None:
        try:
            with impatient.read() as session:
                session.execute(text("SELECT 1"))
                everybody.wait(30)
        except DatabaseUnavailable:
            everybody.wait(30)
            raise

    url = request.getfixturevalue("postgresql_url")
    with closing(Database(url, connections)) as impatient, ThreadPoolExecutor(readers) as threads:
        asked = [threads.submit(code_of, lambda: hold(impatient)) for _ in range(readers)]
        everybody.wait(30)
        assert {each.result(30) for each in asked} == codes


def overwrite(file: Path, pages: range, page_bytes: int = 4096) -> None:
    with file.open("r+b") as opened:
        for page in pages:
            opened.seek(page * page_bytes)
            opened.write(os.urandom(page_bytes))


def fill(database: Database, many: int = 300) -> None:
    with database.write() as session:
        for number in range(many):
            people.add(session, f"Person {number} {'x' * 60}")


def until_unsound(database: Database) -> DatabaseUnavailable:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline:
        try:
            database.check()
        except DatabaseUnavailable as exc:
            return exc
        time.sleep(0.05)
    raise AssertionError("nobody noticed")


@pytest.mark.parametrize("pages", [range(0, 1), range(1, 2), range(10, 14)])
def test_damage_is_noticed_while_it_is_in_use_though_nobody_reads_what_is_damaged(
    file: Path, pages: range, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_LEAST_PAUSE_S", 0.0)
    with opened(f"sqlite:///{file}") as database:
        fill(database)
        assert database.scrub()
        database.check()
        overwrite(file, pages)
        said = until_unsound(database)
    assert said.code == "database_damaged"
    assert str(file) not in said.message, "which is for anybody"
    assert str(file) in str(said) and "restore a backup" in str(said)


def test_a_file_that_is_gone_is_noticed_though_those_who_have_it_open_can_go_on(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(inspection, "_LEAST_PAUSE_S", 0.0)
    with opened(f"sqlite:///{file}") as database:
        add_somebody(database)
        file.unlink()
        assert count(database) == 1
        said = until_unsound(database)
    assert said.code == "database_damaged" and "the file is gone" in str(said)


@pytest.mark.parametrize("pages", [range(0, 1), range(1, 2), range(10, 14)])
def test_a_migration_of_a_damaged_database_says_so(file: Path, pages: range) -> None:
    with opened(f"sqlite:///{file}") as database:
        fill(database)
    overwrite(file, pages)
    with opened(f"sqlite:///{file}") as database, pytest.raises(DatabaseUnavailable) as caught:
        migrate(database)
    assert caught.value.code == "database_damaged"


def test_a_record_that_is_no_json_is_damage_and_stays_it(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        with database.write() as session:
            session.execute(text("INSERT INTO backbone_versions VALUES (1, '{\"name\": ', 0)"))

        def read() -> None:
            with database.read() as session:
                versions.backbones(session)

        assert code_of(read) == "database_damaged"
        add_somebody(database)
        assert code_of(database.check) == "database_damaged"


def test_a_full_disk_is_said_to_be_one_and_with_room_all_goes_on(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with opened(f"sqlite:///{file}") as database:

        @event.listens_for(database.engine, "checkout")
        def limit(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute(f"PRAGMA max_page_count = {most}")

        most = 1  # as few pages as there are now
        assert code_of(lambda: fill(database)) == "disk_full"
        most = 100_000
        fill(database)
        database.check()
        monkeypatch.setattr(engine, "_LEAST_ROOM_BYTES", 2**62)
        with pytest.raises(DatabaseUnavailable, match=r"no room.*familiar\.db.*make room") as caught:
            database.check()
        assert caught.value.code == "disk_full"


def test_a_full_disk_keeps_nobody_from_starting(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(engine, "_LEAST_ROOM_BYTES", 2**62)
    with opened(f"sqlite:///{file}") as database:
        migrate(database)
        check(database)


def test_a_fault_that_lasts_is_told_until_a_change_was_written(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        file.chmod(0o400)
        most = 1

        @event.listens_for(database.engine, "checkout")
        def limit(connection: sqlite3.Connection, *_: object) -> None:
            connection.execute("PRAGMA query_only = " + ("1" if most == 1 else "0"))

        assert code_of(lambda: add_somebody(database)) == "database_unavailable"
        assert code_of(database.check) == "database_unavailable"
        most = 2
        database.check()


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "sqlite:///file:{folder}/a.db?uri=true"])
def test_a_database_in_memory_or_named_in_sqlites_own_way_makes_no_file_of_that_name(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    with opened(url.replace("{folder}", str(tmp_path))) as database:
        database.check()
        assert database.scrub()
    assert {path.name for path in tmp_path.iterdir()} <= {"a.db"}


def modes(folder: Path) -> dict[str, int]:
    return {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}


def test_only_its_owner_reads_a_database(tmp_path: Path) -> None:
    previous = os.umask(0)
    try:
        with opened(f"sqlite:///{tmp_path}/new/familiar.db") as database:
            migrate(database)
            assert modes(tmp_path / "new") == dict.fromkeys(
                ("familiar.db", "familiar.db-wal", "familiar.db-shm"), 0o600
            )
        assert modes(tmp_path) == {"new": 0o700}
    finally:
        os.umask(previous)


def test_what_others_could_read_they_can_no_longer(file: Path) -> None:
    with opened(f"sqlite:///{file}") as first:
        add_somebody(first)
        for path in (*file.parent.iterdir(), file.parent):
            path.chmod(0o777)
        with opened(f"sqlite:///{file}") as second:
            assert count(second) == 1
            assert set(modes(file.parent).values()) == {0o600}
    assert stat.S_IMODE(file.parent.stat().st_mode) == 0o777, "a folder may hold what others have to read"


def test_the_log_counts_as_clean_only_when_it_is(file: Path) -> None:
    with opened(f"sqlite:///{file}") as database:
        add_somebody(database)
        reader = sqlite3.connect(file, isolation_level=None)
        reader.execute("BEGIN")
        reader.execute("SELECT * FROM people").fetchall()
        with database.write() as session:
            session.execute(text("DELETE FROM people"))
        assert not database.scrub()
        assert b"Ada" in file.with_name(file.name + "-wal").read_bytes()
        with database.write() as session:
            assert not database.scrub(), "nor while somebody writes"
            people.add(session, "Bob")
        reader.execute("ROLLBACK")
        assert database.scrub()
        assert b"Ada" not in b"".join(path.read_bytes() for path in file.parent.iterdir())
        reader.close()
