"""Who of several is the cause that something fails."""

import itertools
from collections.abc import Collection

import pytest

from familiar_trainer.blame import culprits


class Machine:
    """Works without the broken ones; remembers what it was tried with."""

    def __init__(self, several: list[str], broken: Collection[str]) -> None:
        self._several, self._broken = several, set(broken)
        self.tried: list[set[str]] = []

    def works_without(self, these: Collection[str]) -> bool:
        self.tried.append(set(self._several) - set(these))
        return not self._broken.intersection(self.tried[-1])


@pytest.mark.parametrize("count", range(1, 7))
def test_all_that_are_broken_are_found_and_nobody_else(count: int) -> None:
    several = [f"e{number}" for number in range(count)]
    for size in range(1, count + 1):
        for broken in itertools.combinations(several, size):
            machine = Machine(several, broken)
            assert sorted(culprits(several, machine.works_without)) == list(broken)


def test_one_among_many_is_found_without_trying_each() -> None:
    several = [f"e{number}" for number in range(100)]
    machine = Machine(several, ["e61"])
    assert culprits(several, machine.works_without) == ["e61"]
    assert len(machine.tried) < 20
    assert all(tried != set(several) for tried in machine.tried)  # that it fails with all of them is known


def test_of_two_who_fail_only_together_the_first_one_stays() -> None:
    several = ["a", "b", "c", "d"]

    def works_without(these: Collection[str]) -> bool:
        return not {"b", "d"} <= set(several) - set(these)

    assert culprits(several, works_without) == ["d"]
