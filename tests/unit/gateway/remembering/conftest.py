"""Worlds that remember who came by."""

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from gateway_world import MakeWorld, World

from familiar.learning import cohort
from familiar.seeing.image import decode, encode_jpeg
from familiar_gateway.remembering import notebook

sys.path.insert(0, str(Path(__file__).parent))  # remembering


@pytest.fixture(autouse=True)
def _at_once_by_a_known_likeness(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Nothing is known of strangers before the fake backbone: a cosine that tells its people apart takes its place."""
    monkeypatch.setattr(cohort, "_ALIKE_UNFITTED", 0.85)
    monkeypatch.setattr(notebook, "GATHER_S", 0.0)
    cohort.load.cache_clear()
    yield
    cohort.load.cache_clear()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A world that keeps sightings."""
    return make_world(sightings="on")


@pytest.fixture(scope="session")
def one_pass(collins_frames: list[bytes]) -> list[bytes]:
    """Eight frames of Eileen Collins that hardly differ."""
    return [encode_jpeg(decode(collins_frames[0]), quality) for quality in range(95, 79, -2)]
