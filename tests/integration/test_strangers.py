"""Strangers of the site, handed in as an operator does: a folder, the command, and what the gateway says of it then."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import portraits
from system import System, wait_until

LIVE_S = 60


def hand_in(system: System, *arguments: str, status: int = 0) -> dict[str, Any]:
    """Run the command beside the running system; return what it prints."""
    command = [sys.executable, "-m", "familiar_trainer.strangers", *arguments]
    done = subprocess.run(command, env=system.env, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == status, done.stderr
    return json.loads(done.stdout) if status == 0 else {"stderr": done.stderr}


def enroll_collins(system: System, webcam, collins) -> None:
    client = system.client()
    enrollment = client.enroll("Eileen Collins", webcam(collins, 1, range(0, 60, 3)))
    wait_until(lambda: client.is_live(enrollment), LIVE_S, "Eileen Collins is live")


def metrics_of_live(system: System) -> dict[str, Any]:
    listed = system.client().call("GET", "/v1/models")
    return next(head["metrics"] for head in listed["heads"] if head["version"] == listed["live"])


def test_few_strangers_are_checked_and_who_is_enrolled_is_found_among_them(
    make_system: Callable[..., System], webcam, collins, tmp_path: Path
) -> None:
    system = make_system().up()
    enroll_collins(system, webcam, collins)
    folder = tmp_path / "strangers"
    (folder / "a visitor").mkdir(parents=True)
    (folder / "a visitor" / "1.jpg").write_bytes(portraits.jpeg("Grace Hopper"))
    (folder / "no stranger.jpg").write_bytes(webcam(collins, 99, range(1))[0])
    told = hand_in(system, str(folder))
    assert (told["pictures"]["people"], told["pictures"]["enrolled"]) == (1, 1)
    assert told["taken_for_enrolled"] == [str(folder / "no stranger.jpg")]
    assert told["live"]["named"]["value"] == 0
    assert (told["site"], told["job"]) == (None, None)
    assert hand_in(system, "--show") == {"correction": None}
    assert system.client().call("GET", "/v1/site") == {"correction": None}
    assert "is no folder" in hand_in(system, str(tmp_path / "nowhere"), status=1)["stderr"]


@pytest.mark.lfw
def test_strangers_correct_the_live_head_until_the_correction_is_given_up(
    make_system: Callable[..., System], webcam, collins, lfw: Path, tmp_path: Path
) -> None:
    system = make_system().up()
    client = system.client()
    enroll_collins(system, webcam, collins)
    folder = tmp_path / "strangers"
    folder.mkdir()
    people = [each for each in sorted(lfw.iterdir()) if len(list(each.glob("*.jpg"))) == 1]
    for each in people[:: len(people) // 40][:40]:
        shutil.copy(next(each.glob("*.jpg")), folder)
    told = hand_in(system, str(folder))
    assert told["pictures"]["people"] >= 35
    wait_until(lambda: client.call("GET", f"/v1/jobs/{told['job']}")["status"] == "live", LIVE_S, "the job is done")

    kept = client.call("GET", "/v1/site")["correction"]
    assert (kept["site"], kept["pictures"], kept["live"]) == (told["site"], told["pictures"], told["live"])
    assert metrics_of_live(system)["site"] == told["site"]
    assert hand_in(system, "--show")["site"] == told["site"]
    assert client.name_of(webcam(collins, 99, range(1))[0]) == "Eileen Collins"

    job = client.call("DELETE", "/v1/site", 202)["job"]["id"]
    wait_until(lambda: client.call("GET", f"/v1/jobs/{job}")["status"] == "live", LIVE_S, "it is given up")
    assert metrics_of_live(system)["site"] is None
    assert hand_in(system, "--forget") == {"job": None}
