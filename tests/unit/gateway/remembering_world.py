"""Worlds that remember who came by, for the tests of whatever is done with that."""

from collections.abc import Iterator

import pytest
from gateway_world import MakeWorld, World

from familiar.learning import cohort
from familiar_gateway.remembering import notebook


@pytest.fixture(autouse=True)
def at_once_by_a_known_likeness(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
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
