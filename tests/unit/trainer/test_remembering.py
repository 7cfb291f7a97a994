"""What sightings and events need of the trainer: pruned when nobody comes by, and seen anew by another backbone."""

import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import select, update

from fakes import GreyBackbone
from familiar.errors import ServingUnavailable
from familiar.knowing import Head, Status, normalise
from familiar.learning import Cohort
from familiar.records import Database, events, passes, sightings, strangers, versions
from familiar.records.migrate import migrate
from familiar.records.schema import Event, Sighting, Visit
from familiar.records.versions import HeadStatus
from familiar.seeing import encode_jpeg
from familiar.settings import Settings
from familiar_trainer.remembering import Memory
from telling import tell

DIM = 8
NEW = 2


@pytest.fixture
def trainer(tmp_path: Path) -> Iterator[Any]:
    """A trainer with a database in which the second backbone serves, and sightings that the first one saw."""
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    with database.write() as session:
        for version in (1, NEW):
            versions.add_backbone(session, version, {})
        head = versions.issue(session, "head")
        versions.add_head(session, head, training_id=None, backbone_version=NEW, head=Head.empty(DIM), meta={},
                          status=HeadStatus.PUBLISHED)  # fmt: skip
        versions.go_live(session, head)
    settings = Settings(sightings_keep_s=3600.0, sightings_most=50)
    yield SimpleNamespace(
        database=database, models=GreyBackbone(DIM), settings=settings, cohort=lambda name, dim, metric: Cohort(dim)
    )
    database.close()


def test_events_and_visits_that_are_too_old_go_though_nobody_comes_by(trainer: Any) -> None:
    tell(trainer.database, "door", "yard")
    memory = Memory(trainer)
    memory.prune_events()
    with trainer.database.write() as session:
        assert events.count(session, events.Wanted()) == 2
        for row in (*session.query(Event), *session.query(Visit)):
            setattr(row, "written_at" if isinstance(row, Event) else "noted_at", time.time() - 31 * 86_400)
    memory.prune_events()
    with trainer.database.read() as session:
        assert events.count(session, events.Wanted()) == 0 == session.query(Visit).count()


def come_by(database: Database, number: int, *crops: bytes) -> str:
    """Keep a sighting with these crops; return its id."""
    with database.write() as session:
        passes.keep(session, [
            passes.Seen(
                captured_at=1e9 + 100 * number + place, camera=None, status=Status.UNKNOWN, person_id=None, score=None,
                candidates=(), head_version=1, backbone_version=1, vector=normalise(np.ones(4, np.float32)), alike=0.9,
                weight=0.5, request_id=f"{number}-{place}", face=0, box=(0, 0, 1, 1), quality={},
                crop=lambda picture=picture: picture,
            )
            for place, picture in enumerate(crops)
        ])  # fmt: skip
        return sightings.page(session, sightings.Wanted(), 1)[0].id


def grey(level: int) -> bytes:
    return encode_jpeg(np.full((224, 224, 3), level, np.uint8))


def versions_of(database: Database) -> dict[str, int]:
    with database.read() as session:
        return {row.id: row.backbone_version for row in session.scalars(select(Sighting))}


def test_another_backbone_sees_the_crops_anew_and_what_it_cannot_see_goes(trainer: Any) -> None:
    database, memory = trainer.database, Memory(trainer)
    seen = come_by(database, 1, grey(60), grey(120))
    come_by(database, 2, b"no picture")
    come_by(database, 3, grey(0))
    in_part = come_by(database, 4, grey(200), b"no picture")
    memory.renew_sightings()
    assert versions_of(database) == {seen: NEW, in_part: NEW}
    with database.read() as session:
        rows = dict(zip(*next(sightings.vectors(session, NEW, sightings.Wanted())), strict=True))
    turns = [np.degrees(np.arctan2(rows[each][1], rows[each][0])) for each in (seen, in_part)]
    assert turns == pytest.approx([90 / 255 * 180, 200 / 255 * 180], abs=1.5)
    memory.renew_sightings()  # there is nothing left to do
    assert len(versions_of(database)) == 2


def test_while_the_backbone_is_away_nothing_goes(trainer: Any) -> None:
    come_by(trainer.database, 1, grey(60))
    trainer.models.away = True
    with pytest.raises(ServingUnavailable):
        Memory(trainer).renew_sightings()
    assert set(versions_of(trainer.database).values()) == {1}


def test_what_is_seen_anew_is_grouped_then(trainer: Any) -> None:
    memory = Memory(trainer)
    for number, level in enumerate((60, 61, 200)):
        come_by(trainer.database, number, grey(level))
    memory.group_strangers()
    with trainer.database.read() as session:
        assert strangers.page(session, 1, 10, 0) == ([], 0)
    memory.renew_sightings()
    memory.group_strangers()
    with trainer.database.read() as session:
        assert sorted(each.sightings for each in strangers.page(session, 1, 10, 0)[0]) == [1, 2]


def test_old_sightings_go_also_where_nobody_comes_by(trainer: Any) -> None:
    database, memory = trainer.database, Memory(trainer)
    old, new = come_by(database, 1, grey(9)), come_by(database, 2, grey(9))
    with database.write() as session:
        session.execute(update(Sighting).where(Sighting.id == old).values(kept_at=Sighting.kept_at - 3601))
    memory.prune_sightings()
    assert set(versions_of(database)) == {new}
