"""The trainer gives way: to every process, and with its whole session if that is its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from familiar_trainer import priority

_SHOW = """
import os, pathlib
from familiar_trainer import priority
before = os.nice(0)
priority.give_way()
priority.give_way()
group = pathlib.Path("/proc/self/autogroup")
print(before, os.nice(0), group.read_text().split()[-1] if group.exists() else "")
"""


def _shown(**options: bool) -> tuple[int, int, str]:
    said = subprocess.run([sys.executable, "-c", _SHOW], capture_output=True, text=True, check=True, **options).stdout
    before, after, group = said.rstrip("\n").split(" ")
    return int(before), int(after), group


@pytest.fixture
def niceness() -> int:
    """What a process of these tests comes to; already nicer ones stay as they are."""
    return max(os.nice(0), priority.NICENESS)


def test_it_is_nice_once(niceness) -> None:
    assert _shown(start_new_session=True)[1] == niceness


@pytest.mark.skipif(not Path("/proc/self/autogroup").exists(), reason="this kernel does not group by session")
class TestSessions:
    def test_its_own_session_gives_way_as_a_whole(self) -> None:
        assert _shown(start_new_session=True)[2] == str(priority.NICENESS)

    def test_a_session_that_others_share_stays_as_it_is(self) -> None:
        before = Path("/proc/self/autogroup").read_text().split()[-1]
        assert _shown(start_new_session=False)[2] == before


def test_who_was_nicer_already_stays_so(niceness) -> None:
    said = subprocess.run(
        [sys.executable, "-c", _SHOW], capture_output=True, text=True, check=True, preexec_fn=lambda: os.nice(19)
    ).stdout
    assert said.split()[:2] == ["19", "19"]
