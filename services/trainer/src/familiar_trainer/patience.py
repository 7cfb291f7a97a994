"""Patience: what a process does that waits for other parts until it is told to end."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType

from familiar.errors import FamiliarError

_log = logging.getLogger(__name__)
_RETRY_S = 1.0
_REMIND_AFTER_TRIES = 10


def handle_signals(handler: Callable[[int, FrameType | None], None]) -> None:
    """Let ``handler`` decide what SIGTERM and SIGINT do."""
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, handler)


def wait_for(what: str, check: Callable[[], None], stop: threading.Event) -> None:
    """Call ``check`` until it raises nothing or ``stop`` is set; say now and then what is waited for."""
    tries = 0
    while not stop.is_set():
        try:
            check()
        except FamiliarError as exc:
            if tries % _REMIND_AFTER_TRIES == 0:
                _log.warning("waiting for %s: %s", what, exc)
            tries += 1
            stop.wait(_RETRY_S)
        else:
            if tries:
                _log.info("%s is there", what)
            return
