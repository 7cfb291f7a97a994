"""A short part of ``make soak``, and that it sees what would be wrong."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from soak.faults import Fault
from soak.hiccups import Hiccups
from soak.receiving import Sent
from soak.running import Measure, Report, Return, run

CUT = Fault.named("cut:30")


def test_cameras_come_back_from_what_can_be_tried_anywhere(tmp_path: Path) -> None:
    faults = [Fault.named(each) for each in ("cut:0.5", "stall:1.5", "restart:0.5")]
    report = run(faults, [], 0.0, 4.0, seed=1, folder=tmp_path, rest_s=(0.5, 1.0))
    assert {(each.fault, each.camera) for each in report.returns} >= {
        (f, c) for f in faults for c in ("mjpeg", "snapshot")
    }
    assert all(each.after_s is not None for each in report.returns), report.log
    assert report.measures and all(each.age_s is not None for each in report.sent)


def test_the_command_tells_what_came_of_it() -> None:
    command = [sys.executable, "-m", "soak", "--minutes", "0", "--faults", "loss:0.5,cut:0.5", "--once", ""]
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path(__file__).parents[1]), *sys.path])}
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert done.returncode in (0, 1), done.stderr  # which of them is a matter of time
    assert "| connections ended, none taken, 0.5 s | mjpeg | 1 |" in done.stdout
    assert ("| every packet lost, 0.5 s | mjpeg | 1 |" in done.stdout) != ("this kind is left out" in done.stdout)


def measured(*megabytes: float) -> list[Measure]:
    return [Measure(5.0 * number, each, 9, 9, 0.0) for number, each in enumerate(megabytes)]


def fine() -> Report:
    report = Report(begun=0.0, measures=measured(40, *[80.0] * 100))
    report.returns.append(Return(CUT, 100.0, "door", 4.9, 0.0))
    report.sent.append(Sent("door", 104.9, 1.9))
    return report


def test_nothing_is_wrong_with_what_is_right() -> None:
    assert fine().faults() == []


@pytest.mark.parametrize(
    "what,sentence",
    [
        (Return(CUT, 200.0, "door", 5.1, 0.0), "door came back after 5.1 s from cut:30"),
        (Return(CUT, 200.0, "door", None, 0.0), "door came back never from cut:30"),
        (Sent("door", 103.0, 2.1), "a frame of door was 2.1 s old when it came, 3.0 s after cut:30"),
        (Sent("door", 103.0, None), "1 frames were damaged"),
    ],
)
def test_what_is_wrong_is_told(what: Return | Sent, sentence: str) -> None:
    report = fine()
    (report.returns if isinstance(what, Return) else report.sent).append(what)
    assert report.faults() == [sentence]


def test_a_client_that_grows_is_told() -> None:
    report = fine()
    report.measures = measured(40, *(80 + 0.1 * number for number in range(200)))
    (said,) = report.faults()
    assert "MB more in the end" in said


def test_what_the_machine_held_up_is_nobodys_fault() -> None:
    report = fine()
    report.returns.append(Return(CUT, 200.0, "door", 5.1, 0.3))
    report.sent.append(Sent("door", 203.0, 2.5))
    report.hiccups = Hiccups([(199.0, 200.8), (202.0, 202.7)])
    assert report.faults() == []


def test_a_fault_is_called_as_it_is_written() -> None:
    assert str(CUT) == "cut:30" and Fault("cut", 30.0) == CUT
    with pytest.raises(ValueError, match="no fault"):
        Fault.named("flood:3")
