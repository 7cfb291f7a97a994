"""Waiting for Serving, against a script of what it answers."""

import threading
from collections.abc import Iterator

import pytest

from familiar.errors import ModelNotFound, ServingTimeout, ServingUnavailable
from familiar.serving.client import VersionState, VersionStatus
from familiar_trainer.loading import Interrupted, LoadFailed, highest_seen, wait_until_available

Answer = tuple[VersionStatus, ...] | Exception


def status(version: int, state: VersionState, code: int = 0, message: str = "") -> VersionStatus:
    return VersionStatus(version, state, code, message)


OLD = status(6, VersionState.AVAILABLE)


class Scripted:
    """Answers one after the other, the last one for ever."""

    def __init__(self, *answers: Answer) -> None:
        self._answers: Iterator[Answer] = iter(answers)
        self._last: Answer = ()

    def versions(self, model: str, *, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        assert model == "head"
        assert timeout_s is not None, "every call has a deadline"
        self._last = next(self._answers, self._last)
        if isinstance(self._last, Exception):
            raise self._last
        return self._last


def wait(*answers: Answer, timeout_s: float = 5.0, stop: threading.Event | None = None) -> None:
    wait_until_available(Scripted(*answers), "head", 7, timeout_s, stop or threading.Event())


def test_it_returns_when_the_version_is_available() -> None:
    wait(
        (OLD,),
        (status(7, VersionState.START), OLD),
        (status(7, VersionState.LOADING), OLD),
        (status(7, VersionState.AVAILABLE), OLD),
    )


def test_an_absence_is_waited_out() -> None:
    wait(ServingUnavailable("away"), ModelNotFound("nothing yet"), (status(7, VersionState.AVAILABLE),))


def test_a_version_that_ended_with_an_error_failed_and_the_reason_is_told() -> None:
    with pytest.raises(LoadFailed, match="Read less bytes"):
        wait((status(7, VersionState.LOADING),), (status(7, VersionState.END, 11, "Read less bytes than requested"),))


def test_an_older_version_that_failed_does_not_matter() -> None:
    wait((status(6, VersionState.END, 11, "broken"),), (status(7, VersionState.AVAILABLE),))


def test_a_serving_that_does_not_load_in_time_is_unavailable_not_a_failure() -> None:
    with pytest.raises(ServingTimeout, match="version 7"):
        wait((status(7, VersionState.LOADING), OLD), timeout_s=0.1)


def test_the_error_of_a_serving_that_stays_away_is_passed_on() -> None:
    with pytest.raises(ServingUnavailable, match="away"):
        wait(ServingUnavailable("away"), timeout_s=0.1)


def test_it_ends_when_the_process_is_told_to_stop() -> None:
    stop = threading.Event()
    stop.set()
    with pytest.raises(Interrupted):
        wait((OLD,), stop=stop)


@pytest.mark.parametrize(
    "said,highest",
    [
        ((status(9, VersionState.END, 3), OLD), 9),
        ((OLD, status(12, VersionState.END)), 12),
        ((), 0),
        (ModelNotFound("none yet"), 0),
        (ServingUnavailable("away"), 0),
    ],
)
def test_the_highest_version_that_serving_remembers_is_told_whatever_became_of_it(said: Answer, highest: int) -> None:
    assert highest_seen(Scripted(said), "head") == highest
