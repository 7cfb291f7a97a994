"""Unknown sightings become strangers as they come, and a stranger keeps the id while sightings come and go."""

import os
import subprocess
import sys
from collections.abc import Iterator
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from familiar.errors import NotFound
from familiar.knowing import Head, Status, normalise
from familiar.records import Database, passes, people, sightings, strangers, versions
from familiar.records.migrate import migrate
from familiar.records.schema import Sighting, Stranger
from familiar.records.versions import HeadStatus
from familiar_trainer import crash_points, grouping

DIM = 32
ALIKE = 0.8
_number = count()


def face(who: int, spread: float = 0.0, toward: int | None = None, by: float = 0.0) -> np.ndarray:
    """Return a face of somebody; ``toward`` somebody else ``by`` so much."""
    rng = np.random.default_rng(who)
    own = normalise(rng.standard_normal(DIM))
    if toward is not None:
        own = normalise((1 - by) * own + by * face(toward))
    return normalise(own + spread * normalise(np.random.default_rng(next(_number)).standard_normal(DIM)))


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(opened)
    with opened.write() as session:
        for version in (1, 2):
            versions.add_backbone(session, version, {})
        versions.issue(session, "head")
        versions.add_head(
            session, 1, training_id=None, backbone_version=1, head=Head.empty(DIM), meta={}, status=HeadStatus.PUBLISHED
        )
        versions.go_live(session, 1)
    yield opened
    opened.close()


def come_by(
    database: Database, *vectors: np.ndarray, backbone_version: int = 1, person_id: str | None = None
) -> list[str]:
    """Keep a sighting each of these faces; return their ids."""
    with database.write() as session:
        before = set(session.scalars(select(Sighting.id)))
        for vector in vectors:
            number = next(_number)
            passes.keep(session, [passes.Seen(
                captured_at=1e9 + 100 * number, camera=f"camera {number}", person_id=person_id, score=None,
                status=Status.KNOWN if person_id else Status.UNKNOWN, candidates=(), head_version=1,
                backbone_version=backbone_version, vector=vector, alike=2.0, weight=0.5, request_id=str(number), face=0,
                box=(0, 0, 1, 1), quality={}, crop=lambda: b"crop",
            )])  # fmt: skip
        return sorted(set(session.scalars(select(Sighting.id))) - before)


def group(database: Database) -> int:
    return grouping.group_strangers(database, lambda _: ALIKE)


def of(database: Database) -> dict[str, str | None]:
    """Return the stranger of each sighting."""
    with database.read() as session:
        return {row.id: row.stranger_id for row in session.scalars(select(Sighting))}


def changes(database: Database, stranger_id: str) -> list[tuple[str, str, str, int]]:
    with database.read() as session:
        return [(each.kind, each.stranger_id, each.other_id, each.sightings)
                for each in strangers.changes(session, stranger_id)]  # fmt: skip


def test_who_comes_by_again_and_again_is_one_stranger_with_one_id(database: Database) -> None:
    ids = set()
    for turn in range(6):
        come_by(database, *(face(who, 0.3) for who in range(5)))
        assert group(database) == 5
        with database.read() as session:
            found, total = strangers.page(session, 1, 100, 0)
        assert (total, {each.sightings for each in found}) == (5, {turn + 1})
        ids.add(frozenset(each.id for each in found))
    assert len(ids) == 1


def test_only_who_is_unknown_and_seen_by_the_backbone_in_service_is_grouped(database: Database) -> None:
    with database.write() as session:
        person_id = people.add(session, "Ada").id
    (unknown,) = come_by(database, face(1))
    come_by(database, face(1), person_id=person_id)
    come_by(database, face(1), backbone_version=2)
    assert group(database) == 1
    assert [each for each, stranger in of(database).items() if stranger] == [unknown]


def test_two_who_turn_out_to_be_one_are_one_under_the_id_of_the_larger_and_that_is_recorded(database: Database) -> None:
    come_by(database, *(face(1, 0.1) for _ in range(4)))
    come_by(database, *(face(1, 0.1, toward=2, by=0.55) for _ in range(2)))
    group(database)
    larger, smaller = sorted(set(of(database).values()), key=lambda each: -list(of(database).values()).count(each))
    assert larger != smaller
    come_by(database, *(face(1, 0.1, toward=2, by=0.3) for _ in range(6)))
    group(database)
    assert set(of(database).values()) == {larger}
    assert changes(database, larger) == changes(database, smaller) == [("merged", smaller, larger, 0)]
    with database.read() as session, pytest.raises(NotFound) as told:
        strangers.get(session, smaller)
    assert told.value.details == {"merged_into": larger}


def test_one_who_turns_out_to_be_two_stays_with_most_sightings_and_the_other_is_new(database: Database) -> None:
    most = come_by(database, *(face(1, 0.1) for _ in range(4)))
    few = come_by(database, *(face(2, 0.1) for _ in range(2)))
    group(database)
    with database.write() as session:  # as if they had been taken for one when less was known of either
        one = of(database)[most[0]]
        session.execute(update(Sighting).values(stranger_id=one))
        session.execute(delete(Stranger).where(Stranger.id != one))
    come_by(database, face(1, 0.1), face(2, 0.1))
    group(database)
    assert {of(database)[each] for each in most} == {one}
    (new,) = {of(database)[each] for each in few}
    assert new != one and changes(database, one) == changes(database, new) == [("split", new, one, 2)]


def test_more_than_fit_into_one_round_are_grouped_in_several(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(grouping, "_AT_ONCE", 4)
    monkeypatch.setattr(grouping, "_MOST_MEMBERS", 3)
    come_by(database, *(face(who % 3, 0.2) for who in range(30)))
    while group(database):
        pass
    with database.read() as session:
        assert [each.sightings for each in strangers.page(session, 1, 10, 0)[0]] == [10, 10, 10]


def test_a_stranger_all_of_whose_sightings_are_gone_is_gone(database: Database) -> None:
    gone = come_by(database, face(1), face(1))
    come_by(database, face(2))
    group(database)
    database.retry(lambda session: sightings.remove(session, gone, gone[0]))
    with database.read() as session:
        assert len(list(session.scalars(select(Stranger)))) == 1


def test_a_trainer_that_is_killed_while_it_groups_leaves_all_as_it_was(database: Database) -> None:
    come_by(database, *(face(who, 0.2) for who in (1, 1, 2)))
    group(database)
    before = of(database)
    come_by(database, face(1, 0.2), face(3))
    program = (
        "import sys; from familiar.records import Database; from familiar_trainer.grouping import group_strangers;"
        f"group_strangers(Database(sys.argv[1]), lambda _: {ALIKE})"
    )
    environment = {**os.environ, crash_points.ENV: crash_points.GROUPED, "PYTHONPATH": os.pathsep.join(sys.path)}
    url = database.engine.url.render_as_string()
    assert subprocess.run([sys.executable, "-c", program, url], env=environment, timeout=60).returncode == -9
    assert {each: stranger for each, stranger in of(database).items() if stranger} == before
    assert group(database) == 2
    assert before.items() <= of(database).items() and None not in of(database).values()
