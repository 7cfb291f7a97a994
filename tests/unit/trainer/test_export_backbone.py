import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from familiar.servable import BackboneMeta
from familiar_trainer.export.gate import Gate
from familiar_trainer.export_backbone import main


@pytest.fixture(scope="module")
def published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A models folder with the default backbone as version 1; to be copied, not changed."""
    folder = tmp_path_factory.mktemp("models")
    assert main(["--models", str(folder), "--version", "1"]) == 0
    return folder


def test_the_default_backbone_is_published_and_describes_itself(published: Path, gate: Gate) -> None:
    assert [path.name for path in (published / "backbone").iterdir()] == ["1"]
    labels, meta_json = gate.describe(published / "backbone" / "1")
    assert labels == ()
    assert BackboneMeta.from_json(meta_json).name == "face_resnet"


def test_the_export_stores_the_weights_once(published: Path) -> None:
    graph = published / "backbone" / "1" / "saved_model.pb"
    assert 22_400_000 < graph.stat().st_size < 23_500_000


def test_the_same_version_again_changes_nothing_and_needs_no_tensorflow(published: Path) -> None:
    before = (published / "backbone" / "1" / "saved_model.pb").stat()
    script = (
        "import sys; from familiar_trainer.export_backbone import main; code = main(sys.argv[1:]); "
        "sys.exit('TensorFlow was imported' if 'tensorflow' in sys.modules else code)"
    )
    command = [sys.executable, "-c", script, "--models", str(published), "--version", "1"]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert finished.returncode == 0, finished.stderr
    assert "already published" in finished.stdout
    assert (published / "backbone" / "1" / "saved_model.pb").stat() == before


def test_a_version_of_another_backbone_is_left_alone(published: Path, tmp_path: Path, capsys) -> None:
    models = shutil.copytree(published, tmp_path / "models")
    meta_file = models / "backbone" / "1" / "assets.extra" / "meta.json"
    meta = BackboneMeta.from_json(meta_file.read_text())
    meta_file.write_text(meta.to_json().replace(meta.name, "another"))
    assert main(["--models", str(models), "--version", "1"]) == 3
    assert "is another" in capsys.readouterr().err
    meta_file.unlink()
    assert main(["--models", str(models), "--version", "1"]) == 3
    assert "was not published by this command" in capsys.readouterr().err


def test_our_own_export_can_be_exported_again_as_somebody_elses(published: Path, tmp_path: Path) -> None:
    source = published / "backbone" / "1"
    assert main(["--models", str(tmp_path), "--backbone", str(source), "--version", "7"]) == 0
    assert (tmp_path / "backbone" / "7" / "saved_model.pb").is_file()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--backbone", "no_such_backbone"], "neither a backbone"),
        (["--weights", "/no/such/file"], "cannot read the weights file /no/such/file"),
    ],
)
def test_a_failure_is_one_sentence_and_leaves_no_version(arguments, message: str, tmp_path: Path, capsys) -> None:
    assert main(["--models", str(tmp_path), *arguments]) == 1
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1
    assert not list(tmp_path.rglob("1"))


def test_the_weights_file_may_come_from_the_environment(monkeypatch, tmp_path: Path, capsys) -> None:
    monkeypatch.setenv("BACKBONE_WEIGHTS", "/no/such/weights")
    assert main(["--models", str(tmp_path)]) == 1
    assert "/no/such/weights" in capsys.readouterr().err


def test_a_models_folder_that_cannot_be_is_a_failure_of_one_sentence(tmp_path: Path, capsys) -> None:
    (tmp_path / "file").write_text("in the way")
    assert main(["--models", str(tmp_path / "file")]) == 1
    assert "Not a directory" in capsys.readouterr().err


@pytest.mark.parametrize("version", ["0", "-1", "one", "1.5", "", "٣"])
def test_what_is_no_version_is_wrong_usage(version: str, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as usage:
        main(["--models", str(tmp_path), f"--version={version}"])
    assert usage.value.code == 2


def test_help_names_the_backbones(capsys) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    assert "face_resnet, mobilenet_v2_imagenet" in capsys.readouterr().out
