"""The door relay of docs/integrations.md, as it stands there, and what must not open it."""

import base64
import hmac
import json
import os
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import pytest

from .examples import DOOR, EVENT, PATIENCE_S, event

SECRET = bytes(range(32))
ADA, BOB = EVENT["person"]["id"], "b" * 32


def signature(event_id: str, seconds: int, body: bytes, secret: bytes = SECRET) -> str:
    """Sign as Standard Webhooks says."""
    return "v1," + base64.b64encode(hmac.digest(secret, f"{event_id}.{seconds}.".encode() + body, "sha256")).decode()


def test_the_door_is_tried_with_signatures_as_they_are_sent() -> None:
    from familiar_gateway.messenger import webhooks

    assert webhooks.signature(SECRET, "id", 1_800_000_000, b"{}") == signature("id", 1_800_000_000, b"{}")


@dataclass
class Relay:
    """The script, running; what it says, and how often it opened."""

    process: subprocess.Popen[str]
    port: int
    opened: Path
    said: "queue.Queue[str]" = field(default_factory=queue.Queue)

    def tell(self, told: dict[str, Any], **changed: Any) -> int:
        """Post an event, signed unless something of that is changed; return the status."""
        body = changed.get("body", json.dumps(told).encode())
        event_id, seconds = changed.get("id", told["id"]), int(time.time() - changed.get("ago_s", 0))
        headers = {
            "webhook-id": event_id, "webhook-timestamp": str(changed.get("stamp", seconds)),
            "webhook-signature": changed.get("signature", signature(told["id"], seconds, changed.get("signed", body))),
        }  # fmt: skip
        return httpx.post(
            f"http://127.0.0.1:{self.port}/", content=body, headers=headers, timeout=PATIENCE_S
        ).status_code

    def show(self, code: str) -> str:
        """Type a code; return what became of it."""
        assert self.process.stdin is not None
        self.process.stdin.write(f"{code}\n")
        self.process.stdin.flush()
        while (said := self.said.get(timeout=PATIENCE_S)).startswith("passed over"):
            pass
        return said

    def times(self) -> int:
        return len(self.opened.read_text()) if self.opened.exists() else 0


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[Callable[..., Relay]]:
    """relay(within_s=20, command=...): start the script, where Ada has the code 4711 and Bob 2525."""
    script = tmp_path / "door.py"
    script.write_text(DOOR)
    hashes = [
        subprocess.run(
            [sys.executable, "-c", f"import door; print(door.hashed({code!r}, 'salt'))"],
            cwd=tmp_path, capture_output=True, text=True, check=True, timeout=60,
        ).stdout.strip()
        for code in ("4711", "2525")
    ]  # fmt: skip
    (tmp_path / "codes").write_text(f"{ADA} salt {hashes[0]}\n\n{BOB} salt {hashes[1]}\n")
    (tmp_path / "secret").write_text(f"whsec_{base64.b64encode(SECRET).decode()}\n")
    opener = tmp_path / "pulse"
    opener.write_text(f"#!/bin/sh\nprintf o >> {tmp_path / 'opened'}\n")
    opener.chmod(0o755)
    running: list[subprocess.Popen[str]] = []

    def start(within_s: float = 20.0, command: str = str(opener)) -> Relay:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = int(probe.getsockname()[1])
        environment = {
            **os.environ, "DOOR_PORT": str(port), "DOOR_SECRET_FILE": str(tmp_path / "secret"), "DOOR_COMMAND": command,
            "DOOR_CODES_FILE": str(tmp_path / "codes"), "DOOR_WITHIN_S": str(within_s),
        }  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )
        running.append(process)
        made = Relay(process, port, tmp_path / "opened")
        assert process.stdout is not None
        output = process.stdout
        threading.Thread(target=lambda: [made.said.put(line.strip()) for line in output], daemon=True).start()
        assert made.said.get(timeout=PATIENCE_S) == "ready"
        return made

    yield start
    for process in running:
        process.kill()
        process.wait()


NOBODY = "shut: nobody was seen whose code this is"


def test_the_door_opens_once_for_who_was_seen_and_has_the_code(relay: Callable[..., Relay]) -> None:
    door = relay()
    assert door.show("4711") == NOBODY, "nobody was seen yet"
    assert door.tell(event()) == 204
    assert door.show("2525") == NOBODY, "somebody else's code"
    assert door.show("4711") == f"opened for {ADA}"
    assert door.show("4711") == NOBODY and door.times() == 1
    told = event(person={"id": BOB, "name": "Bob"})
    assert (door.tell(told), door.tell(event())) == (204, 204)
    assert door.show("2525") == f"opened for {BOB}" and door.show("4711") == f"opened for {ADA}"
    assert door.tell(told) == 204 and door.show("2525") == NOBODY, "a double"
    assert door.times() == 3


def test_whoever_is_not_the_sender_is_refused(relay: Callable[..., Relay]) -> None:
    door, told = relay(), event()
    for forged in (
        {"signature": "v1,AAAA"}, {"signature": ""}, {"signed": b"{}"}, {"id": "another"}, {"stamp": ""},
        {"signature": signature(told["id"], int(time.time()), json.dumps(told).encode(), secret=bytes(32))},
        {"stamp": "\u0664"}, {"ago_s": 40}, {"ago_s": -40}, {"signature": "v2," + "A" * 44},
    ):  # fmt: skip
        try:
            status = door.tell(told, **forged)
        except UnicodeEncodeError:
            continue
        assert status == 401, forged
    assert door.tell(told, body=b"x" * 70_000) == 413
    assert door.show("4711") == NOBODY
    seconds = int(time.time())
    several = f"v1,AAAA {signature(told['id'], seconds, json.dumps(told).encode())}"
    assert door.tell(told, signature=several, stamp=str(seconds)) == 204, (
        "one of several signatures, while secrets change"
    )
    assert door.show("4711") == f"opened for {ADA}"


def test_what_is_authentic_and_of_no_use_is_taken_and_does_nothing(relay: Callable[..., Relay]) -> None:
    door = relay()
    useless = [
        event("unknown_seen"), event("person_enrolled", camera=None), event(camera="garden"), event(ago_s=40),
        event(at="yesterday"), event(ago_s=-60), event(person={"name": "Ada Lovelace"}), event(person=[1]),
    ]  # fmt: skip
    for told in useless:
        assert door.tell(told) == 204, told
    for body in (b"[]", b"no JSON", b"\xff", b"{}", b"null"):
        assert door.tell(event(), body=body) == 204
    assert door.show("4711") == NOBODY and door.times() == 0


def test_a_code_that_comes_late_opens_nothing(relay: Callable[..., Relay]) -> None:
    door = relay(within_s=0.2)
    assert door.tell(event()) == 204
    time.sleep(0.3)
    assert door.show("4711") == NOBODY


def test_after_wrong_codes_none_is_taken(relay: Callable[..., Relay]) -> None:
    door = relay()
    assert door.tell(event()) == 204
    assert [door.show(f"{number:04}") for number in range(5)] == [NOBODY] * 5
    assert door.show("4711") == "shut: too many wrong codes" and door.times() == 0


def test_what_is_no_text_is_a_wrong_code_and_ends_nothing(relay: Callable[..., Relay]) -> None:
    door = relay()
    assert door.tell(event()) == 204 and door.process.stdin is not None
    door.process.stdin.buffer.write(b"\xff\xfe4711\n")
    door.process.stdin.buffer.flush()
    assert door.said.get(timeout=PATIENCE_S) == NOBODY
    assert door.show("4711") == f"opened for {ADA}"


@pytest.mark.parametrize("command", ["false", "/no/such/command"])
def test_a_relay_that_fails_leaves_the_door_shut(relay: Callable[..., Relay], command: str) -> None:
    door = relay(command=command)
    assert door.tell(event()) == 204
    assert door.show("4711").startswith("shut: the command failed")


def test_a_restart_knows_nobody_of_before(relay: Callable[..., Relay]) -> None:
    told = event(ago_s=2)
    door = relay()
    assert door.tell(told) == 204 and door.show("4711") == NOBODY


def test_without_a_secret_or_codes_the_door_does_not_start(relay: Callable[..., Relay], tmp_path: Path) -> None:
    environment = {**os.environ, "DOOR_COMMAND": "true", "DOOR_PORT": "0"}
    (tmp_path / "short").write_text("whsec_" + base64.b64encode(bytes(8)).decode())
    for secret, codes in (("secret", "nowhere"), ("nowhere", "codes"), ("short", "codes"), ("codes", "codes")):
        its = {"DOOR_SECRET_FILE": str(tmp_path / secret), "DOOR_CODES_FILE": str(tmp_path / codes)}
        command = [sys.executable, str(tmp_path / "door.py")]
        done = subprocess.run(
            command, env={**environment, **its}, capture_output=True, input=b"", timeout=60, check=False
        )
        assert done.returncode != 0 and b"ready" not in done.stdout
