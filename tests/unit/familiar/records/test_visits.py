"""A person is announced once a visit, and somebody unknown after so many frames."""

import threading
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest

from familiar.records import Glimpse, attendance, corrections, people, visits
from familiar.records.corrections import Terms as Conditions
from familiar.records.engine import Database
from familiar.records.event import EventKind
from familiar.records.reversals import undo
from familiar.records.schema import Visit
from telling import NOON, TERMS, enrolled, frame, kinds, listed, see

SEEN, UNKNOWN = EventKind.PERSON_SEEN, EventKind.UNKNOWN_SEEN


class Somebody:
    key_id, address = None, None


def test_a_person_is_announced_once_a_visit_and_not_once_a_frame(database):
    ada = enrolled(database, "Ada")
    told = see(database, *(frame(at, ada) for at in range(0, 200, 10)))
    assert kinds(told) == [(SEEN, ada)] and told[0].at == NOON and told[0].camera == "door"
    assert see(database, frame(251, ada)) != []  # 61 s after the last frame
    with database.read() as session:
        rows = session.query(Visit).order_by(Visit.begun_at).all()
        assert [(row.frames, row.begun_at - NOON, row.last_at - NOON) for row in rows] == [(20, 0, 190), (1, 251, 251)]


@pytest.mark.parametrize("apart", ["camera", "person", "time"])
def test_another_camera_person_or_time_is_another_visit(database, apart):
    ada, grace = enrolled(database, "Ada"), enrolled(database, "Grace")
    other = grace if apart == "person" else ada
    second = frame(61 if apart == "time" else 1, other, camera="yard" if apart == "camera" else "door")
    assert kinds(see(database, frame(0, ada), second)) == [(SEEN, ada), (SEEN, other)]


def test_frames_that_come_late_and_out_of_order_belong_to_the_visit_that_they_are_of(database):
    ada = enrolled(database, "Ada")
    assert len(see(database, *(frame(at, ada) for at in (100, 40, 90, 150, 45)))) == 1
    assert len(see(database, frame(-100, ada))) == 1


def test_frames_without_a_camera_are_of_no_camera(database):
    ada = enrolled(database, "Ada")
    told = see(database, frame(0, ada, camera=None), frame(1, ada), frame(2, ada, camera=None))
    assert [each.camera for each in told] == [None, "door"]


def test_somebody_unknown_is_announced_after_so_many_frames_and_once(database):
    assert see(database, *(frame(at, None) for at in range(4))) == []
    (event,) = see(database, frame(4, None), frame(5, None), frame(6, None))
    assert event.kind == UNKNOWN and event.person_id is None and event.at == NOON


def test_faces_of_one_frame_are_one_frame(database):
    assert see(database, frame(0, *[None] * 9)) == []


def test_the_frames_of_a_burst_count_each_unless_they_name_somebody(database):
    burst = [Glimpse(NOON, "door", None, None, "burst", 0, 7)] * 5
    assert kinds(see(database, burst)) == [(UNKNOWN, None)]
    ada = enrolled(database, "Ada")
    named = [
        Glimpse(NOON, "yard", who, 0.9 if who else None, "other", 0, 7) for who in (None, None, ada, None, None, None)
    ]
    assert kinds(see(database, named)) == [(SEEN, ada)]


def test_whoever_is_not_recognised_on_single_frames_is_nobody_unknown(database):
    ada = enrolled(database, "Ada")
    told = see(database, *(frame(at, ada if at % 3 == 0 else None) for at in range(30)))
    assert kinds(told) == [(SEEN, ada)]


def test_somebody_unknown_beside_somebody_known_is_told(database):
    ada = enrolled(database, "Ada")
    assert kinds(see(database, *(frame(at, ada, None) for at in range(5)))) == [(SEEN, ada), (UNKNOWN, None)]
    later = [frame(100 + at, None, None) for at in range(5)]
    assert kinds(see(database, frame(100, ada), *later)) == [(SEEN, ada), (UNKNOWN, None)]


def test_where_faces_are_kept_each_unknown_one_is_told_apart(database):
    told = see(database, *(frame(at, None, None, sightings=("a" * 32, "b" * 32)) for at in range(5)))
    assert [each.sighting_id for each in told] == ["a" * 32, "b" * 32]


def test_of_somebody_who_was_deleted_meanwhile_nothing_is_told(database):
    ada = enrolled(database, "Ada")
    with database.write() as session:
        people.erase(session, ada)
    assert see(database, frame(0, ada)) == [] == listed(database)


def test_of_several_gateways_one_announces_a_visit(database):
    ada = enrolled(database, "Ada")
    told, start = [], threading.Barrier(4)

    def gateway() -> None:
        start.wait()
        for at in range(5):
            told.extend(database.retry(lambda session, at=at: visits.note(session, frame(at, ada), TERMS)))

    threads = [threading.Thread(target=gateway) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(told) == 1
    with database.read() as session:
        assert [row.frames for row in session.query(Visit)] == [20]


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() - NOON


def attended(database: Database, first: str, last: str, zone: str = "UTC", camera: str | None = None) -> list[tuple]:
    days = date.fromisoformat(first), date.fromisoformat(last)
    with database.read() as session:
        rows = attendance.of_days(session, *days, ZoneInfo(zone), camera)
    moments = [
        [datetime.fromtimestamp(each, UTC).strftime("%d %H:%M") for each in (r.first_at, r.last_at)] for r in rows
    ]
    return [(str(row.day), row.person.name, *when, row.visits) for row, when in zip(rows, moments, strict=True)]


def test_attendance_is_first_and_last_seen_by_day(database):
    ada, grace = enrolled(database, "Ada"), enrolled(database, "Grace")
    for when in ("2026-11-02T08:00", "2026-11-02T12:00", "2026-11-02T17:30", "2026-11-03T09:00"):
        see(database, frame(at(when), ada))
    see(database, frame(at("2026-11-02T07:00"), grace, camera="yard"), frame(at("2026-11-02T07:00"), None))
    monday = ("2026-11-02", "Ada", "02 08:00", "02 17:30", 3)
    assert attended(database, "2026-11-02", "2026-11-02", camera="door") == [monday]
    assert attended(database, "2026-11-01", "2026-11-04") == [
        monday, ("2026-11-02", "Grace", "02 07:00", "02 07:00", 1), ("2026-11-03", "Ada", "03 09:00", "03 09:00", 1),
    ]  # fmt: skip
    assert attended(database, "2026-11-04", "2026-11-30") == []


def test_days_begin_at_midnight_of_the_site_and_a_visit_over_midnight_is_on_both(database):
    ada = enrolled(database, "Ada")
    start = at("2026-11-02T22:30")  # half past eleven in Berlin
    see(database, *(frame(start + minutes * 60, ada) for minutes in range(61)))
    assert attended(database, "2026-11-02", "2026-11-02") == [("2026-11-02", "Ada", "02 22:30", "02 23:30", 1)]
    assert attended(database, "2026-11-02", "2026-11-03", "Europe/Berlin") == [
        ("2026-11-02", "Ada", "02 22:30", "02 23:00", 1), ("2026-11-03", "Ada", "02 23:00", "02 23:30", 1),
    ]  # fmt: skip


def test_a_merge_moves_visits_and_undoing_it_moves_them_back(database):
    ada, again = enrolled(database, "Ada"), enrolled(database, "Ada again")
    noon = datetime.fromtimestamp(NOON, UTC).strftime("%Y-%m-%d")
    see(database, frame(0, ada), frame(600, again))
    with database.write() as session:
        merged = corrections.merge(session, ada, again, Conditions(Somebody(), 3600))
        correction_id = merged.id
    assert [(name, count) for _, name, _, _, count in attended(database, noon, noon)] == [("Ada", 2)]
    with database.write() as session:
        undo(session, corrections.get(session, correction_id), Somebody())
    assert [(name, count) for _, name, _, _, count in attended(database, noon, noon)] == [("Ada", 1), ("Ada again", 1)]
