"""Wait for a condition, or watch that one holds; never sleep for luck."""

import time
from collections.abc import Callable

STEP_S = 0.02


def wait_for(condition: Callable[[], object], timeout_s: float, what: str) -> object:
    """Return the first true result of `condition`, or fail saying what did not happen."""
    deadline = time.monotonic() + timeout_s
    while True:
        if result := condition():
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"waited {timeout_s} s for {what}")
        time.sleep(STEP_S)


def watch(condition: Callable[[], object], duration_s: float, what: str) -> None:
    """Fail if `condition` is untrue at any look during the time."""
    deadline = time.monotonic() + duration_s
    while time.monotonic() < deadline:
        assert condition(), f"no longer true: {what}"
        time.sleep(STEP_S)
