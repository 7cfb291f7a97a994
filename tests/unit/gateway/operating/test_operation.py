"""Health, readiness, metrics, request ids, error bodies and limits."""

import os
import sqlite3
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from gateway_world import World, settings_for

from fakes import FakeQueue, FakeServing
from familiar import errors as domain
from familiar.errors import FamiliarError, ServingUnavailable
from familiar.records import engine, inspection, trainings
from familiar.records.engine import Database
from familiar.records.training import Stage, TrainingKind
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


def database_part(world: World) -> dict:
    answer = world.client.get("/readyz")
    part = next(each for each in answer.json["parts"] if each["name"] == "database")
    assert part["ok"] is (answer.status_code == 200)
    return part


def test_readiness_says_which_file_is_damaged_and_what_to_do_and_no_client_sees_a_traceback(
    world, collins_frames, tmp_path, monkeypatch
):
    monkeypatch.setattr(inspection, "_LEAST_PAUSE_S", 0.0)
    world.enroll("Eileen Collins", collins_frames[:6])
    assert world.database.scrub() and database_part(world)["ok"]
    with world.database.file.open("r+b") as file:
        for page in range(1, world.database.file.stat().st_size // 4096):
            file.seek(page * 4096)
            file.write(os.urandom(4096))
    deadline = time.monotonic() + 30
    while (part := database_part(world))["ok"]:
        assert time.monotonic() < deadline
    assert "damaged" in part["message"] and "restore a backup" in part["message"]
    assert str(world.database.file) in part["message"]
    world.database.close()  # what was read before would still be answered with
    for path in ("/v1/people", "/v1/jobs", "/v1/models", f"/v1/people/{'0' * 32}"):
        answer = world.client.get(path)
        assert answer.status_code == 503 and answer.json["error"]["code"] == "database_damaged", answer.text
        assert str(world.database.file) not in answer.text


def test_readiness_says_that_the_disk_is_full_and_recognition_goes_on(world, collins_frames, monkeypatch):
    world.enroll("Eileen Collins", collins_frames[:6])
    with monkeypatch.context() as patch:
        patch.setattr(engine, "_LEAST_ROOM_BYTES", 2**62)
        part = database_part(world)
        assert not part["ok"] and "no room" in part["message"] and str(world.database.file) in part["message"]
        said = world.client.post("/v1/recognize", data=collins_frames[9], content_type="image/jpeg")
        assert said.status_code == 200 and said.json["faces"][0]["status"] == "known"
    assert database_part(world)["ok"], "it goes on by itself"


def test_while_another_process_holds_the_database_openings_are_told_so_and_the_others_go_on(
    make_world, collins_frames, monkeypatch
):
    monkeypatch.setattr(engine, "_PATIENCE_S", 0.3)
    world = make_world(threads=64)
    world.enroll("Eileen Collins", collins_frames[:6])
    other = sqlite3.connect(world.database.file, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")

    def ask(number: int) -> tuple[int, str | None]:
        client = world.client.application.test_client()
        if number % 5 == 0:
            return client.get("/v1/people").status_code, None
        answer = client.post("/v1/enrollments", json={"name": f"Person {number}"})
        return answer.status_code, answer.json["error"]["code"]

    with ThreadPoolExecutor(50) as threads:
        answers = Counter(threads.map(ask, range(50)))
    assert answers == {(503, "busy"): 40, (200, None): 10}
    other.execute("ROLLBACK")
    other.close()
    assert world.client.post("/v1/enrollments", json={"name": "Ada"}).status_code == 201


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
    assert 'familiar_recognitions_total{result="unknown"} 1.0' in text
    assert 'familiar_recognitions_total{result="known"} 0.0' in text
    assert 'familiar_recognition_stage_seconds_count{stage="detect"} 1.0' in text
    assert 'familiar_queue_trainings{state="waiting"} 0.0' in text
    assert "familiar_head_version 1.0" in text and 'familiar_part_up{part="queue"} 1.0' in text
    assert "familiar_erasures_open 0.0" in text and "familiar_queue_oldest_seconds 0.0" in text


def test_metrics_tell_what_pictures_came_to_and_why_faces_were_rejected(world):
    for statuses, reasons in (
        ([], []), (["unknown", "known"], []), (["unknown", "rejected"], ["blurred"]), (["rejected"], ["too_dark"])
    ):  # fmt: skip
        world.services.metrics.count_recognition(statuses, reasons, {})
    text = world.client.get("/metrics").text
    for result in ("known", "unknown", "rejected", "no_face"):
        assert f'familiar_recognitions_total{{result="{result}"}} 1.0' in text
    for reason, count in (("blurred", 1), ("too_dark", 1), ("cut_off", 0)):
        assert f'familiar_rejected_faces_total{{reason="{reason}"}} {count}.0' in text


def test_a_rejected_face_is_counted_by_its_reason(world, collins_frames):
    frame = cv2.imdecode(np.frombuffer(collins_frames[0], np.uint8), cv2.IMREAD_COLOR)
    blurred = cv2.imencode(".png", cv2.GaussianBlur(frame, (0, 0), 6))[1].tobytes()
    (face,) = world.client.post("/v1/recognize", data=blurred, content_type="image/png").json["faces"]
    assert face["status"] == "rejected"
    counted = f'familiar_rejected_faces_total{{reason="{face["reasons"][0]}"}} 1.0'
    assert counted in world.client.get("/metrics").text


def test_the_oldest_training_that_has_not_ended_tells_how_old_the_queue_is(world, monkeypatch):
    def age() -> float:
        text = world.client.get("/metrics").text
        return float(text.split("\nfamiliar_queue_oldest_seconds ")[1].split()[0])

    with world.database.write() as session:
        first, second = trainings.ask(session), trainings._add(session, TrainingKind.LEARN)
        first.created_at, second.created_at = time.time() - 5_000, time.time() - 700
        ids = first.id, second.id
    for left, training_id in ((5_000, ids[0]), (700, ids[1])):
        assert left <= age() < left + 60
        with world.database.write() as session:
            trainings.end(trainings.get(session, training_id), Stage.FAILED)
    assert age() == 0
    with world.database.write() as session:
        trainings._add(session, TrainingKind.LEARN).created_at = time.time() + 9_000  # by a clock that was set
    assert age() == 0


def test_metrics_are_given_with_queue_and_database_away(world, monkeypatch):
    world.queue.away = True
    monkeypatch.setattr(world.database, "read", lambda: (_ for _ in ()).throw(domain.DatabaseUnavailable("away")))
    text = world.client.get("/metrics").text
    assert 'familiar_part_up{part="queue"} 0.0' in text and 'familiar_part_up{part="database"} 0.0' in text


def subclasses(kind: type[FamiliarError]) -> set[type[FamiliarError]]:
    return {kind}.union(*(subclasses(each) for each in kind.__subclasses__()))
