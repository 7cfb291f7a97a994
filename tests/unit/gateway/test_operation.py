"""Health, readiness, metrics, request ids, error bodies and limits."""

import json
import logging
import subprocess
import sys

import pytest
from gateway_fakes import FakeQueue, FakeServing
from gateway_world import World, settings_for

from familiar import errors as domain
from familiar.database import Database
from familiar.errors import FamiliarError, ServingUnavailable
from familiar_gateway import errors
from familiar_gateway.app import create_app
from familiar_gateway.services import assemble


def parts(world: World) -> dict[str, bool]:
    answer = world.client.get("/readyz")
    found = {part["name"]: part["ok"] for part in answer.json["parts"]}
    assert answer.json["ready"] is all(found.values()) is (answer.status_code == 200)
    return found


def test_alive_asks_nobody(world):
    world.queue.away, world.serving.fault = True, ServingUnavailable("away")
    world.database.close()
    assert world.client.get("/healthz").json == {"status": "ok"}


def test_ready_when_every_part_is_there(world):
    assert parts(world) == dict.fromkeys(["database", "queue", "trainer", "head", "backbone"], True)


def test_readiness_names_the_part_that_is_missing(world):
    world.queue.trainers = 0
    assert [name for name, ok in parts(world).items() if not ok] == ["trainer"]
    world.queue.away = True
    assert [name for name, ok in parts(world).items() if not ok] == ["queue", "trainer"]
    world.queue.away, world.queue.trainers = False, 1
    world.serving.fault = ServingUnavailable("away")
    assert [name for name, ok in parts(world).items() if not ok] == ["head", "backbone"]
    world.serving.fault = None
    backbone = world.serving.backbones.pop(1)
    assert [name for name, ok in parts(world).items() if not ok] == ["backbone"]
    world.serving.backbones[1] = backbone
    heads = dict(world.serving.heads)
    world.serving.heads.clear()
    assert [name for name, ok in parts(world).items() if not ok] == ["head", "backbone"]
    world.serving.heads.update(heads)
    assert all(parts(world).values())  # recovery needs no restart


def test_a_database_without_tables_is_not_ready_and_every_request_can_be_tried_again(tmp_path, observer):
    settings = settings_for(tmp_path)
    database = Database(settings.database_url)
    its = assemble(settings, database=database, queue=FakeQueue(), serving=FakeServing(), observer=observer)
    client = create_app(its).test_client()
    answer = client.get("/readyz")
    assert answer.status_code == 503 and "migrate" in answer.json["parts"][0]["message"]
    answer = client.get("/v1/people")
    assert answer.status_code == 503 and answer.json["error"]["retryable"] is True
    database.close()


def test_metrics_count_requests_by_route_and_faces_by_status(world, collins_frames):
    world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg")
    for path in ("/v1/people/" + "0" * 32, "/v1/people/" + "1" * 32, "/a/b/c", "/d"):
        world.client.get(path)
    world.client.open("/healthz", method="BREW")
    text = world.client.get("/metrics").text
    assert 'familiar_request_seconds_count{code="200",method="POST",route="/v1/recognize"} 1.0' in text
    assert 'familiar_request_seconds_count{code="404",method="GET",route="/v1/people/<person_id>"} 2.0' in text
    assert 'familiar_request_seconds_count{code="404",method="GET",route="none"} 2.0' in text
    assert 'method="other"' in text and "BREW" not in text
    assert 'familiar_faces_total{status="unknown"} 1.0' in text
    assert 'familiar_recognition_stage_seconds_count{stage="detect"} 1.0' in text
    assert 'familiar_queue_trainings{state="waiting"} 0.0' in text
    assert "familiar_head_version 1.0" in text and 'familiar_part_up{part="queue"} 1.0' in text


def test_metrics_are_given_with_queue_and_database_away(world, monkeypatch):
    world.queue.away = True
    monkeypatch.setattr(world.database, "read", lambda: (_ for _ in ()).throw(domain.DatabaseUnavailable("away")))
    text = world.client.get("/metrics").text
    assert 'familiar_part_up{part="queue"} 0.0' in text and 'familiar_part_up{part="database"} 0.0' in text


def test_a_request_id_is_taken_over_or_made(world):
    assert world.client.get("/healthz", headers={"X-Request-Id": "door-7.a_B"}).headers["X-Request-Id"] == "door-7.a_B"
    for bad in ("", "a" * 65, "a b", "a\tb", "<script>", "ä"):
        made = world.client.get("/healthz", headers={"X-Request-Id": bad}).headers["X-Request-Id"]
        assert made != bad and len(made) == 32


def test_each_request_leaves_one_line_with_its_id(world, caplog):
    with caplog.at_level(logging.INFO, "familiar_gateway.access"):
        world.client.get("/v1/people?limit=5", headers={"X-Request-Id": "abc"})
    (line,) = [record.message for record in caplog.records if record.name == "familiar_gateway.access"]
    assert line.startswith("GET /v1/people 200 ") and line.endswith("request=abc")


def test_a_defect_is_a_500_without_a_traceback_and_the_log_has_it(world, caplog, monkeypatch):
    def broken():
        raise ZeroDivisionError("secret")

    monkeypatch.setattr(world.database, "read", broken)
    answer = world.client.get("/v1/people", headers={"X-Request-Id": "abc"})
    assert answer.status_code == 500
    error = answer.json["error"]
    assert (error["code"], error["retryable"], error["request_id"]) == ("internal", False, "abc")
    assert "secret" not in answer.text and "Zero" not in answer.text
    assert "ZeroDivisionError" in caplog.text and "request abc" in caplog.text


def test_what_serving_says_of_itself_is_not_told_to_clients(world, collins_frames):
    world.serving.fault = ServingUnavailable("model server at 10.0.0.7:8500 answered UNAVAILABLE", model="head")
    answer = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg")
    assert answer.status_code == 503 and "10.0.0.7" not in answer.text


def test_a_method_not_allowed_names_those_that_are(world):
    answer = world.client.put("/v1/people")
    assert answer.status_code == 405 and "GET" in answer.headers["Allow"]


def subclasses(kind: type[FamiliarError]) -> set[type[FamiliarError]]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))


def test_every_domain_error_has_a_status_that_fits():
    for kind in subclasses(FamiliarError):
        status = errors.status_of(kind("x"))
        assert 400 <= status < 600
        assert kind.retryable is (status == 503), kind
    assert errors.status_of(domain.AlreadyKnown("x")) == 409
    assert errors.status_of(domain.ServingTimeout("x")) == 503


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/app.js", "/docs/look.css"])
def test_the_page_and_its_parts_are_served_from_the_package(world, path):
    answer = world.client.get(path, follow_redirects=True)
    assert answer.status_code == 200
    assert "http://" not in answer.text.replace("http://www.w3.org/", "") and "https://" not in answer.text


def test_the_page_may_load_nothing_from_elsewhere(world):
    policy = world.client.get("/docs").headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy and "script-src 'self'" in policy


def test_the_gateway_never_imports_tensorflow():
    code = (
        "import sys, json, familiar_gateway.app, familiar_gateway.__main__\n"
        "import familiar_gateway.routes as routes, flask\n"
        "routes.install(flask.Flask('x'))\n"
        "print(json.dumps(sorted(name for name in sys.modules if name.split('.')[0] in "
        "('tensorflow', 'tensorflow_serving', 'keras', 'tensorboard', 'dlib'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=120, check=True)
    assert json.loads(done.stdout) == []
