"""Worlds that remember who came by."""

import sys
from pathlib import Path

import pytest
from remembering_world import at_once_by_a_known_likeness, world

from familiar.seeing.image import decode, encode_jpeg

sys.path.insert(0, str(Path(__file__).parent))  # remembering

__all__ = ["at_once_by_a_known_likeness", "world"]


@pytest.fixture(scope="session")
def one_pass(collins_frames: list[bytes]) -> list[bytes]:
    """Eight frames of Eileen Collins that hardly differ."""
    return [encode_jpeg(decode(collins_frames[0]), quality) for quality in range(95, 79, -2)]
