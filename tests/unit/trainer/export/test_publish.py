import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from familiar_trainer.export.errors import ExportFailed, GateFailed, VersionExists
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.release import release
from familiar_trainer.export.servable import Servable


@pytest.fixture
def models(tmp_path: Path) -> ModelFolder:
    return ModelFolder(tmp_path / "head")


def publish(models: ModelFolder, version: int, text: str = "graph") -> Path:
    with models.staging(version) as staged:
        (staged / "saved_model.pb").write_text(text)
        (staged / "assets.extra").mkdir()
        (staged / "assets.extra" / "meta.json").write_text("{}")
        return models.publish(staged, version)


def names(models: ModelFolder) -> list[str]:
    return sorted(entry.name for entry in models.root.iterdir())


def ended_pid() -> int:
    process = subprocess.Popen([sys.executable, "-c", ""])
    process.wait()
    return process.pid


def test_a_published_version_is_there_whole_and_alone(models: ModelFolder) -> None:
    path = publish(models, 3)
    assert path == models.root / "3"
    assert (path / "saved_model.pb").read_text() == "graph"
    assert (path / "assets.extra" / "meta.json").is_file()
    assert names(models) == ["3"]
    assert models.versions() == [3]


def test_nothing_is_visible_as_a_version_before_it_is_published(models: ModelFolder) -> None:
    with models.staging(1) as staged:
        (staged / "saved_model.pb").write_text("half")
        assert models.versions() == []
        assert names(models) == [f".tmp-1-{os.getpid()}"]
    assert names(models) == []


def test_an_error_while_writing_leaves_nothing_behind(models: ModelFolder) -> None:
    with pytest.raises(OSError, match="disk"), models.staging(1) as staged:
        (staged / "saved_model.pb").write_text("half")
        raise OSError("disk full")
    assert names(models) == []


@pytest.mark.parametrize("content", [True, False])
def test_an_existing_version_is_refused_and_stays_as_it_is(content: bool, models: ModelFolder) -> None:
    (models.root / "1").mkdir()
    if content:
        (models.root / "1" / "saved_model.pb").write_text("first")
    with pytest.raises(VersionExists, match=r"version 1 in .* is already published"):
        publish(models, 1, "second")
    assert [path.name for path in (models.root / "1").iterdir()] == (["saved_model.pb"] if content else [])


def test_of_two_publishers_of_a_version_one_wins_and_the_other_is_told(models: ModelFolder) -> None:
    with models.staging(1) as staged:
        (staged / "saved_model.pb").write_text("late")
        winner = models.root / "1"
        winner.mkdir()
        (winner / "saved_model.pb").write_text("early")
        with pytest.raises(VersionExists):
            models.publish(staged, 1)
    assert (winner / "saved_model.pb").read_text() == "early"
    assert names(models) == ["1"]


@pytest.mark.parametrize("version", [0, -1, 10**18, "x"])
def test_what_is_no_version_is_refused(version: object, models: ModelFolder) -> None:
    with pytest.raises(ValueError, match="is no version"), models.staging(version):  # type: ignore[arg-type]
        pass


def test_only_folders_named_like_our_versions_are_versions(models: ModelFolder) -> None:
    for name in ("1", "20", "007", "1.tmp", "+5", "٣", ".trash-9", "two"):
        (models.root / name).mkdir()
    (models.root / "3").write_text("a file")
    assert models.versions() == [1, 20]


def test_the_next_version_is_above_all_that_ever_was(models: ModelFolder) -> None:
    assert models.next_version() == 1
    assert models.next_version(floor=41) == 42
    publish(models, 5)
    assert models.next_version() == 6
    (models.root / ".trash-8").mkdir()
    assert models.next_version() == 9
    (models.root / ".tmp-11-1").mkdir()
    assert models.next_version(floor=10) == 12


def test_a_retired_version_is_gone_and_others_stay(models: ModelFolder) -> None:
    publish(models, 1)
    publish(models, 2)
    models.retire(1)
    models.retire(1)
    assert names(models) == ["2"]


def test_retiring_goes_on_after_one_that_was_cut_short(models: ModelFolder) -> None:
    publish(models, 1)
    (models.root / ".trash-1").mkdir()
    (models.root / ".trash-1" / "saved_model.pb").write_text("old")
    models.retire(1)
    assert names(models) == []


def test_sweeping_takes_only_what_ended_processes_left(models: ModelFolder) -> None:
    publish(models, 1)
    abandoned = f".tmp-2-{ended_pid()}"
    for name in (abandoned, ".trash-7", ".tmp-3-1", "notes"):
        (models.root / name).mkdir()
    with models.staging(4) as staged:
        assert models.sweep() == sorted([".trash-7", abandoned])
        assert names(models) == sorted([".tmp-3-1", staged.name, "1", "notes"])


def test_a_second_view_of_the_folder_does_not_sweep_what_this_process_is_writing(models: ModelFolder) -> None:
    with models.staging(4) as staged:
        assert ModelFolder(models.root).sweep() == []
        assert staged.is_dir()


def test_a_restarted_process_with_the_same_pid_sweeps_what_it_left(models: ModelFolder) -> None:
    (models.root / f".tmp-2-{os.getpid()}").mkdir()
    assert models.sweep() == [f".tmp-2-{os.getpid()}"]


def test_a_folder_that_cannot_be_written_is_an_error_with_the_reason(models: ModelFolder) -> None:
    shutil.rmtree(models.root)
    models.root.write_text("in the way")
    with pytest.raises(ExportFailed, match="Not a directory"):
        publish(models, 1)


def test_release_writes_proves_and_publishes(gate: Gate, servable: Servable, models: ModelFolder) -> None:
    path = release(servable, models, 1, gate)
    gate.check(path, servable)
    assert names(models) == ["1"]


def test_release_of_a_head_that_fails_the_gate_leaves_nothing(
    gate: Gate, make_head, make_servable, servable: Servable, models: ModelFolder
) -> None:
    wrong = replace(servable, graphs=make_servable(make_head(7, seed=9)).graphs)
    with pytest.raises(GateFailed, match="answered wrongly"):
        release(wrong, models, 1, gate)
    assert names(models) == []


# Publishes version 1, then 2, then retires 1, in a forked child that kills itself before its k-th call of a built-in
# function, for k = 1, 2, ... until one child gets through; prints how many were killed.
KILLED_EVERYWHERE = """
import os, signal, sys
from pathlib import Path
from familiar_trainer.export.publish import ModelFolder

template, root = Path(sys.argv[1]), Path(sys.argv[2])

def write(staged):
    for source in sorted(template.rglob("*")):
        target = staged / source.relative_to(template)
        if source.is_dir():
            target.mkdir(exist_ok=True)
            continue
        target.parent.mkdir(exist_ok=True)
        data = source.read_bytes()
        with target.open("wb", buffering=0) as file:
            for start in range(0, max(len(data), 1), 1 << 14):
                file.write(data[start : start + (1 << 14)])

def work(models):
    for version in (1, 2):
        with models.staging(version) as staged:
            write(staged)
            models.publish(staged, version)
    models.retire(1)

def run(models, last_call):
    calls = 0
    def count(frame, event, argument):
        nonlocal calls
        if event == "c_call":
            calls += 1
            if calls == last_call:
                os.kill(os.getpid(), signal.SIGKILL)
    sys.setprofile(count)
    work(models)
    sys.setprofile(None)

step, killed = 1, 0
while True:
    models = ModelFolder(root / str(step))
    child = os.fork()
    if child == 0:
        run(models, step)
        os._exit(0)
    if os.waitpid(child, 0)[1] == 0:
        break
    killed += 1
    step += int(sys.argv[3])
print(killed)
"""
STRIDE = 3  # to save time; every point was tried when this was written


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def test_a_publisher_killed_at_any_point_leaves_only_whole_versions(
    gate: Gate, servable: Servable, pristine: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-c", KILLED_EVERYWHERE, str(pristine), str(tmp_path), str(STRIDE)]
    finished = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert finished.returncode == 0, finished.stderr
    assert int(finished.stdout) > 50
    whole, leftovers, states = contents(pristine), set(), set()
    for root in tmp_path.iterdir():
        models = ModelFolder(root)
        versions = models.versions()
        if tuple(versions) not in states:
            for version in versions:
                gate.check(models.path(version), servable)
        states.add(tuple(versions))
        for version in versions:
            assert contents(models.path(version)) == whole
        above = models.next_version()
        assert all(above > version for version in versions)
        leftovers |= {name.split("-")[0] for name in models.sweep()}
        assert sorted(map(str, versions)) == names(models)
    # The kills did hit: before the first version, between the two, beside both, after the retirement.
    assert states == {(), (1,), (1, 2), (2,)}
    assert leftovers == {".tmp", ".trash"}


def test_a_folder_that_is_lost_has_no_versions_until_the_next_one_is_written(models: ModelFolder) -> None:
    publish(models, 7)
    shutil.rmtree(models.root.parent)
    assert models.versions() == [] and models.sweep() == [] and models.next_version() == 1
    models.retire(7)
    publish(models, 7)
    assert models.versions() == [7]
