"""Tests of the records share how they write captures and heads."""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))  # capturing, records_world
