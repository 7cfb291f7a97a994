"""What does not load is taken off the disk while Serving is away, and nothing else is, ever."""

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from familiar.errors import ModelNotFound, ServingUnavailable
from familiar.knowing import Head
from familiar.records import Database, HeadStatus, versions
from familiar.records.migrate import migrate
from familiar.serving import VersionStatus
from familiar_trainer import damage
from familiar_trainer.damage import Damage
from familiar_trainer.export.errors import DoesNotLoad, GateFailed
from familiar_trainer.export.publish import ModelFolder


class Disk:
    """The folders of a live head 1 and its backbone 1, a Serving that is away, and a clock."""

    def __init__(self, folder: Path, database: Database) -> None:
        self.folders = {model: ModelFolder(folder / model) for model in ("head", "backbone")}
        for each in self.folders.values():
            (each.root / "1").mkdir()
        self.fault: Exception | None = ServingUnavailable("away")
        self.broken: dict[str, Exception] = {}
        self.loaded: list[str] = []
        self.now = 0.0
        self.damage = Damage(database, self, self.folders, self._load)

    def versions(self, _model: str, *, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        if self.fault is not None:
            raise self.fault
        return ()

    def after(self, seconds: float) -> list[str]:
        self.now += seconds
        return self.damage.take_away()

    def there(self) -> list[str]:
        return [model for model, folder in self.folders.items() if folder.versions() == [1]]

    def _load(self, version: Path) -> None:
        self.loaded.append(version.parent.name)
        if version.parent.name in self.broken:
            raise self.broken[version.parent.name]


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Disk]:
    database = Database(f"sqlite:///{tmp_path / 'familiar.db'}")
    migrate(database)
    head = Head((), np.zeros((0, 4), np.float32), np.zeros(0, np.float32))
    with database.write() as session:
        version = versions.issue(session, "head")
        versions.add_head(
            session, version, training_id=None, backbone_version=1, head=head, meta={}, status=HeadStatus.PUBLISHED
        )
        versions.go_live(session, version)
    monkeypatch.setattr(damage, "time", SimpleNamespace(monotonic=lambda: made.now if made else 0.0))
    made = None
    made = Disk(tmp_path, database)
    yield made
    database.close()


@pytest.mark.parametrize("model", ["head", "backbone"])
def test_what_does_not_load_is_taken_away_when_serving_stays_away(disk: Disk, model: str) -> None:
    disk.broken[model] = DoesNotLoad("no graph")
    assert disk.after(5.0) == [] and disk.loaded == []
    assert disk.after(6.0) == [model] and disk.loaded == ["head", "backbone"]
    assert model not in disk.there() and len(disk.there()) == 1


def test_nothing_is_loaded_while_serving_answers_or_comes_and_goes(disk: Disk) -> None:
    disk.broken["head"] = DoesNotLoad("no graph")
    for fault in (None, ModelNotFound("nothing yet"), ServingUnavailable("away"), None, ServingUnavailable("away")):
        disk.fault = fault
        assert disk.after(8.0) == []
    assert disk.loaded == [] and disk.there() == ["head", "backbone"]


def test_while_serving_is_away_for_another_reason_it_is_looked_now_and_then(disk: Disk) -> None:
    for _ in range(60):
        assert disk.after(1.0) == []
    assert disk.loaded == ["head", "backbone"] * 2


@pytest.mark.parametrize("fault", [GateFailed("the gate is closed"), GateFailed("no answer within 30 s")])
def test_what_could_not_be_looked_at_stays(disk: Disk, fault: Exception) -> None:
    disk.broken["head"] = fault
    with pytest.raises(GateFailed):
        disk.after(11.0)
    assert disk.there() == ["head", "backbone"]
