"""The trainer gives way: to every process, and with its whole session if that is its own."""

import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from familiar_trainer import priority

_GROUP = Path("/proc/self/autogroup")

_SHOW = f"""
import os, pathlib
from familiar_trainer import priority
before = os.nice(0)
priority.give_way()
priority.give_way()
group = pathlib.Path("{_GROUP}")
print(before, os.nice(0), group.read_text() if group.exists() else "")
"""


def _niceness_of(group: str) -> str:
    """The last word of what Linux says of a session; a session in no group, as a container's may be, says nothing."""
    return group.split()[-1] if group.split() else ""


def _shown(**options: Any) -> tuple[int, int, str]:
    said = subprocess.run([sys.executable, "-c", _SHOW], capture_output=True, text=True, check=True, **options).stdout
    before, after, group = said.split(" ", 2)
    return int(before), int(after), _niceness_of(group)


@pytest.fixture
def niceness() -> int:
    """What a process of these tests comes to; already nicer ones stay as they are."""
    return max(os.nice(0), priority.NICENESS)


def test_it_is_nice_once(niceness) -> None:
    assert _shown(start_new_session=True)[1] == niceness


@pytest.mark.skipif(not _GROUP.exists(), reason="this kernel does not group by session")
class TestSessions:
    def test_its_own_session_gives_way_as_a_whole(self) -> None:
        assert _shown(start_new_session=True)[2] == str(priority.NICENESS)

    def test_a_session_that_others_share_stays_as_it_is(self) -> None:
        before = _niceness_of(_GROUP.read_text())
        assert _shown(start_new_session=False)[2] == before


def test_who_was_nicer_already_stays_so(niceness) -> None:
    assert _shown(preexec_fn=lambda: os.nice(19))[:2] == (19, 19)
