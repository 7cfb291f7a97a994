"""The examples of docs/integrations.md, as they stand there."""

import base64
import hmac
import importlib.util
import json
import os
import queue
import re
import secrets
import shutil
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import httpx
import jinja2
import pytest
import yaml

PAGE = (Path(__file__).parents[3] / "docs" / "integrations.md").read_text()
PATIENCE_S = 30.0
HAS_MESSENGER = importlib.util.find_spec("familiar_gateway.messenger") is not None
needs_messenger = pytest.mark.skipif(not HAS_MESSENGER, reason="this version tells nobody of events")


def blocks(language: str) -> list[str]:
    return re.findall(rf"^```{language}\n(.*?)^```$", PAGE, re.M | re.S)


EVENTS_FILE, HOME_ASSISTANT = blocks("yaml")
EVENT, NODE_RED = map(json.loads, blocks("json"))
FRIGATE, DOOR = blocks("python")


def event(kind: str = "person_seen", ago_s: float = 0.0, **its: Any) -> dict[str, Any]:
    """Return an event of so many seconds ago, of the page's shape."""
    at = (datetime.now(UTC) - timedelta(seconds=ago_s)).isoformat(timespec="milliseconds")
    nobody = {"person": None, "score": None} if kind == "unknown_seen" else {}
    return {**EVENT, "id": secrets.token_hex(16), "kind": kind, "at": at, **nobody, **its}


def until(true: Callable[[], object], what: str) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while not true():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        time.sleep(0.02)


# ---- what the page says of events ------------------------------------------------------------------------


@needs_messenger
def test_the_file_of_events_is_one(tmp_path: Path) -> None:
    from familiar_gateway.messenger import instructions

    (tmp_path / "mqtt").write_text("secret")
    (tmp_path / "door").write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    file = tmp_path / "events.yml"
    file.write_text(EVENTS_FILE.replace("/run/secrets", str(tmp_path)))
    said = instructions.read(file)
    assert [each.name for each in said.destinations] == ["home", "front-door"]
    assert EVENT["snapshot"].startswith(said.address + "/v1/events/")


@needs_messenger
def test_an_event_has_the_fields_that_are_shown() -> None:
    from types import SimpleNamespace

    from familiar_gateway.events import representations

    from familiar.records import EventKind

    names = ("id", "number", "kind", "at", "camera", "person_id", "score", "visit_id", "head_version", "sighting_id")
    row = SimpleNamespace(**dict.fromkeys(names))
    assert list(representations.event(row, {})) == list(EVENT)  # type: ignore[arg-type]
    assert {"person_seen", "unknown_seen", "person_enrolled"} == {each.value for each in EventKind}


# ---- Home Assistant --------------------------------------------------------------------------------------


def topics_of(said: object) -> Iterator[str]:
    if isinstance(said, dict):
        for name, value in said.items():
            if name.endswith("topic"):
                yield value
            yield from topics_of(value)
    elif isinstance(said, list):
        for each in said:
            yield from topics_of(each)


PUBLISHED = {"events", "person", "unknown", "count"}


@needs_messenger
def test_topics_of_cameras_are_as_they_are_published() -> None:
    from familiar_gateway.messenger.mqtt import _SENSORS, slug

    assert slug("door") == "door" and set(_SENSORS) | {"events"} == PUBLISHED


@pytest.mark.parametrize("said", [yaml.safe_load(HOME_ASSISTANT), NODE_RED], ids=["Home Assistant", "Node-RED"])
def test_the_topics_that_are_listened_to_are_published(said: object) -> None:
    told = list(topics_of(said))
    assert told
    for topic in told:
        first, *rest = topic.split("/")
        assert first == "familiar"
        assert rest == ["status"] or (rest[0] in ("door", "+") and rest[1] in PUBLISHED and len(rest) == 2), topic


def rendered(template: str, told: dict[str, Any]) -> str:
    """Return what Home Assistant's Jinja makes of a template, as far as the page uses it."""
    world = {
        "trigger": {"payload_json": told}, "value_json": told, "now": lambda: datetime.now(UTC),
        "as_datetime": datetime.fromisoformat, "timedelta": timedelta,
    }  # fmt: skip
    return jinja2.Environment(undefined=jinja2.StrictUndefined).from_string(template).render(world)


def test_automations_act_on_their_kind_of_event_while_it_is_new() -> None:
    known, unknown = yaml.safe_load(HOME_ASSISTANT)["automation"]
    for automation, kind, other in ((known, "person_seen", "unknown_seen"), (unknown, "unknown_seen", "person_seen")):
        condition = automation["conditions"][0]["value_template"]
        said = [rendered(condition, told) for told in (event(kind), event(other), event(kind, ago_s=200))]
        assert said == ["True", "False", "False"]
        told = event(kind)
        notify = automation["actions"][-1]["data"]
        assert rendered(notify["data"]["tag"], told) == told["id"]
        assert "Ada Lovelace" in rendered(notify["message"], told) or kind == "unknown_seen"


def test_the_sensor_of_all_cameras_shows_who_it_is() -> None:
    (sensor,) = yaml.safe_load(HOME_ASSISTANT)["mqtt"]["sensor"]
    assert rendered(sensor["value_template"], event()) == "Ada Lovelace"
    assert rendered(sensor["value_template"], event("unknown_seen")) == "None"


# ---- Node-RED --------------------------------------------------------------------------------------------


def test_the_flow_is_whole() -> None:
    nodes = {each["id"]: each for each in NODE_RED}
    assert len(nodes) == len(NODE_RED)
    for each in NODE_RED:
        assert all(target in nodes for wire in each.get("wires", []) for target in wire)
        assert each.get("z", "familiar-tab") in nodes and each.get("broker") in (*nodes, "broker.lan", None)
    assert len(nodes["familiar-new"]["wires"]) == nodes["familiar-new"]["outputs"] == 2


def test_the_function_of_the_flow_lets_each_through_once() -> None:
    if (node := shutil.which("node")) is None:
        pytest.skip("there is no Node.js here")
    (function,) = (each["func"] for each in NODE_RED if each["type"] == "function")
    ada, unknown, old = event(), event("unknown_seen"), event(ago_s=200)
    enrolled, unpictured = event("person_enrolled", camera=None), event("unknown_seen", snapshot=None)
    told = json.dumps([ada, ada, unknown, old, enrolled, unpictured])
    script = f"""
        const kept = {{}}, context = {{ get: (name) => kept[name], set: (name, value) => {{ kept[name] = value; }} }};
        const env = {{ get: (name) => ({{ FAMILIAR_KEY: 'fam_secret' }})[name] }};
        const act = new Function('msg', 'context', 'env', {json.dumps(function)});
        console.log(JSON.stringify({told}.map((payload) => act({{ payload }}, context, env))));
    """
    out = subprocess.run([node, "-e", script], capture_output=True, text=True, check=True, timeout=PATIENCE_S).stdout
    first, double, stranger, *others = json.loads(out)
    assert first[0]["payload"] == f"{ada['at']} Ada Lovelace at door" and first[1] is None
    assert double is None and others == [None, None, None]
    assert stranger[0] is None and stranger[1]["url"] == unknown["snapshot"]
    assert stranger[1]["headers"] == {"Authorization": "Bearer fam_secret"}


# ---- Frigate ---------------------------------------------------------------------------------------------


@dataclass
class Answering:
    """Both Frigate and Familiar: notes what it is asked, and answers with what was put in for the path."""

    answers: dict[str, Any] = field(default_factory=dict)
    asked: list[tuple[str, str, Any]] = field(default_factory=list)
    keys: set[str | None] = field(default_factory=set)
    url: str = ""


@pytest.fixture
def answering() -> Iterator[Answering]:
    made = Answering()

    class Handler(BaseHTTPRequestHandler):
        def reply(self) -> None:
            body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
            made.asked.append((self.command, self.path, body))
            if self.path.startswith("/v1/"):
                made.keys.add(self.headers["Authorization"])
            said = made.answers.get(self.path.partition("?")[0])
            data = said if isinstance(said, bytes) else json.dumps(said).encode()
            self.send_response(404 if said is None else 200)
            self.send_header("Content-Length", str(len(data)))
            self.end_headers()
            self.wfile.write(data)

        do_GET = do_POST = reply

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield made
    server.shutdown()
    thread.join()
    server.server_close()


def of_frigate(number: int, kind: str = "update", **its: Any) -> str:
    after = {
        "id": f"1607123955.4753{number}-mxklsc",
        "camera": "front door",
        "label": "person",
        "has_snapshot": True,
        **its,
    }
    return json.dumps({"type": kind, "before": after, "after": after}) + "\n"


def test_the_name_of_whom_frigate_sees_is_written_into_frigate(answering: Answering, tmp_path: Path) -> None:
    (tmp_path / "key").write_text("fam_secret\n")
    (tmp_path / "frigate_faces.py").write_text(FRIGATE)
    for number in range(1, 5):
        answering.answers[f"/api/events/1607123955.4753{number}-mxklsc/snapshot.jpg"] = b"\xff\xd8 a picture"
        answering.answers[f"/api/events/1607123955.4753{number}-mxklsc/sub_label"] = {"success": True}
    ada = {"status": "known", "person": {"id": "1", "name": "Ada Lovelace"}, "score": 0.7113}
    bob = {"status": "known", "person": {"id": "2", "name": "Bob"}, "score": 0.6}
    nobody = {"status": "unknown", "person": None, "score": 0.2}
    answering.answers["/v1/recognize"] = {"faces": [bob, nobody, ada]}
    lines = [
        of_frigate(1, "new"), of_frigate(1), of_frigate(1, "end"),  # named at once, and asked no more
        of_frigate(2, label="dog"), of_frigate(2, has_snapshot=False), "no JSON\n", "[]\n", '{"type": "new"}\n',
        of_frigate(9),  # of which there is no snapshot
        of_frigate(3),
    ]  # fmt: skip
    environment = {
        **os.environ, "FRIGATE_URL": answering.url, "FAMILIAR_SERVER": answering.url, "FRIGATE_LEAST_S": "0",
        "FAMILIAR_KEY_FILE": str(tmp_path / "key"),
    }  # fmt: skip
    command = [sys.executable, str(tmp_path / "frigate_faces.py")]

    def run(said: list[str]) -> str:
        answering.asked.clear()
        done = subprocess.run(
            command, input="".join(said), env=environment, text=True, capture_output=True, timeout=60, check=True
        )
        return done.stdout

    assert run(lines) == "front door: Ada Lovelace\nfront door: Ada Lovelace\n"
    assert answering.keys == {"Bearer fam_secret"}
    labels = [json.loads(body) for _, path, body in answering.asked if path.endswith("/sub_label")]
    assert labels == [{"subLabel": "Ada Lovelace", "subLabelScore": 0.71}] * 2
    pictures = [(path, body) for _, path, body in answering.asked if path.startswith("/v1/")]
    assert pictures == [("/v1/recognize?camera=front%20door", b"\xff\xd8 a picture")] * 2
    assert [path for _, path, _ in answering.asked if "/snapshot.jpg?" in path and "bbox=0" in path]
    answering.answers["/v1/recognize"] = {"faces": [nobody]}
    assert run([of_frigate(4)] * 30) == ""
    assert sum(path.startswith("/v1/") for _, path, _ in answering.asked) == 10, "it gives up"


# ---- the door relay --------------------------------------------------------------------------------------

SECRET = bytes(range(32))
ADA, BOB = EVENT["person"]["id"], "b" * 32


def signature(event_id: str, seconds: int, body: bytes, secret: bytes = SECRET) -> str:
    """Sign as Standard Webhooks says."""
    return "v1," + base64.b64encode(hmac.digest(secret, f"{event_id}.{seconds}.".encode() + body, "sha256")).decode()


@needs_messenger
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
