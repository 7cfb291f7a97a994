"""The application as a whole: request ids, its log, and what it imports."""

import json
import logging
import re
import subprocess
import sys

from access_table import NOBODY, operations
from gateway_world import files

from familiar_gateway import enrolling, operating, people, recognizing
from familiar_gateway.services import Services
from portraits import jpeg

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


def test_no_query_is_left_unread(world):
    """What an address asks for and nobody reads would be ignored without a word: a threshold, say."""
    asked = 0
    for method, path in operations():
        if path.startswith("/v1/"):
            address = re.sub(r"\{\w+\}", NOBODY, path.replace("{version}", "1"))
            answer = world.client.open(f"{address}?threshold=0.5", method=method)
            assert (answer.status_code, answer.json["error"]["code"]) == (400, "unknown_field"), (method, path)
            asked += 1
    assert asked > 20
    sent = {"data": jpeg("Eileen Collins"), "content_type": "image/jpeg"}
    assert world.client.post("/v1/recognize", **sent).status_code == 200
    for query in ("threshold=0.5", "threshold=", "threshold", "a=1&a=2", "%00"):
        answer = world.client.post(f"/v1/recognize?{query}", **sent)
        assert (answer.status_code, answer.json["error"]["code"]) == (400, "unknown_field"), query
        assert "query parameter" in answer.json["error"]["message"]
    # A face is chosen in the query where the picture is the body, and in a field elsewhere.
    opened = world.client.post("/v1/enrollments", json={"name": "Eileen Collins"}).json["id"]
    address = f"/v1/enrollments/{opened}/frames?face=0"
    assert world.client.post(address, **sent).status_code == 200
    answer = world.client.post(address, data={"frames": files([sent["data"]])})
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "unknown_field")


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


def test_browsers_are_told_to_come_by_https_only_where_that_was_asked_for(make_world):
    by_https = {"base_url": "https://localhost"}
    name = "Strict-Transport-Security"
    assert name not in make_world().client.get("/healthz", **by_https).headers
    asked = make_world(hsts_s=3_600).client
    assert asked.get("/healthz", **by_https).headers[name] == "max-age=3600"
    assert name not in asked.get("/healthz").headers  # browsers would not believe it


def test_what_the_certificate_is_to_name_is_a_name_of_the_gateway(make_world):
    client = make_world(https_names="familiar.lan, 192.168.1.20").client
    for host, status in (("familiar.lan:8443", 200), ("192.168.1.20", 200), ("192.168.1.21", 403)):
        assert client.get("/healthz", headers={"Host": host}).status_code == status


def test_by_https_a_page_of_http_changes_nothing(world):
    for scheme, status in (("https", 400), ("http", 403)):
        answer = world.client.post(
            "/v1/enrollments",
            base_url="https://localhost:8443",
            json={},
            headers={"Origin": f"{scheme}://localhost:8443"},
        )
        assert answer.status_code == status
