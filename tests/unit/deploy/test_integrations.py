"""Home Assistant, Node-RED and Frigate, as docs/integrations.md has them."""

import base64
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import jinja2
import pytest
import yaml

from .examples import EVENT, EVENTS_FILE, FRIGATE, HOME_ASSISTANT, NODE_RED, PATIENCE_S, event

# ---- what the page says of events ------------------------------------------------------------------------


def test_the_file_of_events_is_one(tmp_path: Path) -> None:
    from familiar_gateway.messenger import instructions

    (tmp_path / "mqtt").write_text("secret")
    (tmp_path / "door").write_text("whsec_" + base64.b64encode(bytes(32)).decode())
    file = tmp_path / "events.yml"
    file.write_text(EVENTS_FILE.replace("/run/secrets", str(tmp_path)))
    said = instructions.read(file)
    assert [each.name for each in said.destinations] == ["home", "front-door"]
    assert EVENT["snapshot"].startswith(said.address + "/v1/events/")


def test_an_event_has_the_fields_that_are_shown() -> None:
    from types import SimpleNamespace

    from familiar.records import EventKind
    from familiar_gateway.events import representations

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
