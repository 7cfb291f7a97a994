"""The composed system, brought up once from nothing, for all system tests."""

import os
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

import engine
import people
from stack import BASE, MODELSERVER, Stack

TRUE_SERVING = "FAMILIAR_SYSTEM_SERVING"
"""Set to 1 where tensorflow/serving can be pulled: the tests then run with it instead of our model server."""


@pytest.fixture(scope="session")
def compose() -> Iterator[tuple[str, ...]]:
    """The command of the Compose to test with, an engine running."""
    if os.environ.get("FAMILIAR_SYSTEM_TESTS") != "1":
        pytest.skip("system tests build images and take minutes; `make test-system` runs them")
    try:
        with engine.started():
            yield engine.composes()[0]
    except engine.NoEngine as exc:
        pytest.skip(str(exc))


@pytest.fixture(scope="session")
def files() -> tuple[str, ...]:
    """The compose files of the system under test."""
    return (BASE,) if os.environ.get(TRUE_SERVING) == "1" else (BASE, MODELSERVER)


@pytest.fixture(scope="session")
def built(compose: tuple[str, ...], files: tuple[str, ...]) -> None:
    """The images, built from the working tree."""
    Stack("familiar-build", files, compose, {}).compose("--profile", "camera", "build")


@pytest.fixture(scope="session")
def stack(compose: tuple[str, ...], files: tuple[str, ...], built: None) -> Iterator[Stack]:
    """A system that came up from nothing, with Eileen Collins enrolled by the camera's container."""
    system = Stack(f"familiar-test-{os.getpid()}", files, compose, {})
    try:
        start = time.monotonic()
        system.up()
        system.first_start_s = time.monotonic() - start
        yield system
    finally:
        system.down("-v")


@pytest.fixture(scope="session")
def media(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the portraits."""
    return people.media(tmp_path_factory.mktemp("media"))


@pytest.fixture(scope="session")
def collins(stack: Stack, media: Path) -> str:
    """The person id of Eileen Collins, enrolled by the camera's container."""
    last = stack.camera(media, "enroll", "simulate:/media/collins.png", "--name", people.COLLINS, "--frames", "60")[-1]
    assert last["status"] == "live", last
    return str(last["person"]["id"])


@pytest.fixture
def ready(stack: Stack) -> Stack:
    """The system, all of whose parts answer."""
    stack.wait_ready()
    return stack
