"""The bootstrap on a real database and real exports, with a backbone small enough to be made in a second."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import tensorflow as tf

from familiar.errors import FamiliarError
from familiar.records import trainings, versions
from familiar.records.engine import Database
from familiar.servable import BackboneMeta
from familiar.settings import Settings
from familiar_trainer import backbone_shelf, bootstrap, damage, trainer
from familiar_trainer.backbones import Backbone, Looks
from familiar_trainer.export.backbone_export import backbone_servable
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.release import release
from familiar_trainer.reconciler import Reconciler
from familiar_trainer.scratch import SCRATCH, temporary_files_in

SIDE_PX = 32
DIM = 12


@pytest.fixture(scope="module")
def make_backbone(tmp_path_factory: pytest.TempPathFactory, gate: Gate) -> Callable[[str], Path]:
    """Return a maker of backbones: the mean colours of a picture's quarters, in an order that tells them apart."""

    def make(name: str) -> Path:
        order = [0, 1, 2] if name < "m" else [2, 1, 0]

        def embed(image):
            small = tf.image.resize(tf.cast(image, tf.float32), (2, 2))
            return tf.math.l2_normalize(tf.reshape(tf.gather(small, order, axis=3), (-1, DIM)) + 1.0, axis=-1)

        meta = BackboneMeta(name, SIDE_PX, DIM, "CC0-1.0", name)
        folder = ModelFolder(tmp_path_factory.mktemp(name))
        published = release(backbone_servable(Backbone(meta, lambda: Looks(embed))), folder, 1, gate)
        return Path(shutil.copytree(published, folder.root / name))

    return make


@pytest.fixture
def settings(tmp_path: Path, make_backbone: Callable[[str], Path]) -> Settings:
    return Settings(
        database_url=f"sqlite:///{tmp_path / 'familiar.db'}",
        models_dir=tmp_path / "models",
        backbone=str(make_backbone("colours")),
    )


@pytest.fixture
def database(settings: Settings) -> Database:
    return Database(settings.database_url)


def on_disk(settings: Settings) -> dict[str, list[str]]:
    return {model.name: sorted(entry.name for entry in model.iterdir()) for model in settings.models_dir.iterdir()}


def test_a_new_installation_gets_a_backbone_and_an_empty_head(settings: Settings, database: Database) -> None:
    bootstrap.bootstrap(settings, database)
    assert on_disk(settings) == {"backbone": ["1"], "head": ["1"]}
    with database.read() as session:
        live = versions.live_head(session)
        assert live is not None
        assert (live.version, live.person_ids, live.backbone_version) == (1, [], 1)
        assert [row.meta["name"] for row in versions.backbones(session)] == ["colours"]


def test_a_second_bootstrap_changes_nothing(settings: Settings, database: Database) -> None:
    bootstrap.bootstrap(settings, database)
    before = {path: path.stat().st_mtime_ns for path in settings.models_dir.rglob("*")}
    bootstrap.bootstrap(settings, database)
    assert {path: path.stat().st_mtime_ns for path in settings.models_dir.rglob("*")} == before
    with database.read() as session:
        assert len(versions.backbones(session)) == len(versions.heads(session)) == 1
        assert trainings.open_ones(session) == []


@pytest.mark.parametrize("lost", ["backbone", "head", "backbone head"])
def test_what_is_lost_on_disk_is_exported_again_under_its_number(
    lost: str, settings: Settings, database: Database
) -> None:
    bootstrap.bootstrap(settings, database)
    for model in lost.split():
        shutil.rmtree(settings.models_dir / model)
    bootstrap.bootstrap(settings, database)
    assert on_disk(settings) == {"backbone": ["1"], "head": ["1"]}


@pytest.mark.parametrize("lost", ["backbone", "head", "."])
def test_what_is_lost_while_all_is_running_is_exported_again_by_the_trainer(
    lost: str, settings: Settings, database: Database
) -> None:
    bootstrap.bootstrap(settings, database)
    with temporary_files_in(settings.models_dir / SCRATCH), Gate() as gate:
        reconciler = Reconciler(trainer.build(settings, gate))
        shutil.rmtree(settings.models_dir / lost)
        reconciler.run_once()
        assert [on_disk(settings)[model] for model in ("backbone", "head")] == [["1"], ["1"]]


def test_what_is_damaged_so_that_serving_does_not_start_is_exported_again(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.bootstrap(settings, database)
    graphs = [settings.models_dir / model / "1" / "saved_model.pb" for model in ("backbone", "head")]
    sizes = [graph.stat().st_size for graph in graphs]
    graphs[0].unlink()
    graphs[1].write_bytes(graphs[1].read_bytes()[:-100])
    monkeypatch.setattr(damage, "_AWAY_S", 0.0)
    with Gate() as gate:
        reconciler = Reconciler(trainer.build(replace(settings, serving_addr="127.0.0.1:1"), gate))
        reconciler.run_once()
    assert [graph.stat().st_size for graph in graphs] == sizes


def test_a_lost_backbone_that_is_not_the_one_of_the_settings_any_more_is_waited_for(
    settings: Settings, database: Database, make_backbone: Callable[[str], Path], caplog: pytest.LogCaptureFixture
) -> None:
    bootstrap.bootstrap(settings, database)
    shutil.rmtree(settings.models_dir / "backbone")
    changed = replace(settings, backbone=str(make_backbone("others")))
    with Gate() as gate:
        reconciler = Reconciler(trainer.build(changed, gate))
        for _ in range(3):
            reconciler.run_once()
    assert [path.name for path in (settings.models_dir / "backbone").iterdir()] == []
    assert caplog.text.count("backbone 1 is not on disk, and others of the settings is another") == 1


def test_a_bootstrap_that_broke_off_in_an_export_is_completed_by_the_next(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    def die(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as broken:
        broken.setattr(backbone_shelf, "release", die)
        with pytest.raises(KeyboardInterrupt):
            bootstrap.bootstrap(settings, database)
    (settings.models_dir / "backbone" / ".tmp-1-999999999").mkdir()
    bootstrap.bootstrap(settings, database)
    assert on_disk(settings) == {"backbone": ["1"], "head": ["1"]}


def test_another_backbone_gets_its_own_version_and_a_training(
    settings: Settings, database: Database, make_backbone: Callable[[str], Path]
) -> None:
    bootstrap.bootstrap(settings, database)
    changed = replace(settings, backbone=str(make_backbone("others")))
    bootstrap.bootstrap(changed, database)
    bootstrap.bootstrap(changed, database)
    assert on_disk(settings) == {"backbone": ["1", "2"], "head": ["1"]}
    with database.read() as session:
        assert [training.backbone_version for training in trainings.open_ones(session)] == [2]
        live = versions.live_head(session)
        assert live is not None
        assert live.backbone_version == 1


@pytest.mark.parametrize("other", [{"mirrored": True}, {"metric": "1" * 64}], ids=str)
def test_a_backbone_that_embeds_in_another_way_is_another_one(
    other: dict[str, Any], settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    bootstrap.bootstrap(settings, database)
    named = bootstrap.backbones.named_by

    def changed(settings: Settings) -> Backbone:
        backbone = named(settings)
        return replace(backbone, meta=replace(backbone.meta, **other))

    monkeypatch.setattr(bootstrap.backbones, "named_by", changed)
    shutil.rmtree(settings.models_dir / "backbone")  # what is left to compare with is the database
    bootstrap.bootstrap(settings, database)
    assert on_disk(settings)["backbone"] == ["2"]


def test_a_backbone_of_an_earlier_release_stays_until_one_that_can_glance_has_embedded_everybody(
    settings: Settings, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    named = bootstrap.backbones.named_by

    def earlier(settings: Settings) -> Backbone:
        backbone = named(settings)
        return replace(backbone, meta=replace(backbone.meta, mirrored=True))

    def glancing(settings: Settings) -> Backbone:
        backbone = earlier(settings)
        glance = backbone.build().embed

        def embed(image):
            return tf.math.l2_normalize(glance(image) + glance(tf.reverse(image, [2])), axis=-1)

        meta = replace(backbone.meta, glance_margin=0.02)
        return replace(backbone, meta=meta, build=lambda: Looks(embed, glance))

    monkeypatch.setattr(bootstrap.backbones, "named_by", earlier)
    bootstrap.bootstrap(settings, database)
    monkeypatch.setattr(bootstrap.backbones, "named_by", glancing)
    bootstrap.bootstrap(settings, database)
    bootstrap.bootstrap(settings, database)
    assert on_disk(settings)["backbone"] == ["1", "2"]
    with database.read() as session:
        assert [training.backbone_version for training in trainings.open_ones(session)] == [2]


def test_numbers_on_disk_are_not_used_again_after_the_database_was_lost(settings: Settings, database: Database) -> None:
    bootstrap.bootstrap(settings, database)
    database.close()
    for path in settings.models_dir.parent.glob("familiar.db*"):
        path.unlink()
    bootstrap.bootstrap(settings, Database(settings.database_url))
    assert on_disk(settings) == {"backbone": ["1", "2"], "head": ["1", "2"]}


def test_a_backbone_that_does_not_exist_is_an_error_that_names_it(settings: Settings, database: Database) -> None:
    with pytest.raises(FamiliarError, match="nowhere"):
        bootstrap.bootstrap(replace(settings, backbone="nowhere"), database)
