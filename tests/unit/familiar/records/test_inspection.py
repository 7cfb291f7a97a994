"""How often a file is looked over."""

import threading
from pathlib import Path

import pytest

from familiar.records import inspection
from familiar.records.inspection import Inspection


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


@pytest.mark.parametrize(("takes_s", "pause_s"), [(0.001, 2.0), (1.5, 300.0)])
def test_the_longer_it_takes_the_more_seldom_it_is_done(
    takes_s: float, pause_s: float, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    clock, looks = Clock(), []

    def look(file: Path) -> str | None:
        looks.append(file)
        clock.now += takes_s
        return "damaged" if len(looks) == 2 else None

    monkeypatch.setattr(inspection, "_damage", look)
    inspected = Inspection(tmp_path / "a.db", clock)
    assert inspected.damage() is None and len(looks) == 1
    clock.now += pause_s - 0.1
    assert inspected.damage() is None and len(looks) == 1
    clock.now += 0.2
    assert inspected.damage() == "damaged" and len(looks) == 2
    assert inspected.damage() == "damaged" and len(looks) == 2, "it stays known until the next look"


def test_a_long_look_keeps_nobody_waiting(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    finished = threading.Event()
    monkeypatch.setattr(inspection, "_damage", lambda _: "damaged" if finished.wait(30) else None)
    monkeypatch.setattr(inspection, "_GLANCE_S", 0.01)
    inspected = Inspection(tmp_path / "a.db")
    assert inspected.damage() is None
    looking = inspected._thread
    assert inspected.damage() is None and inspected._thread is looking, "one looks, however many ask"
    finished.set()
    assert looking is not None
    looking.join(30)
    assert inspected._damage == "damaged"
