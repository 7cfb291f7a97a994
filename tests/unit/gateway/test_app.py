"""The application as a whole: request ids, its log, and what it imports."""

import json
import logging
import subprocess
import sys

from familiar_gateway import enrolling, operating, people, recognizing
from familiar_gateway.services import Services

_OPERATING = ("models", "jobs", "health")


def test_a_request_id_is_taken_over_or_made(world):
    assert world.client.get("/healthz", headers={"X-Request-Id": "door-7.a_B"}).headers["X-Request-Id"] == "door-7.a_B"
    for bad in ("", "a" * 65, "a b", "a\tb", "<script>", "ä"):
        made = world.client.get("/healthz", headers={"X-Request-Id": bad}).headers["X-Request-Id"]
        assert made != bad and len(made) == 32


def test_each_request_leaves_one_line_with_its_id(world, caplog):
    with caplog.at_level(logging.INFO, "familiar_gateway.requests"):
        world.client.get("/v1/people?limit=5", headers={"X-Request-Id": "abc"})
    (line,) = [record.message for record in caplog.records if record.name == "familiar_gateway.requests"]
    assert line.startswith("GET /v1/people 200 ") and line.endswith("request=abc")


def test_every_room_needs_only_what_is_built():
    for routes in (recognizing.routes, enrolling.routes, people.routes, *(getattr(operating, n) for n in _OPERATING)):
        needed = routes._Needs.__annotations__
        assert needed == {name: Services.__annotations__[name] for name in needed}


def test_the_gateway_never_imports_tensorflow():
    code = (
        "import sys, json, familiar_gateway.app, familiar_gateway.__main__\n"
        "print(json.dumps(sorted(name for name in sys.modules if name.split('.')[0] in "
        "('tensorflow', 'tensorflow_serving', 'keras', 'tensorboard', 'dlib'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(done.stdout) == []
