"""What operators see of the system: parts, workers, room, and what went wrong of late."""

import pytest

from familiar.disk import Disk
from familiar.errors import ServingRejected, ServingUnavailable
from familiar.queueing.workers import About, WorkerState
from familiar.records import trainings
from familiar.records.training import Stage


def system(world):
    answer = world.client.get("/v1/system")
    assert answer.status_code == 200
    return answer.json


def errors(world, query=""):
    return world.client.get(f"/v1/errors{query}").json["errors"]


def parts(world):
    return [(each["name"], each["software"]) for each in system(world)["parts"]]


def test_every_part_says_what_it_is_made_of(world):
    world.serving.made_of = {"familiar": "0.1.0", "tensorflow": "2.20.0"}
    told = dict(parts(world))
    assert list(told) == ["gateway", "trainer", "serving", "database", "queue"]
    assert set(told["gateway"]) == {"familiar", "python"}
    assert told["trainer"]["tensorflow"] == "2.0.0" and told["serving"]["tensorflow"] == "2.20.0"
    assert list(told["database"]) == ["sqlite"] and told["queue"] == {"redis": "7.0.0"}


def test_tensorflow_serving_does_not_say_what_it_is(world):
    assert dict(parts(world))["serving"] == {}


def test_a_part_that_is_away_says_nothing_and_the_others_are_shown(world):
    world.queue.away, world.serving.fault = True, ServingUnavailable("away")
    told = system(world)
    assert told["workers"] is None and [each["name"] for each in told["disks"]] == ["database"]
    assert [name for name, software in parts(world) if software is None] == ["trainer", "serving", "queue"]
    world.queue.away, world.queue.trainers = False, 0
    assert system(world)["workers"] == []


def test_workers_are_shown_by_name_with_what_they_are_at(world):
    at = "0" * 32
    world.queue.workers = lambda: [
        WorkerState("trainer-a", "busy", at, 0.0, 5.0, About({"familiar": "0.2.0"}, Disk(1, 2, 3))),
        WorkerState("trainer-b", "idle", None, None, None, About()),
        WorkerState("trainer-c", "idle", None, 0.0, 9.0, About({"familiar": "0.2.0"}, Disk(4, 5, 6))),
    ]
    told = system(world)
    assert [(each["name"], each["state"], each["job"], each["seen"]) for each in told["workers"]] == [
        ("trainer-a", "busy", at, "1970-01-01T00:00:05.000+00:00"),
        ("trainer-b", "idle", None, None),
        ("trainer-c", "idle", None, "1970-01-01T00:00:09.000+00:00"),
    ]
    assert [software for name, software in parts(world) if name == "trainer"] == [{"familiar": "0.2.0"}, {}]
    assert told["disks"][1]["taken_bytes"] == 4, "as the last one to give a sign of life says"
    trainer = next(each for each in world.client.get("/readyz").json["parts"] if each["name"] == "trainer")
    assert trainer["message"] == "3 at the queue"


def test_the_room_for_the_database_and_for_the_models_is_shown(world):
    database, models = system(world)["disks"]
    assert database["name"] == "database" and 0 < database["taken_bytes"] < database["size_bytes"]
    assert (models["name"], models["taken_bytes"], models["low"]) == ("models", 24_000_000, False)
    world.queue.models = Disk(24_000_000, 10_000_000, 10**10)
    assert system(world)["disks"][1]["low"] is True


def test_rq_dashboard_is_named_where_a_setting_says_where_it_is(make_world):
    assert system(make_world())["links"] == {"rq_dashboard": None}
    there = make_world(rq_dashboard_url="http://127.0.0.1:9181/")
    assert system(there)["links"] == {"rq_dashboard": "http://127.0.0.1:9181/"}


@pytest.fixture
def picture(collins_frames):
    return {"data": collins_frames[0], "content_type": "image/jpeg"}


def test_nothing_has_gone_wrong_at_first_nor_by_what_was_sent(world):
    assert world.client.post("/v1/recognize", data=b"none", content_type="image/jpeg").status_code == 400
    assert world.client.get("/v1/people/nobody").status_code == 400
    assert errors(world) == []


def test_what_went_wrong_is_told_once_with_how_often_and_under_which_request(world, picture):
    world.serving.fault = ServingUnavailable("the model server is away")
    for request_id in ("first", "last"):
        answer = world.client.post("/v1/recognize", headers={"X-Request-Id": request_id}, **picture)
        assert answer.status_code == 503
    (told,) = errors(world)
    assert (told["part"], told["place"], told["code"]) == ("gateway", "POST /v1/recognize", "serving_unavailable")
    assert (told["message"], told["times"], told["request_id"]) == ("the model server is away", 2, "last")
    world.services.recorder.flush()
    assert errors(world) == [told]
    assert world.client.post("/v1/recognize", **picture).status_code == 503
    assert [each["times"] for each in errors(world)] == [3], "those that are not written yet count"


def test_a_defect_tells_where_it_is_and_not_what_it_says(world, picture, monkeypatch):
    def break_(*_, **__):
        raise RuntimeError("Eileen Collins")

    monkeypatch.setattr(type(world.services.recognizer), "recognize", break_)
    answer = world.client.post("/v1/recognize", **picture)
    assert answer.status_code == 500
    (told,) = errors(world)
    assert (told["code"], told["request_id"]) == ("internal", answer.json["error"]["request_id"])
    assert told["message"].startswith("RuntimeError in familiar_gateway.") and "Eileen" not in str(told)


def test_what_serving_refuses_is_a_defect_with_its_sentence(world, picture):
    world.serving.fault = ServingRejected("of another length")
    assert world.client.post("/v1/recognize", **picture).status_code == 500
    assert [(each["code"], each["message"]) for each in errors(world)] == [("serving_rejected", "of another length")]


def test_trainings_that_failed_are_among_them_the_last_first(world, picture):
    with world.database.write() as session:
        failed = trainings.ask(session)
        trainings.end(failed, Stage.FAILED, code="gate_failed", message="it did not answer as it should")
    world.serving.fault = ServingUnavailable("away")
    assert world.client.post("/v1/recognize", **picture).status_code == 503
    later, earlier = errors(world)
    assert later["part"] == "gateway"
    assert (earlier["part"], earlier["job"], earlier["code"]) == ("trainer", failed.id, "gate_failed")
    assert errors(world, "?limit=1") == [later]


def test_a_database_that_is_away_holds_up_nobody_for_what_is_to_be_noted(world, picture):
    with world.database.engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE recent_errors")
    world.serving.fault = ServingUnavailable("away")
    assert world.client.post("/v1/recognize", **picture).status_code == 503
    assert [each.code for each in world.services.recorder.waiting()] == ["serving_unavailable"]
