"""Tests of the records share how they write captures and heads."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # capturing, records_world

from opinions import person
from records_world import capture, learn


@pytest.fixture
def ada(database):
    return person(database, "Ada")


@pytest.fixture
def bob(database):
    return person(database, "Bob")


@pytest.fixture
def enrolled(database):
    """Ada, with four samples that a head has learned: her id, and theirs."""
    who, enrollment, frames = capture(database, "Ada", frames=4)
    learn(database, enrollment, who)
    return who, frames
