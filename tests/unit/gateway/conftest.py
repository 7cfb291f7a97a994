"""The gateway over a real database and fakes of Serving and the queue."""

import hashlib
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # gateway_world, openapi_judge, webcam

import webcam as webcam
from gateway_world import MakeWorld, World, create_world

from familiar.seeing import detectors
from familiar.seeing.detection import Detector, Face
from familiar.seeing.image import Frame
from familiar.seeing.observation import Observer


class RememberingDetector:
    """The real detector, asked only once about each picture, since many tests show it the same ones."""

    def __init__(self, real: Detector) -> None:
        self.name = real.name
        self._real = real
        self._seen: dict[tuple, Sequence[Face]] = {}

    def search(self, frame: Frame, least_share: float = 0.0) -> Sequence[Face]:
        return self._once((_digest(frame), least_share), lambda: self._real.search(frame, least_share))

    def settle(self, frame: Frame, faces: Sequence[Face]) -> Sequence[Face]:
        boxes = tuple(face.box for face in faces)
        return self._once((_digest(frame), boxes), lambda: self._real.settle(frame, faces))

    def _once(self, key: tuple, ask: Callable[[], Sequence[Face]]) -> Sequence[Face]:
        if key not in self._seen:
            self._seen[key] = ask()
        return self._seen[key]


def _digest(frame: Frame) -> bytes:
    return hashlib.sha256(str(frame.shape).encode() + frame.tobytes()).digest()


@pytest.fixture(scope="session")
def observer() -> Observer:
    """The real one."""
    return Observer(RememberingDetector(detectors.create("yunet")))


@pytest.fixture
def make_world(tmp_path: Path, observer: Observer) -> Iterator[MakeWorld]:
    """Make worlds with settings changed."""
    made: list[World] = []

    def make(**changes: object) -> World:
        made.append(create_world(tmp_path / str(len(made)), observer, **changes))
        return made[-1]

    yield make
    for world in made:
        world.database.close()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A world with the usual settings."""
    return make_world()


@pytest.fixture(scope="session")
def collins_frames(collins: Frame) -> list[bytes]:
    """Thirty frames of Eileen Collins."""
    return webcam.jpegs(collins[:300, 60:360], 30, seed=1)


@pytest.fixture(scope="session")
def hopper_frames(hopper: Frame) -> list[bytes]:
    """Thirty frames of Grace Hopper."""
    return webcam.jpegs(hopper[:512], 30, seed=2)
