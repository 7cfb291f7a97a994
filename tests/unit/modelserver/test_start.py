"""What the process does before it serves."""

import gc
import signal
import threading
from collections.abc import Callable
from typing import Any

import pytest

from familiar_modelserver import __main__ as program


@pytest.fixture
def frozen_while_serving(monkeypatch) -> Callable[[], tuple[int, int]]:
    """Run the program with a server that notes how many objects collections leave out, and how many they walk."""
    seen: list[tuple[int, int]] = []

    class Server:
        def __init__(self, _flags: Any) -> None:
            """Stand for the parts of the server."""

        def run(self, _stop: threading.Event) -> None:
            seen.append((gc.get_freeze_count(), len(gc.get_objects())))

    def run() -> tuple[int, int]:
        assert program.main() == 0
        return seen.pop()

    monkeypatch.setattr(program, "ModelServer", Server)
    monkeypatch.setattr(signal, "signal", lambda *_: None)
    monkeypatch.setattr("sys.argv", ["familiar_modelserver"])
    yield run
    gc.unfreeze()


def test_unloading_a_version_walks_nothing_that_was_there_before_the_first(frozen_while_serving) -> None:
    """With TensorFlow's objects a collection takes a tenth of a second, in which no request is answered."""
    gc.unfreeze()
    present = len(gc.get_objects())
    left_out, walked = frozen_while_serving()
    assert left_out > present / 2
    assert walked < 1000
