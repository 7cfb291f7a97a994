"""Frames of two people whom the fake backbone tells apart by any one of them, and how the doors are asked."""

import sys
from pathlib import Path

import numpy as np
import pytest
from flask.testing import FlaskClient
from gateway_world import World

from familiar import learning
from familiar.learning import Cohort, Mixture

sys.path.insert(0, str(Path(__file__).parent))  # comprefacing

_DIM = 32


@pytest.fixture(scope="session")
def ada(collins_frames: list[bytes]) -> list[bytes]:
    """Eight frames of Eileen Collins."""
    return collins_frames[1:9]


@pytest.fixture(scope="session")
def grace(hopper_frames: list[bytes]) -> list[bytes]:
    """Five frames of Grace Hopper."""
    return [*hopper_frames[:4], hopper_frames[9]]


@pytest.fixture
def client(world: World) -> FlaskClient:
    """A client that expects nothing of openapi.json, which says nothing of doors."""
    return FlaskClient(world.client.application)


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Strangers who point anywhere, for the fake backbone."""
    cohort = Cohort(_DIM, Mixture(np.ones(1), np.zeros((1, _DIM)), np.eye(_DIM)[None]))
    monkeypatch.setattr(learning.cohort, "load", lambda *_: cohort)
