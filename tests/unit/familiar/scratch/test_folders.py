"""A folder of a process is there as long as it is, and not much longer."""

import multiprocessing
import os
import time
from pathlib import Path

import pytest

from familiar.scratch import own_folder

_PATIENCE_S = 60.0


def hold(place: Path, prefix: str) -> None:
    """Have a folder until killed."""
    with own_folder(place, prefix) as folder:
        (folder / "deep").mkdir()
        (folder / "deep" / "file").write_text("face")
        (folder / "ready").touch()
        time.sleep(600)


@pytest.mark.parametrize("prefix", ["", "familiar-x-"])
def test_what_the_killed_left_is_removed_by_the_next_and_nothing_of_the_living(tmp_path: Path, prefix: str) -> None:
    spawning = multiprocessing.get_context("spawn")
    holders = [spawning.Process(target=hold, args=(tmp_path, prefix)) for _ in range(2)]
    for holder in holders:
        holder.start()
    try:
        deadline = time.monotonic() + _PATIENCE_S
        while len(list(tmp_path.glob("*/ready"))) < 2:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        holders[0].kill()
        holders[0].join()
        assert len(list(tmp_path.iterdir())) == 2
        with own_folder(tmp_path, prefix) as ours:
            assert len(list(tmp_path.iterdir())) == 2 and ours.name.startswith(prefix)
        (alive,) = tmp_path.iterdir()
        assert (alive / "deep" / "file").exists()
    finally:
        for holder in holders:
            holder.kill()
            holder.join()
    with own_folder(tmp_path, prefix):
        assert len(list(tmp_path.iterdir())) == 1
    assert list(tmp_path.iterdir()) == []


def test_what_is_none_of_its_kind_stays(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    kept.mkdir()
    (tmp_path / "other").mkdir()
    (tmp_path / "x-file").touch()
    (tmp_path / "x-link").symlink_to(kept)
    (tmp_path / "x-old").mkdir()
    with own_folder(tmp_path, "x-"):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["kept", "other", "x-file", "x-link"]


@pytest.mark.skipif(os.geteuid() != 0, reason="nobody else can make a folder somebody's")
def test_what_is_of_another_user_stays(tmp_path: Path) -> None:
    (tmp_path / "x-theirs").mkdir()
    os.chown(tmp_path / "x-theirs", 12_345, 12_345)
    with own_folder(tmp_path, "x-"):
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["x-theirs"]
