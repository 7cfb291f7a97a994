"""Stillness is judged by looking on, whatever the things themselves say of the time."""

import pytest

from familiar_trainer.stillness import Stillness


@pytest.fixture
def seconds() -> list[float]:
    return [1000.0]


@pytest.fixture
def stillness(seconds: list[float]) -> Stillness:
    return Stillness(lambda: seconds[0])


def test_what_does_not_change_is_still_after_a_while(stillness: Stillness, seconds: list[float]) -> None:
    assert stillness.of({"a": 1}, for_s=10) == {}
    seconds[0] += 9.9
    assert stillness.of({"a": 1}, for_s=10) == {}
    seconds[0] += 0.2
    assert stillness.of({"a": 1}, for_s=10) == {"a": 1}


def test_what_stirs_begins_anew_and_the_others_do_not(stillness: Stillness, seconds: list[float]) -> None:
    stillness.of({"a": 1, "b": 1}, for_s=10)
    seconds[0] += 6
    stillness.of({"a": 2, "b": 1}, for_s=10)
    seconds[0] += 6
    assert stillness.of({"a": 2, "b": 1}, for_s=10) == {"b": 1}
    stillness.of({"a": 1, "b": 1}, for_s=10)
    seconds[0] += 6
    assert "a" not in stillness.of({"a": 1, "b": 1}, for_s=10), "nor does it go on where it once was"


def test_what_was_away_meanwhile_begins_anew(stillness: Stillness, seconds: list[float]) -> None:
    stillness.of({"a": 1}, for_s=10)
    seconds[0] += 11
    stillness.of({}, for_s=10)
    assert stillness.of({"a": 1}, for_s=10) == {}
