"""The two walks of ``docs/architecture`` are walked again; where they differ, ``make rooms`` writes them anew."""

import json
from pathlib import Path

from architecture.rooms import PAGE
from architecture.walking import walk


def test_a_frame_and_an_enrolment_enter_the_modules_that_the_page_shows(tmp_path: Path) -> None:
    shown = json.loads((PAGE.with_suffix("") / "walks.json").read_text())
    walked = walk(tmp_path)
    # How often a thread comes by depends on who is faster; where it comes by, and what it enters first, does not.
    assert {name: list(dict.fromkeys(steps)) for name, steps in walked.items()} == {
        name: list(dict.fromkeys(steps)) for name, steps in shown.items()
    }
