"""The key: given in any of four ways, shown with each request, and never said."""

import logging
from pathlib import Path

import pytest

from familiar_camera.cli import main
from familiar_camera.server import Server

from .conftest import FakeGateway, refusal

KEY = "fam_" + "Ab1-_" * 8 + "xyz"


@pytest.fixture(autouse=True)
def _no_key_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FAMILIAR_KEY", "FAMILIAR_KEY_FILE"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("way", ["option", "file", "environment", "file of the environment"])
@pytest.mark.parametrize("task", [["recognize"], ["enroll", "--name", "Ada", "--frames", "2"]])
def test_the_key_is_shown_with_each_request(
    gateway: FakeGateway, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str], caplog: pytest.LogCaptureFixture, way: str, task: list[str],
) -> None:  # fmt: skip
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n")
    options = {"option": ["--key", KEY], "file": ["--key-file", str(file)]}.get(way, [])
    if way == "environment":
        monkeypatch.setenv("FAMILIAR_KEY", KEY)
    if way == "file of the environment":
        monkeypatch.setenv("FAMILIAR_KEY_FILE", str(file))
    with caplog.at_level(logging.DEBUG):
        assert main([task[0], str(folder), "--server", gateway.url, *task[1:], *options]) == 0
    assert gateway.shown == {f"Bearer {KEY}"}
    said = capsys.readouterr()
    assert KEY not in said.out + said.err + caplog.text


def test_without_a_key_none_is_shown(gateway: FakeGateway, folder: Path) -> None:
    assert main(["recognize", str(folder), "--server", gateway.url]) == 0
    assert gateway.shown == {None}


def test_the_command_line_goes_before_the_environment(
    gateway: FakeGateway, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAMILIAR_KEY", "fam_other")
    monkeypatch.setenv("FAMILIAR_KEY_FILE", "/nowhere")
    assert main(["recognize", str(folder), "--server", gateway.url, "--key", KEY]) == 0
    assert gateway.shown == {f"Bearer {KEY}"}


@pytest.mark.parametrize("text", ["", "two\nlines", "with a space", "ungültig", "a" * 5_000])
def test_what_cannot_be_a_key_is_refused_without_being_said(
    gateway: FakeGateway, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str
) -> None:
    file = tmp_path / "key"
    file.write_text(text, "utf-8")
    assert main(["recognize", str(folder), "--server", gateway.url, "--key-file", str(file)]) == 2
    said = capsys.readouterr()
    assert "key" in said.err and (not text or text not in said.err) and "Traceback" not in said.err
    assert gateway.asked == []


def test_a_file_that_is_not_there_is_named(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["recognize", str(folder), "--server", gateway.url, "--key-file", "/nowhere/key"]) == 2
    assert "/nowhere/key: No such file" in capsys.readouterr().err


@pytest.mark.parametrize("task", [["recognize"], ["enroll", "--name", "Ada"]])
@pytest.mark.parametrize("status", [401, 403])
def test_a_server_that_keeps_us_out_is_not_asked_again_at_the_next_frame(
    gateway: FakeGateway, folder: Path, capsys: pytest.CaptureFixture[str], status: int, task: list[str]
) -> None:
    gateway.script.append(refusal(status, "key_required", "a key is needed"))
    assert main([task[0], str(folder), "--server", gateway.url, *task[1:]]) == 1
    said = capsys.readouterr().err
    assert "a key is needed" in said and ("(--key-file, or FAMILIAR_KEY)" in said) is (status == 401)
    assert len(gateway.asked) == 1


def test_a_server_does_not_show_its_key_when_it_is_printed() -> None:
    assert KEY not in repr(Server("http://127.0.0.1:1", key=KEY)) + str(vars(Server("http://127.0.0.1:1", key=KEY)))
