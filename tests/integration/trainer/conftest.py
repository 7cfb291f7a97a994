"""Fixtures of the trainer's tests: one Redis and one model server for all, a fresh installation for each."""

import shutil
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from familiar.servable import HEAD
from familiar_trainer.export.gate import Gate

sys.path.insert(0, str(Path(__file__).parent))  # helper modules such as `trainer_world`

from trainer_world import Here, ModelServer, RedisServer, World, new_world


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RedisServer]:
    server = RedisServer(tmp_path_factory.mktemp("redis"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def model_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ModelServer]:
    server = ModelServer(tmp_path_factory.mktemp("serving"))
    yield server
    server.stop()


@pytest.fixture(scope="session")
def gate() -> Iterator[Gate]:
    with Gate() as gate:
        yield gate


@pytest.fixture
def world(tmp_path: Path, redis_server: RedisServer, model_server: ModelServer) -> Iterator[World]:
    """An installation in which nobody is enrolled; its first head is not on disk yet."""
    redis_server.connection.flushall()
    for leftover in (model_server.models / HEAD).iterdir():
        shutil.rmtree(leftover)
    world = new_world(tmp_path, redis_server.url, model_server.address, model_server.models)
    yield world
    for process in world.processes:
        process.kill()
    world.database.close()


@pytest.fixture
def here(world: World, gate: Gate) -> Here:
    """A trainer in this process; the first head is on disk."""
    here = Here(world, gate)
    here.reconciler.run_once()
    return here
