"""What went wrong of late: each kind once, never too much of it, and nothing of anybody in it."""

import errno
import threading
import time
from collections.abc import Callable

import pytest

from familiar.errors import DatabaseUnavailable, ServingUnavailable
from familiar.records import Mishap, Recorder, recent_errors
from familiar.records.engine import Database


def mishap(message: str = "away", at: float = 1.0, times: int = 1, request_id: str | None = "r") -> Mishap:
    return Mishap("gateway", "POST /v1/recognize", "serving_unavailable", message, request_id, at, at, times)


def kept(database: Database) -> list[Mishap]:
    with database.read() as session:
        return list(recent_errors.newest(session))


def add(database: Database, *mishaps: Mishap) -> None:
    database.retry(lambda session: recent_errors.add(session, mishaps))


def test_all_of_one_kind_are_told_as_one_the_last_first(database: Database) -> None:
    add(database, mishap(at=1.0), mishap("other", at=2.0))
    add(database, mishap(at=5.0, times=3, request_id="last"))
    first, second = kept(database)
    assert (first.message, first.times, first.first_at, first.last_at, first.request_id) == (
        "away",
        4,
        1.0,
        5.0,
        "last",
    )
    assert (second.message, second.times) == ("other", 1)


def test_of_more_kinds_than_are_kept_the_oldest_go(database: Database) -> None:
    most = recent_errors.MOST
    add(database, *(mishap(f"kind {number}", at=float(number)) for number in range(most + 5)))
    found = kept(database)
    assert len(found) == most and found[-1].message == "kind 5" and found[0].message == f"kind {most + 4}"


def test_long_sentences_are_cut_and_stay_of_one_kind(database: Database) -> None:
    for _ in range(2):
        add(database, mishap("x" * 10_000 + "\0"))
    (found,) = kept(database)
    assert found.times == 2 and len(found.message) == 500


def test_several_processes_that_meet_with_the_same_at_once_count_it_together(database: Database) -> None:
    together = threading.Barrier(4)

    def note() -> None:
        together.wait(30)
        add(database, mishap())

    threads = [threading.Thread(target=note) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert [each.times for each in kept(database)] == [4]


class _Away:
    """A database that does not take anything at first."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.away = True

    def retry(self, work: Callable[..., object]) -> object:
        if self.away:
            raise DatabaseUnavailable("away")
        return self._database.retry(work)  # type: ignore[arg-type]


def test_what_the_database_does_not_take_waits(database: Database) -> None:
    away = _Away(database)
    recorder = Recorder(away, "trainer")  # type: ignore[arg-type]
    for _ in range(2):
        recorder.note("training", "disk_full", "no room")
    with pytest.raises(DatabaseUnavailable):
        recorder.flush()
    recorder.note("training", "disk_full", "no room")
    assert [each.times for each in recorder.waiting()] == [3] and kept(database) == []
    away.away = False
    recorder.flush()
    (found,) = kept(database)
    assert (found.part, found.place, found.times) == ("trainer", "training", 3) and not recorder.waiting()


def test_what_waits_is_bounded(database: Database) -> None:
    recorder = Recorder(_Away(database), "gateway")  # type: ignore[arg-type]
    for number in range(recent_errors.MOST + 3):
        recorder.note("GET /", "internal", str(number))
    waiting = recorder.waiting()
    assert len(waiting) == recent_errors.MOST and waiting[0].message == "3"


def test_it_is_written_by_itself(database: Database) -> None:
    recorder = Recorder(database, "gateway")
    for round_ in (1, 2):  # the thread that writes ends when nothing is left, and another one begins
        recorder.note("GET /", "internal", "x")
        deadline = time.monotonic() + 60
        while [each.times for each in kept(database)] != [round_]:
            assert time.monotonic() < deadline
            time.sleep(0.02)


def test_of_what_nobody_foresaw_no_word_of_its_own_is_told() -> None:
    with pytest.raises(ValueError) as raised:
        raise ValueError("Ada Lovelace")
    code, message = recent_errors.told(raised.value)
    assert code == "internal" and message.startswith("ValueError") and "Ada" not in message


def test_of_our_own_code_it_is_told_where() -> None:
    with pytest.raises(AttributeError) as raised:
        recent_errors.add(None, [mishap()])  # type: ignore[arg-type]
    assert recent_errors.told(raised.value)[1].startswith("AttributeError in familiar.records.recent_errors:")
    assert recent_errors.told(KeyError("Ada")) == ("internal", "KeyError")


def test_our_own_sentences_are_told_and_of_a_disk_what_the_system_says() -> None:
    assert recent_errors.told(ServingUnavailable("away")) == ("serving_unavailable", "away")
    said = recent_errors.told(OSError(errno.ENOSPC, "No space", "/people/Ada Lovelace.jpg"))
    assert said == ("disk_full", "No space left on device")
    again = OSError("could not be written to /people")
    again.__cause__ = ValueError()
    again.__cause__.__cause__ = PermissionError(errno.EACCES, "no", "/people")
    assert recent_errors.told(again) == ("internal", "Permission denied")
