"""Which versions stay on disk."""

import pytest

from familiar.records.versions import HeadStatus
from familiar_trainer.shelf import surplus

LIVE, OLD, COMING = HeadStatus.LIVE, HeadStatus.SUPERSEDED, HeadStatus.PUBLISHED


def test_the_last_few_that_served_stay() -> None:
    known = {1: OLD, 2: OLD, 3: OLD, 4: OLD, 5: LIVE}
    assert surplus([1, 2, 3, 4, 5], known, keep_versions=3) == [1, 2]


def test_one_on_its_way_stays_and_counts_for_nobody() -> None:
    known = {1: OLD, 2: OLD, 3: LIVE, 4: COMING}
    assert surplus([1, 2, 3, 4], known, keep_versions=3) == []


def test_the_live_one_stays_wherever_it_stands() -> None:
    known = {1: LIVE, 2: OLD, 3: OLD, 4: OLD}
    assert surplus([1, 2, 3, 4], known, keep_versions=3) == []


@pytest.mark.parametrize("status", [HeadStatus.FAILED, HeadStatus.ABANDONED, HeadStatus.REJECTED, HeadStatus.ERASED])
def test_what_never_served_or_must_not_goes(status: HeadStatus) -> None:
    assert surplus([1, 2], {1: LIVE, 2: status}, keep_versions=3) == [2]


def test_what_the_database_does_not_know_goes() -> None:
    assert surplus([4, 5, 9], {5: LIVE}, keep_versions=3) == [4, 9]


def test_an_empty_disk_has_nothing_to_lose() -> None:
    assert surplus([], {1: LIVE}, keep_versions=3) == []
