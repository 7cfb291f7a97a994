"""Which versions stay on disk."""

from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import event

from familiar.knowing import Head
from familiar.records import Database, migrate, versions
from familiar.records.versions import HeadStatus
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.shelf import HeadShelf, surplus

LIVE, OLD, COMING = HeadStatus.LIVE, HeadStatus.SUPERSEDED, HeadStatus.PUBLISHED


def test_the_last_few_that_served_stay() -> None:
    known = {1: OLD, 2: OLD, 3: OLD, 4: OLD, 5: LIVE}
    assert surplus([1, 2, 3, 4, 5], known, keep_versions=3) == [1, 2]


def test_one_on_its_way_stays_and_counts_for_nobody() -> None:
    known = {1: OLD, 2: OLD, 3: LIVE, 4: COMING}
    assert surplus([1, 2, 3, 4], known, keep_versions=3) == []


def test_the_live_one_stays_wherever_it_stands() -> None:
    known = {1: LIVE, 2: OLD, 3: OLD, 4: OLD}
    assert surplus([1, 2, 3, 4], known, keep_versions=3) == []


@pytest.mark.parametrize("status", [HeadStatus.FAILED, HeadStatus.ABANDONED, HeadStatus.REJECTED, HeadStatus.ERASED])
def test_what_never_served_or_must_not_goes(status: HeadStatus) -> None:
    assert surplus([1, 2], {1: LIVE, 2: status}, keep_versions=3) == [2]


def test_what_the_database_does_not_know_goes() -> None:
    assert surplus([4, 5, 9], {5: LIVE}, keep_versions=3) == [4, 9]


def test_an_empty_disk_has_nothing_to_lose() -> None:
    assert surplus([], {1: LIVE}, keep_versions=3) == []


def test_as_long_as_the_live_head_is_on_disk_neither_its_weights_nor_its_people_are_read(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate.migrate(database)
    head = Head(("a" * 32,), np.eye(1, 8, dtype=np.float32), np.full(1, 0.9, np.float32))
    with database.write() as session:
        versions.add_head(
            session, 1, training_id=None, backbone_version=1, head=head, meta={}, status=HeadStatus.PUBLISHED
        )
        versions.go_live(session, 1)
    (tmp_path / "head" / "1").mkdir(parents=True)
    asked: list[str] = []
    event.listen(database.engine, "before_cursor_execute", lambda *call: asked.append(call[2]))

    class Nobody:
        def check(self, *_: object, **__: object) -> None:
            raise AssertionError("nothing is exported")

    assert HeadShelf(database, ModelFolder(tmp_path / "head"), Nobody(), keep_versions=3).restore() is False
    assert any("head_versions" in statement for statement in asked)
    assert not any("weights" in statement or "person_ids" in statement for statement in asked)
    database.close()
