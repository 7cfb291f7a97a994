"""Patience: what a process does that waits for other parts until it is told to end."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType
from typing import Any, Protocol

from redis.exceptions import RedisError
from rq.exceptions import StopRequested

from familiar.errors import FamiliarError
from familiar.queueing import TrainingQueue

_log = logging.getLogger(__name__)
_RETRY_S = 1.0
_REMIND_AFTER_TRIES = 10


class Worker(Protocol):
    """A worker of RQ that can be told to leave its work."""

    def work(self, *, logging_level: str) -> Any:
        """Do one job after the other until told to leave."""

    def interrupt(self) -> None:
        """Leave the work; called by a signal handler, in the main thread. It may raise ``StopRequested``."""


def work(queue: TrainingQueue, stop: threading.Event, hire: Callable[[], Worker]) -> None:
    """Have a worker work until the process is told to stop by SIGTERM or SIGINT; a Redis that is away is waited for."""
    worker: Worker | None = None

    def leave(number: int, _frame: FrameType | None) -> None:
        if not stop.is_set():
            _log.info("%s: stopping", signal.Signals(number).name)
        stop.set()
        if worker is not None:
            worker.interrupt()

    handle_signals(leave)
    while not stop.is_set():
        try:
            wait_for("Redis", queue.check, stop)
            if not stop.is_set():
                worker = hire()
                worker.work(logging_level="WARNING")
        except StopRequested:
            pass
        except (RedisError, OSError) as exc:
            _log.warning("Redis went away: %s", exc)
        finally:
            worker = None
        stop.wait(0.1)


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
