"""The command line, as a person or a script meets it."""

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from urllib.parse import parse_qsl

import pytest

from familiar_camera.cli import main

from .conftest import FakeGateway, refusal


def lines(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def test_recognize_prints_a_table_of_who_was_seen(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recognize", str(folder), "--server", gateway.url]) == 0
    out = capsys.readouterr().out
    row = next(line for line in out.splitlines() if "│ Ada" in line)
    assert "12" in row
    assert "0.700" in row


def test_recognize_once_asks_once(gateway: FakeGateway, folder: Path) -> None:
    assert main(["recognize", str(folder), "--once", "--server", gateway.url]) == 0
    assert gateway.paths() == ["POST /v1/recognize"]


def test_json_is_one_object_a_line_and_nothing_else(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.script.extend([refusal(503, "busy"), refusal(413, "too_large", "the picture is too large")])
    assert main(["recognize", str(folder), "--frames", "3", "--json", "--server", gateway.url]) == 0
    captured = capsys.readouterr()
    refused, frame, _, summary = lines(captured.out)
    assert (refused["type"], refused["code"]) == ("refused", "too_large")
    assert (frame["type"], frame["frame"], frame["faces"][0]["person"]["name"]) == ("frame", "frame 2.png", "Ada")
    assert (summary["type"], summary["frames"], summary["seen"][0]["count"]) == ("summary", 2, 2)
    assert "trying again" in captured.err


def test_the_unknown_and_nobody_are_answers(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.known = "unknown"
    assert main(["recognize", str(folder), "--once", "--json", "--server", gateway.url]) == 0
    assert lines(capsys.readouterr().out)[-1]["seen"][0]["person_id"] is None
    gateway.known = None
    assert main(["recognize", str(folder), "--once", "--json", "--server", gateway.url]) == 0
    assert lines(capsys.readouterr().out)[-1]["seen"] == []


def test_faces_beyond_those_answered_for_are_mentioned(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.more_faces = 3
    assert main(["recognize", str(folder), "--once", "--server", gateway.url]) == 0
    assert "Ada, 3 more faces" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["[red]Ada[/nothing]", "Ada\\[/b]", "Ada\\", "Ada :cat: 12:00:00"])
def test_a_name_with_markup_is_shown_as_it_is(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    gateway.known = name
    assert main(["recognize", str(folder), "--once", "--server", gateway.url]) == 0
    assert capsys.readouterr().out.count(name) == 2  # in a line, and in the table


def test_enroll_ends_with_a_sentence(gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["enroll", str(folder), "--name", "Ada", "--server", gateway.url]) == 0
    captured = capsys.readouterr()
    assert captured.out == "Ada is known now (head version 7)\n"
    assert "8 of 150 frames: turn left\n12 frames, 12 of them kept (straight 12)\n" in captured.err


def test_enroll_passes_on_what_the_server_warns_of(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.warning = {"code": "often_missed", "message": "8 of 12 were [not] recognised", "held_out": 12, "missed": 8}
    assert main(["enroll", str(folder), "--name", "Ada", "--server", gateway.url]) == 0
    captured = capsys.readouterr()
    assert "live\n8 of 12 were [not] recognised\n" in captured.err
    assert captured.out == "Ada is known now (head version 7)\n"
    gateway.stages.extend(["queued", "live"])
    assert main(["enroll", str(folder), "--name", "Ada", "--frames", "12", "--json", "--server", gateway.url]) == 0
    assert lines(capsys.readouterr().out)[-1]["warning"] == gateway.warning


def test_enroll_tells_a_script_each_stage(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["enroll", str(folder), "--name", "Ada", "--frames", "12", "--json", "--server", gateway.url]) == 0
    events = lines(capsys.readouterr().out)
    assert [event.get("status", event["type"]) for event in events] == [
        "captured", "captured", "queued", "training", "live",
    ]  # fmt: skip


def test_a_question_without_a_terminal_is_an_exit_status_and_a_sentence(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.finish.append(refusal(409, "already_known", person={"id": "p9", "name": "Grace"}))
    assert main(["enroll", str(folder), "--name", "Ada", "--server", gateway.url]) == 3
    assert "already known as Grace" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "status", "sentence"),
    [
        (["recognize", "97"], 2, "there is no camera at 97"),
        (["enroll", "--name", "Ada", "nowhere"], 2, "there is no such file"),
        (["recognize", "PICTURE", "--server", "nonsense"], 4, "is not an address"),
        (["recognize", "PICTURE", "--wait", "0", "--server", "AWAY"], 4, "does not answer"),
    ],
)
def test_each_trouble_has_its_status_and_one_sentence(
    away: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str],
    arguments: list[str], status: int, sentence: str,
) -> None:  # fmt: skip
    places = {"PICTURE": str(folder / "frame 1.png"), "AWAY": away.url}
    assert main([places.get(argument, argument) for argument in arguments]) == status
    err = capsys.readouterr().err
    assert sentence in err
    assert "Traceback" not in err


def test_the_server_is_taken_from_the_environment(
    gateway: FakeGateway, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMILIAR_SERVER", gateway.url)
    assert main(["recognize", str(folder), "--once"]) == 0
    assert len(gateway.asked) == 1


def test_interrupting_a_recognition_prints_what_was_seen(gateway: FakeGateway, folder: Path) -> None:
    first = folder / "frame 1.png"
    for number in range(13, 2000):
        (folder / f"frame {number}.png").hardlink_to(first)
    command = [sys.executable, "-m", "familiar_camera", "recognize", str(folder), "--server", gateway.url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as client:
        assert client.stdout is not None
        assert "Ada" in client.stdout.readline()
        client.send_signal(signal.SIGINT)
        rest = client.stdout.read()
    assert "best score" in rest
    assert client.returncode == 0


@pytest.mark.parametrize("way", ["option", "environment"])
def test_the_server_is_told_which_camera_it_is(
    gateway: FakeGateway, folder: Path, monkeypatch: pytest.MonkeyPatch, way: str
) -> None:
    monkeypatch.setenv("FAMILIAR_CAMERA", "yard" if way == "option" else "front door & yard")
    options = ["--camera", "front door & yard"] if way == "option" else []
    assert main(["recognize", str(folder), "--server", gateway.url, *options]) == 0
    assert {tuple(parse_qsl(query)) for query in gateway.queries} == {(("camera", "front door & yard"),)}


def test_a_camera_without_a_name_names_none(
    gateway: FakeGateway, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMILIAR_CAMERA", "")
    assert main(["recognize", str(folder), "--server", gateway.url]) == 0
    assert set(gateway.queries) == {""}


@pytest.mark.parametrize("encoding", ["cp1252", "ascii", "latin-1", "utf-8", "utf-16"])
@pytest.mark.parametrize("options", [[], ["--json"]])
def test_a_name_that_the_output_cannot_write_ends_nothing(
    gateway: FakeGateway, folder: Path, encoding: str, options: list[str]
) -> None:
    gateway.known = "\u0141ucja \u738b"
    command = [sys.executable, "-m", "familiar_camera", "recognize", str(folder), "--once", "--server", gateway.url]
    done = subprocess.run(
        [*command, *options], capture_output=True, timeout=60, check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    said = done.stdout.decode(encoding)
    if options:
        assert lines(said)[0]["faces"][0]["person"]["name"] == "\u0141ucja \u738b"
    else:
        assert "?ucja ?" in said if not encoding.startswith("utf") else "\u0141ucja \u738b" in said


@pytest.mark.parametrize("encoding", ["cp1252", "ascii"])
def test_enrolling_a_name_that_the_output_cannot_write_ends_well(
    gateway: FakeGateway, folder: Path, encoding: str
) -> None:
    command = [sys.executable, "-m", "familiar_camera", "enroll", str(folder), "--name", "\u0141ucja"]
    done = subprocess.run(
        [*command, "--server", gateway.url], capture_output=True, timeout=60, check=False,
        env={**os.environ, "PYTHONIOENCODING": encoding, "PYTHONUTF8": "0"},
    )  # fmt: skip
    assert done.returncode == 0 and b"is known now" in done.stdout, done.stderr
