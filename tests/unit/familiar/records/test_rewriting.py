"""Files written anew, of which SQLite keeps copies of what it has moved."""

import random
import sqlite3
import uuid
from pathlib import Path
from types import SimpleNamespace

import pytest
from opinions import AUTHOR
from records_world import capture, contents, learn, read
from sqlalchemy import select
from sqlalchemy.orm import Session

from familiar.records import clean, cleaning, corrections, erasures, faults, people, person
from familiar.records.cleaning import rewrite
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.migrate import migrate
from familiar.records.schema import Sample


@pytest.fixture
def chance(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> random.Random:
    """What is drawn, and the ids of whatever is made; with those drawn from these seeds SQLite leaves one behind."""
    drawn = random.Random(request.param)
    monkeypatch.setattr(person, "uuid", SimpleNamespace(uuid4=lambda: uuid.UUID(int=drawn.getrandbits(128))))
    return drawn


@pytest.mark.parametrize("chance", [9, 28], indirect=True)
def test_no_page_of_an_index_keeps_a_copy_of_what_was_moved_before_it_was_deleted(
    tmp_path: Path, chance: random.Random
) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    made = [capture(database, f"Somebody {number}", frames=20) for number in range(15)]
    chance.shuffle(made)
    for gone, _, taken in made[:8]:
        with database.write() as session:
            people.erase(session, gone)
        assert clean(database, [gone]) == [gone]
        left = contents(tmp_path)
        assert not [each for each in (gone, *taken) if each.encode() in left]
    database.close()


@pytest.mark.parametrize("chance", [26, 73], indirect=True)
def test_no_page_of_a_table_keeps_a_copy_of_what_was_given_to_others_before_it_was_deleted(
    tmp_path: Path, chance: random.Random
) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    made = [capture(database, f"Somebody {number}", frames=chance.randint(2, 25)) for number in range(12)]
    for somebody, enrollment, _ in made:
        learn(database, enrollment, somebody)
    ids = [somebody for somebody, _, _ in made]
    for _ in range(8):
        giver, taker = chance.sample(ids, 2)
        with database.write() as session:
            given = chance.sample(_samples_of(session, giver), len(_samples_of(session, giver)) // 2)
            if given:
                corrections.move(session, giver, given, taker, Terms(AUTHOR, 1000.0))
    for gone in chance.sample(ids, 6):
        with database.write() as session:
            theirs = _samples_of(session, gone)
            people.erase(session, gone)
            erasures.forget(session, sorted(erasures.tainted(session)))
            left_to_do = erasures.open_ones(session)
        assert clean(database, left_to_do) == left_to_do
        left = contents(tmp_path)
        assert not [each for each in (gone, *theirs) if each.encode() in left]
    database.close()


def _samples_of(session: Session, person_id: str) -> list[str]:
    return sorted(session.scalars(select(Sample.id).where(Sample.person_id == person_id)))


@pytest.mark.parametrize(
    ("most_bytes", "fault", "done"),
    [
        (1 << 30, None, ["VACUUM"]),
        (1 << 30, faults.FULL, ["VACUUM", "REINDEX"]),
        (1 << 30, faults.UNREADABLE, ["VACUUM", "REINDEX"]),
        (0, None, ["REINDEX"]),
    ],
)
def test_where_a_file_is_too_large_to_be_written_anew_or_there_is_no_room_its_indexes_are(
    tmp_path: Path, most_bytes: int, fault: faults.Fault | None, done: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    told: list[str] = []
    patiently = database.patiently

    def tell(statement: str, patience_s: float) -> object:
        if not statement.startswith("PRAGMA"):
            told.append(statement)
        if statement == "VACUUM" and fault is not None:
            raise faults.unavailable(fault, "there")
        return patiently(statement, patience_s)

    monkeypatch.setattr(cleaning, "_REWRITTEN_BYTES", most_bytes)
    monkeypatch.setattr(database, "patiently", tell)
    assert rewrite(database)
    assert told == done
    database.close()


def test_a_file_is_not_written_anew_while_somebody_reads_what_was_before(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    capture(database, "Ada")
    reader = sqlite3.connect(tmp_path / "familiar.db", isolation_level=None)
    read(reader)
    with database.write() as session:
        people.add(session, "Bob")
    log = (tmp_path / "familiar.db-wal").stat().st_size
    for _ in range(3):
        assert not rewrite(database, 0.01)
    assert (tmp_path / "familiar.db-wal").stat().st_size == log
    reader.close()
    assert rewrite(database)
    database.close()


@pytest.mark.parametrize(
    ("line", "times"), [(erasures.PRUNED_SIGHTINGS, 0), (erasures.PRUNED_FACES, 0), ("somebody", 2)]
)
def test_files_are_written_anew_for_who_was_deleted_and_not_for_what_is_let_go_all_day(
    tmp_path: Path, line: str, times: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    asked: list[float] = []
    monkeypatch.setattr(cleaning, "rewrite", lambda _, patience_s: asked.append(patience_s) or True)
    with database.write() as session:
        erasures.begin(session, line, in_heads=False)
    assert clean(database) == [line]
    assert len(asked) == times  # of who was deleted, and then of the id under which that was recorded
    with database.read() as session:
        assert erasures.open_ones(session) == []
    database.close()
