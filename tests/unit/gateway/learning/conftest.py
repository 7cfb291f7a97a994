"""Worlds that remember who came by, of which somebody has something to say."""

import sys
from pathlib import Path

from remembering_world import at_once_by_a_known_likeness, world

sys.path.insert(0, str(Path(__file__).parents[1] / "remembering"))  # remembering

__all__ = ["at_once_by_a_known_likeness", "world"]
