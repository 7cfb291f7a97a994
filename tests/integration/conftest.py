"""A running system for tests: one that several tests share, and one to break."""

import shutil
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import pytest

sys.path.insert(0, str(Path(__file__).parent))

from familiar.seeing.image import Frame
from familiar_camera.simulation import Session
from system import System, wait_until

Webcam = Callable[[Frame, int, range], list[bytes]]


@pytest.fixture(scope="session")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with tables, backbone and empty head, to copy: making a backbone takes some seconds."""
    folder = tmp_path_factory.mktemp("prepared")
    System(folder).bootstrap()
    return folder


@pytest.fixture
def make_system(prepared: Path, tmp_path: Path) -> Iterator[Callable[..., System]]:
    """Return a maker of systems that start from the prepared folder and end with the test."""
    made: list[System] = []

    def make(**settings: str) -> System:
        made.append(System(_copy(prepared, tmp_path / f"system-{len(made)}"), **settings))
        return made[-1]

    yield make
    for system in made:
        system.down()


@pytest.fixture(scope="module")
def system(
    prepared: Path, tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest
) -> Iterator[System]:
    """A running system that the tests of a module share, with the ``SETTINGS`` that the module has, if it has any."""
    settings = getattr(request.module, "SETTINGS", {})
    running = System(_copy(prepared, tmp_path_factory.mktemp("system") / "state"), **settings)
    try:
        yield running.up()
    finally:
        running.down()


@pytest.fixture(scope="session")
def webcam() -> Webcam:
    """Return a maker of webcam frames (JPEG) of a portrait: the same seed and numbers give the same frames."""

    def frames(portrait: Frame, seed: int, numbers: range) -> list[bytes]:
        session = Session(cv2.cvtColor(portrait, cv2.COLOR_RGB2BGR), seed)
        return [cv2.imencode(".jpg", session.frame(number))[1].tobytes() for number in numbers]

    return frames


@pytest.fixture(scope="module")
def collins_id(system: System, webcam, collins) -> str:
    """The id of Eileen Collins, enrolled in the shared system, to whom a test may add sessions."""
    client = system.client()
    enrollment = client.enroll("Eileen Collins", webcam(collins, 1000, range(0, 60, 3)))
    wait_until(lambda: client.is_live(enrollment), 60, "Collins is live")
    return client.enrollment(enrollment)["person"]["id"]


def _copy(prepared: Path, to: Path) -> Path:
    """Copy what bootstrap made; logs and ports are the new system's own."""
    shutil.copytree(prepared, to, ignore=shutil.ignore_patterns("*.log", "*.pbtxt", "*.aof*"))
    return to
