"""How much room there is, and when that is little."""

import shutil
from pathlib import Path

import pytest

from familiar import disk
from familiar.disk import Disk

GB = 10**9


@pytest.mark.parametrize(
    "free,size,low",
    [(GB - 1, 100 * GB, True), (GB, 100 * GB, False), (50_000_000, 512_000_000, True), (60_000_000, 512_000_000, False),
     (20 * GB, 10_000 * GB, False), (0, 0, False), (None, None, False)],
)  # fmt: skip
def test_room_is_little_where_it_is_less_than_a_gigabyte_and_than_a_tenth(free, size, low) -> None:
    assert Disk(1, free, size).low is low


def test_what_lies_in_a_folder_is_added_up_however_deep(tmp_path: Path) -> None:
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "one").write_bytes(bytes(10))
    (tmp_path / "a" / "b" / "two").write_bytes(bytes(20))
    (tmp_path / "a" / "link").symlink_to(tmp_path)
    found = disk.beneath(tmp_path)
    assert 30 <= found.taken_bytes < 30 + 300  # and the link itself
    assert found.size_bytes == shutil.disk_usage(tmp_path).total and 0 <= found.free_bytes <= found.size_bytes


def test_files_that_are_not_there_take_nothing(tmp_path: Path) -> None:
    (tmp_path / "db").write_bytes(bytes(7))
    assert disk.of_files(tmp_path / "db", tmp_path / "db-wal").taken_bytes == 7


def test_a_folder_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        disk.beneath(tmp_path / "lost")
