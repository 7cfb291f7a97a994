"""Strangers in the database, SQLite and PostgreSQL alike."""

import numpy as np
import pytest
from seen import enrolled, everybody, face, keep, seen
from sqlalchemy import select

from familiar.errors import NotFound
from familiar.records import people, sightings, strangers
from familiar.records.engine import Database
from familiar.records.schema import Stranger, StrangerChange


def group(database: Database, *numbers: int) -> dict[int, str]:
    """Keep two sightings of each of these people, and group them; return the ids of the strangers."""
    ids = {}
    for number in numbers:
        keep(database, seen(number, camera=f"{number} a", weight=0.3), seen(number, camera=f"{number} b", weight=0.6))
        with database.write() as session:
            ids[number] = strangers.begin(session)
            strangers.assign(session, dict.fromkeys(strangers.ungrouped(session, 1, 10), ids[number]))
    return ids


def test_strangers_are_told_with_the_best_crop_and_found_by_who_is_like_them(database: Database) -> None:
    ids = group(database, 1, 2)
    keep(database, seen(3))
    with database.read() as session:
        found, total = strangers.page(session, least=2, limit=10, offset=0)
        assert (total, {each.id for each in found}, {each.sightings for each in found}) == (2, set(ids.values()), {2})
        best = {
            each.id: sightings.crops(session, [each.crop[0]])[each.crop[0]][0].weight for each in found if each.crop
        }
        assert set(best.values()) == {0.6}
        assert strangers.page(session, least=3, limit=10, offset=0) == ([], 0)
        assert strangers.near(session, face(1)[None], 0.9, 1) == {ids[1]}
        assert strangers.near(session, np.stack([face(1), face(2)]), 0.9, 2) == set()
        assert {stranger for stranger, _ in strangers.members(session, [ids[2]], 1, 10).values()} == {ids[2]}
        assert list(strangers.ungrouped(session, 1, 10)) == [
            row.id for row in everybody(database) if not row.stranger_id
        ]


def test_who_went_into_somebody_who_went_into_somebody_is_found_at_the_end(database: Database) -> None:
    ids = group(database, 1, 2, 3)
    with database.write() as session:
        strangers.merge(session, ids[1], ids[2])
        strangers.merge(session, ids[2], ids[3])
    with database.read() as session:
        assert strangers.get(session, ids[3]).sightings == 6
        with pytest.raises(NotFound) as told:
            strangers.get(session, ids[1])
        assert told.value.details == {"merged_into": ids[3]}
        assert [each.sightings for each in strangers.changes(session, ids[3])] == [4]


def test_who_is_named_leaves_no_stranger_and_no_line_behind(database: Database) -> None:
    ids, ada = group(database, 1, 2, 3), enrolled(database, "Ada")
    with database.write() as session:
        strangers.merge(session, ids[1], ids[2])
        strangers.name(session, ids[2], ada, "e" * 32)
    with database.read() as session:
        assert list(session.scalars(select(Stranger.id))) == [ids[3]]
        assert list(session.scalars(select(StrangerChange))) == []
    assert len(everybody(database, person_id=ada)) == 4
    with database.write() as session:
        people.erase(session, ada)
    assert len(everybody(database)) == 2
    with database.write() as session, pytest.raises(NotFound):
        strangers.name(session, ids[2], ada, "e" * 32)


def test_strangers_go_with_their_sightings_and_their_lines_when_they_are_old(database: Database) -> None:
    ids = group(database, 1, 2)
    with database.write() as session:
        strangers.merge(session, ids[1], ids[2])
    assert database.retry(lambda session: sightings.prune(session, -1.0, 10)) == 4
    with database.read() as session:
        assert list(session.scalars(select(Stranger))) == list(session.scalars(select(StrangerChange))) == []
