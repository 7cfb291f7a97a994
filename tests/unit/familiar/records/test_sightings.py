"""Sightings in the database: one for each pass, as many and as old as is set, and no trace of those that are gone."""

import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from seen import enrolled, everybody, face, keep, seen
from sqlalchemy import text, update

from familiar.knowing import to_blob
from familiar.records import clean, erasures, passes, people, replays, sightings
from familiar.records.engine import Database
from familiar.records.migrate import migrate
from familiar.records.schema import Sighting


def crops_of(database: Database, sighting_id: str) -> list[float]:
    with database.read() as session:
        return [crop.weight for crop in sightings.crops(session, [sighting_id])[sighting_id]]


def age(database: Database, seconds: float) -> None:
    with database.write() as session:
        session.execute(update(Sighting).values(kept_at=Sighting.kept_at - seconds))


def prune(database: Database, keep_s: float = 1e6, most: int = 1000) -> int:
    return database.retry(lambda session: sightings.prune(session, keep_s, most))


@pytest.mark.parametrize("at_once", [True, False])
def test_the_best_frames_of_a_pass_are_kept_however_they_come(database: Database, at_once: bool) -> None:
    frames = [seen(ago_s=20 - 2 * place, weight=weight) for place, weight in enumerate((0.3, 0.9, 0.2, 0.7, 0.8, 0.1))]
    if at_once:
        database.retry(lambda session: passes.keep(session, frames))
    else:
        keep(database, *frames)
    (sighting,) = everybody(database)
    assert (sighting.frames, sighting.agreeing) == (6, 6)
    assert crops_of(database, sighting.id) == [0.9, 0.8, 0.7]


def test_a_name_outweighs_none_and_two_names_are_two_people(database: Database) -> None:
    ada, bob = enrolled(database, "Ada"), enrolled(database, "Bob")
    keep(database, seen(ago_s=9), seen(ago_s=8, person=ada), seen(ago_s=7), seen(ago_s=6, person=bob), seen(ago_s=5))
    told = {(row.person_id, row.status, row.agreeing) for row in everybody(database)}
    assert told == {(ada, "known", 1), (bob, "known", 1)}
    assert sum(row.frames for row in everybody(database)) == 5


def test_who_stays_before_the_camera_is_on_another_pass_after_a_while(database: Database) -> None:
    frames = [seen(ago_s=1_300 - 9 * place) for place in range(140)]
    database.retry(lambda session: passes.keep(session, frames))
    assert [row.frames for row in everybody(database)] == [6, 67, 67]


def test_sightings_are_leafed_through_and_told_as_heads_decided_them(database: Database) -> None:
    ada, bob = enrolled(database, "Ada"), enrolled(database, "Bob")
    keep(database, *(seen(number, ago_s=100 - number, camera=None, person=ada, others=(bob,)) for number in range(7)))
    keep(database, seen(8, camera=None))
    leafed, after = [], None
    with database.read() as session:
        while part := sightings.page(session, sightings.Wanted(person_id=ada), 3, after):
            leafed += part
            after = part[-1].captured_at, part[-1].id
        told = [named for _, named, _ in sightings.decided(session, 1, sightings.Wanted(), batch=3)]
    assert len(leafed) == len({row.id for row in leafed}) == 7
    assert leafed == sorted(leafed, key=lambda row: -row.captured_at)
    assert told == [[ada] * 3, [ada] * 3, [ada, None]]


def test_a_person_who_is_erased_is_in_nothing_that_was_said_of_others_nor_in_a_replay(database: Database) -> None:
    ada, bob = enrolled(database, "Ada"), enrolled(database, "Bob")
    keep(database, seen(1, person=ada, others=(bob,)), seen(2, person=bob, others=(ada,)), seen(3, others=(ada, bob)))
    with database.write() as session:
        told = {"people": [{"person": each} for each in (ada, bob)], "changes": []}
        asked = [replays.ask(session, {}).id for _ in range(2)]
        replays.answer(session, asked[0], told)
        people.erase(session, ada)
    assert [row.candidates for row in everybody(database)] == [[[bob, 0.5]], [[bob, 0.5]]]
    with database.read() as session:
        assert [row.id for row in replays.recent(session, 9)] == [asked[1]]


def test_another_backbone_sees_the_crops_and_what_it_cannot_see_goes(database: Database) -> None:
    keep(database, seen(1, crop=b"one"), seen(2, crop=b"two"))
    with database.read() as session:
        unseen = sightings.crops_unseen(session, 2, 10)
    assert sorted(crops for (crops,) in unseen.values()) == [b"one", b"two"]
    first, second = sorted(unseen, key=lambda each: unseen[each])
    database.retry(lambda session: sightings.renew(session, 2, {first: face(9), second: None}))
    assert [(row.id, row.backbone_version) for row in everybody(database)] == [(first, 2)]


def test_a_crop_that_is_not_kept_is_not_even_made(database: Database) -> None:
    keep(database, *(seen(ago_s=9 - place, weight=0.9) for place in range(3)))
    worse = seen(weight=0.1, crop=b"")
    object.__setattr__(worse, "crop", lambda: pytest.fail("it was made"))
    keep(database, worse)


def test_of_two_gateways_that_see_one_pass_one_begins_the_sighting(database: Database) -> None:
    together = threading.Barrier(2)

    def see() -> None:
        together.wait(10)
        keep(database, *(seen(ago_s=place / 10) for place in range(5)))

    gateways = [threading.Thread(target=see) for _ in range(2)]
    for each in gateways:
        each.start()
    for each in gateways:
        each.join(30)
    (sighting,) = everybody(database)
    assert sighting.frames == 10


def test_what_is_too_old_goes_by_when_it_was_kept_and_not_by_what_a_camera_says(database: Database) -> None:
    keep(database, seen(1, ago_s=1e6))
    assert prune(database, keep_s=60) == 0
    age(database, 61)
    keep(database, seen(2))
    assert prune(database, keep_s=60) == 1
    assert [row.head_version for row in everybody(database)] == [1]


def test_what_a_wrong_clock_kept_for_ever_goes_as_well(database: Database) -> None:
    keep(database, seen(1))
    age(database, -1e7)
    assert prune(database, keep_s=60) == 1


def test_the_oldest_beyond_so_many_go_and_a_little_more(database: Database) -> None:
    keep(database, *(seen(number, camera=str(number)) for number in range(12)))
    assert prune(database, most=10) == 2
    assert {row.camera for row in everybody(database)} == {str(number) for number in range(2, 12)}
    with database.read() as session:
        assert erasures.open_ones(session, in_heads=False) == ["pruned-sightings"]
        assert session.scalars(text("SELECT count(*) FROM sighting_crops")).one() == 10  # type: ignore[call-overload]
    assert clean(database) == ["pruned-sightings"]


def test_the_database_grows_as_is_set_and_not_with_time(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    pages = []
    for turn in range(6):
        for number in range(40):
            with database.write() as session:
                passes.keep(session, [seen(number, camera=f"{turn}-{number}", crop=os.urandom(9_000))])
                sightings.prune(session, 1e6, 30)
        clean(database)
        with database.connected() as connection:
            pages.append(connection.execute(text("PRAGMA page_count")).scalar_one())
    assert max(pages[1:]) - pages[0] <= 5, pages
    assert len(everybody(database)) == 30
    database.close()


@pytest.mark.parametrize("how", ["person", "pruned", "one"])
def test_what_is_gone_leaves_no_byte_in_the_files(tmp_path: Path, how: str) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    ada, bob = enrolled(database, "Ada"), enrolled(database, "Bob")
    keep(database, seen(1, person=ada, crop=b"what ada looks like" * 99), seen(2, person=bob, others=(ada,)))
    gone, left = sorted(everybody(database), key=lambda row: row.person_id != ada)
    traces = [b"what ada looks like", to_blob(face(1)), *([] if how == "one" else [gone.id.encode()])]
    if how == "person":
        database.retry(lambda session: people.erase(session, ada))
        traces.append(ada.encode())
    elif how == "pruned":
        with database.write() as session:
            session.execute(update(Sighting).where(Sighting.id == gone.id).values(kept_at=0.0))
        prune(database)
    else:
        database.retry(lambda session: sightings.remove(session, [gone.id], gone.id))
    clean(database, [ada])
    database.scrub()
    contents = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert [each for each in traces if each in contents] == []
    assert [row.id for row in everybody(database)] == [left.id]
    database.close()


_KEEPER = """
import itertools, sys
from seen import keep, seen
from familiar.records import sightings, passes
from familiar.records.engine import Database
database = Database(sys.argv[1])
for number in itertools.count():
    faces = [seen(number * 5 + each, camera=str(number), crop=bytes(20_000)) for each in range(5)]
    database.retry(lambda session: (passes.keep(session, faces), sightings.prune(session, 1e6, 40)))
    print(number, flush=True)
"""


def test_a_writer_that_is_killed_leaves_nothing_half_done(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/familiar.db"
    database = Database(url)
    migrate(database)
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parent), *sys.path])}
    for wait_s in (0.0, 0.013, 0.031):
        writer = subprocess.Popen([sys.executable, "-c", _KEEPER, url], stdout=subprocess.PIPE, env=environment)
        assert writer.stdout is not None
        for _ in range(10):
            assert writer.stdout.readline()
        time.sleep(wait_s)  # somewhere in a transaction or between two
        writer.send_signal(signal.SIGKILL)
        writer.wait(30)
        writer.stdout.close()
        rows = everybody(database)
        with database.read() as session:
            crops = list(session.scalars(text("SELECT sighting_id FROM sighting_crops")))  # type: ignore[call-overload]
        assert sorted(crops) == sorted(row.id for row in rows) and len(rows) % 5 == 0 and len(rows) <= 40
    database.close()


def test_a_person_with_sightings_can_be_erased_while_others_are_written_down(database: Database) -> None:
    ada = enrolled(database, "Ada")
    erased = threading.Event()

    def write() -> None:
        number = 0
        while not erased.is_set() or number < 5:
            keep(database, seen(1, camera=str(number), person=ada))
            number += 1

    writer = threading.Thread(target=write)
    writer.start()
    database.retry(lambda session: people.erase(session, ada))
    erased.set()
    writer.join(30)
    assert everybody(database) == []
