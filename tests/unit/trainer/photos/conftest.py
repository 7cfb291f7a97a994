"""Who sorts, and the two people on the pictures."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from familiar.seeing import Frame

sys.path.insert(0, str(Path(__file__).parent))  # sorting_desk

from sorting_desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Iterator[Desk]:
    made = Desk(tmp_path)
    yield made
    made.database.close()


@pytest.fixture
def ada(collins: Frame) -> Frame:
    return collins[:300, 60:360]


@pytest.fixture
def grace(hopper: Frame) -> Frame:
    return hopper[:512]
