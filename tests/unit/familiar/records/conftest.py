"""Tests of the records share how they write captures and heads."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # capturing, records_world

from opinions import person


@pytest.fixture
def ada(database):
    return person(database, "Ada")


@pytest.fixture
def bob(database):
    return person(database, "Bob")
