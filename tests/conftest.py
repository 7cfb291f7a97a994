"""Fixtures that every kind of test shares."""

import os
import signal
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # helper modules such as `portraits`

import portraits
import postgresql
from familiar.seeing.image import Frame

_ROOT = Path(__file__).parent.parent
_EVERYTHING = "FAMILIAR_ALL_TESTS"


def pytest_configure() -> None:
    """End like after Ctrl-C when told to stop, so that fixtures end the processes they have started."""
    signal.signal(signal.SIGTERM, lambda *_: pytest.exit("told to stop", returncode=143))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave the slow part to those who ask for all tests."""
    if os.environ.get(_EVERYTHING):
        return
    for item in items:
        if item.get_closest_marker("slow"):
            item.add_marker(pytest.mark.skip(reason=f"takes long: make test-all, or {_EVERYTHING}=1, runs it"))


@pytest.fixture(scope="session")
def postgresql_url() -> Iterator[str]:
    """The URL of a database of PostgreSQL, in which a test may do anything."""
    with postgresql.started() as url:
        yield url


@pytest.fixture(scope="session")
def collins() -> Frame:
    """Eileen Collins, uint8[512, 512, 3]."""
    return portraits.frame("Eileen Collins")


@pytest.fixture(scope="session")
def hopper() -> Frame:
    """Grace Hopper, uint8[606, 512, 3]."""
    return portraits.frame("Grace Hopper")


@pytest.fixture(scope="session")
def collins_jpeg() -> bytes:
    """Eileen Collins as JPEG."""
    return portraits.jpeg("Eileen Collins")


@pytest.fixture(scope="session")
def hopper_jpeg() -> bytes:
    """Grace Hopper as JPEG."""
    return portraits.jpeg("Grace Hopper")


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """The folder of real faces and weights, which is not part of the project."""
    folder = Path(os.environ.get("FAMILIAR_DATA", _ROOT.parent / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip("no shared data: set FAMILIAR_DATA to the folder that holds lfw/")
    return folder


@pytest.fixture(scope="session")
def lfw(shared_data: Path) -> Path:
    """The folder of LFW pictures, one folder a person."""
    if not (shared_data / "lfw").is_dir():
        pytest.skip("the shared data has no lfw/")
    return shared_data / "lfw"
