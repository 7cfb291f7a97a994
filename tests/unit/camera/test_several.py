"""Several cameras in one process: what their file may say, who comes, and that each comes back by itself."""

import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from cameras import HttpCamera, http_camera
from familiar_camera.cli import main
from familiar_camera.errors import SourceError
from familiar_camera.several import read
from familiar_camera.view import Region
from familiar_camera.visits import Visits
from network import network

from .conftest import FakeGateway, refusal

DEADLINE_S = 60.0


def write(folder: Path, text: str) -> Path:
    path = folder / "cameras.yml"
    path.write_text(text)
    return path


def test_the_file_says_all_of_each_camera(tmp_path: Path) -> None:
    text = """
    cameras:
      - name: door
        source: rtsp://${WHO}:${SECRET}@10.0.0.7/a$$b
        rotate: 90
        rate: 0.5
        region: [0.25, 0, 0.75, 1]
        agree: 2
        forget: 60
        tell: [known]
      - {name: yard, source: 0}
    """
    door, yard = read(write(tmp_path, text), {"WHO": "ada", "SECRET": "s3cret"})
    assert door.source == "rtsp://ada:s3cret@10.0.0.7/a$b" and "s3cret" not in repr(door)
    assert (door.rotate, door.rate, door.region) == (90, 0.5, Region(0.25, 0.0, 0.75, 1.0))
    assert (door.agree, door.forget_s, door.tell) == (2, 60.0, {"known"})
    assert (yard.source, yard.rotate, yard.agree, yard.tell) == ("0", 0, 3, {"known", "unknown"})


CAMERA = "cameras: [{name: a, source: b, "


@pytest.mark.parametrize(
    "text,sentence",
    [
        ("cameras: [", "not YAML"),
        ("\x00", "not YAML"),
        ("", "a list 'cameras' is expected"),
        ("cameras: {}", "a list 'cameras' is expected"),
        ("cameras: []", "is empty"),
        ("{cameras: [], more: 1}", "nothing else"),
        ("cameras: [door]", "camera 1: a mapping"),
        ("cameras: [{source: a}]", "camera 1: 'name' is missing"),
        ("cameras: [{name: a}]", "camera 1: 'source' is missing"),
        ("cameras: [{name: a, source: b}, {name: a, source: c}]", "two cameras are called 'a'"),
        (CAMERA + "colour: red}]", "'colour' is not known; known are name, source"),
        (CAMERA + "rotate: 45}]", "'rotate' cannot be 45"),
        (CAMERA + "rate: 0}]", "'rate' cannot be 0"),
        (CAMERA + "rate: .nan}]", "'rate' cannot be nan"),
        (CAMERA + "rate: true}]", "'rate' cannot be True"),
        (CAMERA + "agree: 1.5}]", "'agree' cannot be 1.5"),
        (CAMERA + "region: [0, 0, 2, 1]}]", "'region': a region is left, top"),
        (CAMERA + "region: [0, 0, 1]}]", "'region': a region is left, top"),
        (CAMERA + "tell: [all]}]", "'tell' cannot be"),
        ("cameras: [{name: a, source: 'rtsp://a:${NONE}@b'}]", "the variable NONE is not set"),
        ("cameras: [{name: a, source: 'rtsp://a:pa$ss word@b'}]", "variable ss is not set"),
        ("cameras: [{name: a, source: 'rtsp://a:pa$@b'}]", r"a \$ is written \$\$"),
        ("cameras: [{name: a, source: [rtsp://ada:s3cret@b]}]", r"rtsp://\*\*\*@"),
        ("cameras: [{name: a, source: {user: ada, password: s3cret}}]", "'source' cannot be a mapping"),
        ("cameras: [{source:rtsp://ada:s3cret@b}]", r"'source:rtsp://\*\*\*@b' is not known"),
        ("cameras:\n  - name: a\n    source: b\n    name: c\n    source: d", r"'name' stands twice .* \(line 4\)"),
        ("cameras: [{name: a, source: b}]\ncameras: [{name: c, source: d}]", r"'cameras' stands twice .* \(line 2\)"),
        ("cameras:\n\t- name: a", r"not YAML \(line 2\)"),
        ("[" * 3000, "not YAML"),
    ],
)
def test_what_the_file_cannot_say_is_told_in_a_sentence(tmp_path: Path, text: str, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence) as caught:
        read(write(tmp_path, text), {})
    assert "s3cret" not in str(caught.value)


def test_what_cameras_have_in_common_may_be_said_once(tmp_path: Path) -> None:
    text = """
    cameras:
      - &first {name: a, source: b, rate: 2}
      - &second {<<: *first, name: c, agree: 2}
      - {<<: *second, name: d, agree: 4}
    """
    told = [(each.name, each.source, each.rate, each.agree) for each in read(write(tmp_path, text), {})]
    assert told == [("a", "b", 2, 3), ("c", "b", 2, 2), ("d", "b", 2, 4)]


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_the_file_is_read_as_windows_writes_it(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "cameras.yml"
    path.write_bytes("cameras:\r\n  - name: T\u00fcr\r\n    source: 0\r\n".encode(encoding))
    assert [each.name for each in read(path, {})] == ["T\u00fcr"]
    path.write_bytes("cameras: [{name: T\u00fcr, source: 0}]".encode("latin-1"))
    with pytest.raises(SourceError, match="not YAML"):
        read(path, {})


def test_a_file_that_is_not_there_ends_with_a_sentence(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["watch", str(tmp_path / "none.yml")]) == 2
    assert "No such file" in capsys.readouterr().err


# ---- who has come --------------------------------------------------------------------------------------


def face(name: str | None, score: float = 0.9, status: str = "") -> dict:
    person = None if name is None else {"id": f"id-{name}", "name": name}
    return {"status": status or ("known" if person else "unknown"), "person": person, "score": score}


def names(visits: Visits, frames: list[list[dict]], step_s: float = 0.1, start: float = 0.0) -> list[list[str | None]]:
    told = []
    for number, faces in enumerate(frames):
        came = visits.note({"faces": faces}, start + number * step_s)
        told.append([None if visit.person is None else visit.person["name"] for visit in came])
    return told


def test_somebody_is_named_when_enough_frames_agree_and_once_a_visit() -> None:
    visits = Visits(3, 10.0)
    assert names(visits, [[face("Ada")]] * 6) == [[], [], ["Ada"], [], [], []]
    assert names(visits, [[face("Ada")]] * 3, start=5.0) == [[], [], []]
    assert names(visits, [[face("Ada")]] * 3, start=30.0) == [["Ada"], [], []]


def test_one_frame_that_errs_names_nobody() -> None:
    frames = [[face("Ada")], [face("Eve")], [face("Ada")], [face(None)], [face("Ada")], [face("Ada")]]
    assert [each for told in names(Visits(3, 10.0), frames) for each in told] == ["Ada"]
    far_apart = [[face("Eve")], *[[face("Ada")]] * 9] * 3
    assert [each for told in names(Visits(3, 1000.0), far_apart) for each in told] == ["Ada"]


def test_the_unknown_have_to_be_unknown_for_longer_and_bad_faces_are_nobody() -> None:
    assert names(Visits(2, 10.0), [[face(None)]] * 5) == [[], [], [], [None], []]
    assert names(Visits(1, 10.0), [[face(None, status="rejected")]] * 9) == [[]] * 9
    both = [[face("Ada"), face("Grace"), face(None), face(None)]] * 4
    assert names(Visits(2, 10.0), both) == [[], ["Ada", "Grace"], [], [None]]


# ---- at work -------------------------------------------------------------------------------------------


@pytest.fixture
def camera() -> Iterator[HttpCamera]:
    with http_camera(HttpCamera()) as made:
        yield made


def told(client: "subprocess.Popen[str]") -> Iterator[dict]:
    assert client.stdout is not None
    for line in client.stdout:
        yield json.loads(line)


def watching(path: Path, gateway: FakeGateway, *options: str) -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "familiar_camera", "watch", str(path), "--json", "--server", gateway.url, *options]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)


def test_each_camera_comes_back_by_itself_while_the_others_go_on(
    tmp_path: Path, camera: HttpCamera, gateway: FakeGateway
) -> None:
    with network(camera.port) as between:
        door = f"http://ada:s3cret@127.0.0.1:{between.port}/video.mjpg"
        path = write(
            tmp_path,
            f"cameras:\n"
            f"- {{name: door, source: '{door}', rate: 20, forget: 0.5}}\n"
            f"- {{name: yard, source: '{camera.url}/snapshot.jpg', rate: 20, forget: 0.5}}\n",
        )
        with watching(path, gateway) as client:
            events = told(client)
            came: list[str] = []
            while set(came) != {"door", "yard"}:
                came.append(next(events)["camera"])
            between.cut()
            gateway.known = None
            threading.Timer(1.0, between.mend).start()
            time.sleep(1.5)  # longer than they are remembered
            gateway.known = "Grace"
            visits = list(events_until(events, {"door", "yard"}))
            assert {event["person"]["name"] for event in visits} <= {"Ada", "Grace"}
            client.send_signal(signal.SIGINT)
            *_, summary = told(client)
            said = client.stderr.read() if client.stderr else ""
        assert client.returncode == 0
    counts = {each["name"]: each for each in summary["cameras"]}
    assert counts["door"]["reopened"] >= 1 and counts["yard"]["reopened"] == 0
    assert all(each["sent"] > 3 for each in counts.values())
    assert set(gateway.queries) == {"camera=door", "camera=yard"}
    assert "door: " in said and "s3cret" not in said


def events_until(events: Iterator[dict], cameras: set[str]) -> Iterator[dict]:
    left = set(cameras)
    while left:
        event = next(events)
        if event["person"] and event["person"]["name"] == "Grace":
            left.discard(event["camera"])
        yield event


def test_cameras_that_are_none_end_the_process_when_nothing_is_waited_for(
    tmp_path: Path, gateway: FakeGateway, camera: HttpCamera, capsys: pytest.CaptureFixture[str]
) -> None:
    path = write(tmp_path, f"cameras: [{{name: a, source: 97}}, {{name: b, source: '{camera.url}/page'}}]")
    assert main(["watch", str(path), "--wait", "1", "--server", gateway.url]) == 2
    said = capsys.readouterr()
    assert "a: there is no camera at 97" in said.err and "text/html" in said.err and "a: 0 pictures" in said.out


def test_a_server_that_keeps_us_out_ends_all(
    tmp_path: Path, gateway: FakeGateway, camera: HttpCamera, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.script.extend([refusal(401, "key_unknown", "there is no such key")] * 50)
    path = write(tmp_path, f"cameras: [{{name: a, source: '{camera.url}/snapshot.jpg'}}]")
    assert main(["watch", str(path), "--server", gateway.url]) == 1
    assert "no such key" in capsys.readouterr().err


def test_why_frames_of_a_camera_are_refused_is_told_once(
    tmp_path: Path, folder: Path, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.script.extend([refusal(400, "invalid_name", "the name has over 80 characters")] * 12)
    path = write(tmp_path, f"cameras: [{{name: door, source: {folder}}}]")
    assert main(["watch", str(path), "--server", gateway.url]) == 0
    assert capsys.readouterr().err.count("door: the name has over 80 characters") == 1


def test_a_camera_that_ends_by_a_defect_is_told_of_and_waited_for_no_more(
    tmp_path: Path, folder: Path, gateway: FakeGateway, capsys: pytest.CaptureFixture[str]
) -> None:
    gateway.script.extend([(200, {"faces": [{}]})] * 2)  # of another release, say
    path = write(tmp_path, f"cameras: [{{name: door, source: {folder}}}]")
    assert main(["watch", str(path), "--server", gateway.url]) == 1
    assert "door: KeyError: 'status'" in capsys.readouterr().err
