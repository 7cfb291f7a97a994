"""Temporary files of a process lie where the next one removes them if it is killed."""

import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from familiar_trainer.scratch import temporary_files_in

WRITER = """
import subprocess, sys, tempfile, time
from pathlib import Path
from familiar_trainer.scratch import temporary_files_in
with temporary_files_in(Path(sys.argv[1])):
    folder = Path(tempfile.mkdtemp())
    (folder / "file").write_text("face")
    subprocess.run([sys.executable, "-c", "import tempfile; tempfile.NamedTemporaryFile(delete=False)"], check=True)
    (folder / "ready").touch()
    time.sleep(600)
"""


def ready(place: Path) -> bool:
    return any(place.glob("*/*/ready"))


def test_temporary_files_are_made_there_and_are_gone_afterwards(tmp_path: Path) -> None:
    place, before = tmp_path / "models" / "scratch", tempfile.gettempdir()
    with temporary_files_in(place):
        with tempfile.NamedTemporaryFile(delete=False) as left:
            assert Path(left.name).is_relative_to(place)
        assert len(list(place.iterdir())) == 1
    assert list(place.iterdir()) == []
    assert tempfile.gettempdir() == before


def test_what_a_killed_process_and_its_children_left_is_removed_by_the_next_and_nothing_of_the_living(
    tmp_path: Path, wait_until: Callable[..., None]
) -> None:
    places = [tmp_path / "killed", tmp_path / "living"]
    writers = [subprocess.Popen([sys.executable, "-c", WRITER, str(tmp_path / "scratch")]) for _ in places]
    try:
        wait_until(lambda: len(list((tmp_path / "scratch").glob("*/*/ready"))) == 2, timeout_s=60)
        writers[0].send_signal(signal.SIGKILL)
        writers[0].wait()
        assert len(list((tmp_path / "scratch").iterdir())) == 2
        with temporary_files_in(tmp_path / "scratch"):
            assert len(list((tmp_path / "scratch").iterdir())) == 2, "one of the living, and ours"
        assert ready(tmp_path / "scratch"), "the living one has all of its files"
    finally:
        for writer in writers:
            writer.kill()
            writer.wait()
    with temporary_files_in(tmp_path / "scratch"):
        pass
    assert list((tmp_path / "scratch").iterdir()) == []


def test_where_there_is_no_such_place_the_systems_folder_serves(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    (tmp_path / "file").touch()
    before = tempfile.gettempdir()
    with temporary_files_in(tmp_path / "file" / "scratch"):
        assert tempfile.gettempdir() == before
    assert "temporary files stay in" in caplog.text
