"""Which of the values that a test is repeated for every run of the tests has, and which only ``make test-all``."""

from collections.abc import Collection, Iterable
from typing import Any

import pytest


def usually(usual: Collection[Any], values: Iterable[Any]) -> list[Any]:
    """Return ``values`` for a test's parameter; all but the ``usual`` ones are marked as slow, and so left out."""
    return [value if value in usual else pytest.param(value, marks=pytest.mark.slow) for value in values]
