"""Unknown sightings become strangers as they come, and a stranger keeps the id while sightings come and go."""

import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from itertools import count
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import delete, select, update

from familiar.errors import NotFound
from familiar.knowing import Head, Status, normalise
from familiar.learning import Cohort, Mixture
from familiar.records import Database, passes, people, person, sightings, strangers, versions
from familiar.records.migrate import migrate
from familiar.records.schema import Sighting, Stranger
from familiar.records.versions import HeadStatus
from familiar_trainer import crash_points, grouping
from familiar_trainer.linkage import grouped

DIM = 32
ALIKE = 0.8
STRANGERS = Cohort(DIM, Mixture(np.ones(1), np.zeros((1, DIM)), np.eye(DIM)[None]))
_number = count()


class Unfitted(Cohort):
    """Nothing is known of strangers but from which cosine two are one."""

    def __init__(self, likeness: float = ALIKE) -> None:
        super().__init__(DIM)
        object.__setattr__(self, "likeness", likeness)

    def alike(self, share: float) -> float:
        return self.likeness


def face(who: int, spread: float = 0.0, toward: int | None = None, by: float = 0.0) -> np.ndarray:
    """Return a face of somebody; ``toward`` somebody else ``by`` so much."""
    rng = np.random.default_rng(who)
    own = normalise(rng.standard_normal(DIM))
    if toward is not None:
        own = normalise((1 - by) * own + by * face(toward))
    return normalise(own + spread * normalise(np.random.default_rng(next(_number)).standard_normal(DIM)))


@pytest.fixture(autouse=True)
def ids_in_order(monkeypatch: pytest.MonkeyPatch) -> None:
    """Of two who are as good one is taken by id, which is random else."""
    monkeypatch.setattr(person, "new_id", lambda: f"{next(_number):032x}")


def made(folder: Path) -> Database:
    """Return a new database in which the head of the first of two backbones is in service."""
    folder.mkdir(exist_ok=True)
    database = Database(f"sqlite:///{folder}/familiar.db")
    migrate(database)
    with database.write() as session:
        for version in (1, 2):
            versions.add_backbone(session, version, {})
        versions.issue(session, "head")
        versions.add_head(
            session, 1, training_id=None, backbone_version=1, head=Head.empty(DIM), meta={}, status=HeadStatus.PUBLISHED
        )
        versions.go_live(session, 1)
    return database


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    opened = made(tmp_path)
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


def group(database: Database, cohort: Cohort | None = None, at_once: int = grouping.AT_ONCE) -> int:
    return grouping.group_strangers(database, lambda _: cohort or Unfitted(), at_once)


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
    monkeypatch.setattr(grouping, "_MOST_MEMBERS", 3)
    come_by(database, *(face(who % 3, 0.2) for who in range(30)))
    assert [group(database, at_once=4) for _ in range(9)] == [4] * 7 + [2, 0]
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
        "import sys; from familiar.learning import Cohort; from familiar.records import Database;"
        "from familiar_trainer.grouping import group_strangers;"
        f"group_strangers(Database(sys.argv[1]), lambda _: Cohort({DIM}))"
    )
    environment = {**os.environ, crash_points.ENV: crash_points.GROUPED, "PYTHONPATH": os.pathsep.join(sys.path)}
    url = database.engine.url.render_as_string()
    assert subprocess.run([sys.executable, "-c", program, url], env=environment, timeout=60).returncode == -9
    assert {each: stranger for each, stranger in of(database).items() if stranger} == before
    assert group(database) == 2
    assert before.items() <= of(database).items() and None not in of(database).values()


def crowd(people: int, each: int, noise: float, seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Return faces of people in no order, and whose each is."""
    chance = np.random.default_rng(seed)
    who = chance.permutation(np.repeat(np.arange(people), each))
    centres = normalise(chance.standard_normal((people, DIM)))
    return normalise(centres[who] + noise * normalise(chance.standard_normal((len(who), DIM)))), who


def together(groups: Sequence[object]) -> np.ndarray:
    """Return bool[N, N]: who is in one group, nobody with themselves."""
    number = np.unique(np.array(groups, str), return_inverse=True)[1]
    return (number[:, None] == number) & ~np.eye(len(number), dtype=bool)


def test_the_second_look_finds_those_of_one_person_whom_the_first_finds_too_different(database: Database) -> None:
    rows, who = crowd(6, 24, noise=1.0, seed=0)
    ids = [come_by(database, row)[0] for row in rows]
    while group(database, STRANGERS, at_once=10):
        pass
    stranger = of(database)
    found, same = together([stranger[each] for each in ids]), together(who)
    first = together(grouped(rows, STRANGERS.alike(grouping.SAME_STRANGER)))
    assert (found & same).sum() > 1.3 * (first & same).sum() > 0.3 * same.sum()
    assert (found & same).sum() > 0.99 * found.sum()


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("noise", [0.7, 1.0, 1.3])
def test_without_new_evidence_nobody_moves(seed: int, noise: float) -> None:
    rows, _ = crowd(12, 6, noise, seed)
    groups = grouping.looked_at(rows, [None] * len(rows), STRANGERS, among=100)
    for _ in range(3):
        names = [f"{each:04d}" for each in groups]
        again = grouping.looked_at(rows, names, STRANGERS, among=100)
        assert (together(again) == together(groups)).all()
        groups = again


def parted_and_together(database: Database, cohort: Cohort, rows: np.ndarray) -> tuple[int, int]:
    """Let people come by, six at a time; return how many pairs came apart on the way, and are together at the end."""
    ids: list[str] = []
    before, parted = np.zeros((0, 0), bool), 0
    for start in range(0, len(rows), 6):
        ids += [come_by(database, row)[0] for row in rows[start : start + 6]]
        assert group(database, cohort) == 6
        stranger = of(database)
        now = together([stranger[each] for each in ids])
        parted += int((before & ~now[: len(before), : len(before)]).sum()) // 2
        before = now
    return parted, int(before.sum()) // 2


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("noise", [0.8, 0.9])
def test_who_was_found_to_be_one_does_not_come_apart_when_more_of_the_same_is_seen(
    database: Database, noise: float, seed: int
) -> None:
    parted, found = parted_and_together(database, STRANGERS, crowd(6, 24, noise, seed)[0])
    assert found > 1_400 and parted <= 0.01 * found


def test_who_is_hard_to_find_comes_apart_less_often_than_at_one_look(tmp_path: Path) -> None:
    rows, _ = crowd(6, 24, noise=1.0, seed=0)
    told = []
    for look, cohort in {"two": STRANGERS, "one": Unfitted(STRANGERS.alike(grouping.SAME_STRANGER))}.items():
        database = made(tmp_path / look)
        told.append(parted_and_together(database, cohort, rows))
        database.close()
    (parted, found), (parted_before, found_before) = told
    assert parted < 0.2 * parted_before and found > 1.3 * found_before


def test_parts_that_are_a_little_too_different_to_find_each_other_stay_where_they_are_one() -> None:
    told = set()
    for seed in range(20):
        rows, _ = crowd(1, 24, noise=1.0, seed=seed)
        new = grouping.looked_at(rows, [None] * len(rows), STRANGERS, among=200)
        known = grouping.looked_at(rows, ["one"] * len(rows), STRANGERS, among=200)
        assert len(set(known.tolist())) <= len(set(new.tolist()))
        told.add(len(set(known.tolist())) < len(set(new.tolist())))
    assert told == {True, False}


def test_two_people_who_were_one_stranger_are_two_at_the_second_look_too() -> None:
    rows, who = crowd(2, 6, noise=0.5, seed=3)
    groups = grouping.looked_at(rows, ["one"] * len(rows), STRANGERS, among=5)
    assert (together(groups) == together(who)).all()


def test_where_many_strangers_are_known_less_is_brought_together(database: Database) -> None:
    rows, _ = crowd(6, 24, noise=1.0, seed=0)
    few, many = (grouping.looked_at(rows, [None] * len(rows), STRANGERS, among) for among in (1, 100_000))
    assert len(set(few.tolist())) < len(set(many.tolist()))
    with database.read() as session:
        assert strangers.how_many(session) == 0
    come_by(database, *(face(who) for who in range(3)))
    group(database)
    with database.read() as session:
        assert strangers.how_many(session) == 3
