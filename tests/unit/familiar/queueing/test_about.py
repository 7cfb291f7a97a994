"""What a worker says of itself, and what is made of it where somebody else wrote there."""

import pytest

from familiar.disk import Disk
from familiar.queueing import About
from familiar.queueing.workers import text_of


@pytest.mark.parametrize("models", [None, Disk(1, 2, 3)])
def test_what_a_worker_says_is_what_is_read(models) -> None:
    about = About({"familiar": "1.0", "tensorflow": "2.20.0"}, models)
    assert About.from_json(about.to_json()) == about


@pytest.mark.parametrize(
    "said",
    ["", "null", "[]", "{}", "{", '{"software": []}', '{"software": {}}', '{"software": {}, "models": {"a": 1}}',
     '{"software": {}, "models": {"taken_bytes": "x", "free_bytes": 1, "size_bytes": 2}}', "[" * 100_000, "9" * 10_000],
)  # fmt: skip
def test_what_cannot_be_understood_says_nothing(said: str) -> None:
    assert About.from_json(said) == About()


def test_what_redis_gives_is_text_whatever_it_is() -> None:
    assert [text_of(value) for value in (None, b"a\xff", "b")] == ["", "a�", "b"]
