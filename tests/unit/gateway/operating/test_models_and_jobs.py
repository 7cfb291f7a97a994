"""Models and rollback, jobs."""

import pytest
from gateway_world import World

from fakes import FakeBackbone, backbone_meta
from familiar.errors import ServingUnavailable
from familiar.knowing.head import Head
from familiar.records import trainings, versions
from familiar.records.training import Stage, TrainingKind
from familiar.records.versions import HeadStatus


def roll_back(world: World, version: int):
    return world.client.post(f"/v1/models/{version}/rollback")


def test_models_are_listed_with_what_is_known_of_them(world, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:6])
    listed = world.client.get("/v1/models").json
    assert listed["live"] == 2 and listed["serving"] is True
    newest, oldest = listed["heads"]
    assert (newest["version"], newest["status"], newest["serving"], newest["people"]) == (2, "live", "AVAILABLE", 1)
    assert newest["metrics"] == {"rank1": 1.0, "calibrated": True}
    assert newest["threshold"] == 0.75 and newest["live_at"]
    assert (oldest["version"], oldest["status"], oldest["people"]) == (1, "superseded", 0)
    (backbone,) = listed["backbones"]
    assert backbone["licence"] == "CC0-1.0" and len(backbone["weights_sha256"]) == 64


def test_a_head_is_shown_with_its_report_on_everybody_by_name(world, collins_frames, hopper_frames):
    hopper = world.enroll("Grace Hopper", hopper_frames[:6])["person"]
    collins = world.enroll("Eileen Collins", collins_frames[:6])["person"]
    shown = world.client.get("/v1/models/3").json
    listed = world.client.get("/v1/models").json["heads"][0]
    assert {name: value for name, value in shown.items() if name != "report"} == listed
    assert [told["person"] for told in shown["report"]] == [collins, hopper]
    assert [told["nearest"]["person"] for told in shown["report"]] == [hopper, collins]
    assert shown["report"][0] == world.client.get(f"/v1/people/{collins['id']}").json["report"]
    assert [told["person"] for told in world.client.get("/v1/models/2").json["report"]] == [hopper]
    assert world.client.get("/v1/models/1").json["report"] == []


def test_whoever_was_deleted_is_left_out_of_every_report(world, collins_frames, hopper_frames):
    hopper = world.enroll("Grace Hopper", hopper_frames[:6])["person"]
    gone = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    world.client.delete(f"/v1/people/{gone}")
    answer = world.client.get("/v1/models/3")
    (told,) = answer.json["report"]
    assert told["person"] == hopper and told["nearest"] is None
    assert gone not in answer.text


def test_a_head_is_shown_without_serving_too(world):
    world.serving.fault = ServingUnavailable("away")
    shown = world.client.get("/v1/models/1").json
    assert (shown["version"], shown["serving"], shown["report"]) == (1, None, [])


def test_models_are_listed_without_serving_too(world):
    world.serving.fault = ServingUnavailable("away")
    listed = world.client.get("/v1/models").json
    assert listed["serving"] is False and listed["heads"][0]["serving"] is None and listed["live"] == 1


def test_an_earlier_head_can_be_asked_back(world, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:6])
    answer = roll_back(world, 1)
    assert answer.status_code == 202
    job = answer.json["job"]
    assert (job["kind"], job["status"], job["source_version"]) == ("rollback", "queued", 1)
    assert answer.headers["Location"] == f"/v1/jobs/{job['id']}" and world.queue.trainings[-1] == job["id"]
    assert world.client.get(f"/v1/jobs/{job['id']}").json == job


def refused(world: World, version: int, code: str) -> None:
    answer = roll_back(world, version)
    assert answer.status_code == 409 and answer.json["error"]["code"] == code, answer.text
    with world.database.read() as session:
        assert all(each.kind != TrainingKind.ROLLBACK for each in trainings.recent(session))


def test_the_head_in_service_cannot_be_asked_back(world):
    refused(world, 1, "version_live")


@pytest.mark.parametrize(
    "status,code",
    [
        (HeadStatus.REJECTED, "version_rejected"),
        (HeadStatus.PUBLISHED, "version_not_tried"),
        (HeadStatus.ABANDONED, "version_not_tried"),
        (HeadStatus.FAILED, "version_failed"),
        (HeadStatus.ERASED, "version_erased"),
        (HeadStatus.PRUNED, "version_pruned"),
    ],
)
def test_a_head_that_never_served_or_was_erased_cannot_be_asked_back(world, status, code):
    world.publish(Head.empty(32))
    with world.database.write() as session:
        versions.head(session, 1).status = status
    refused(world, 1, code)


def test_a_head_that_holds_somebody_deleted_cannot_be_asked_back(world, collins_frames, hopper_frames):
    gone = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    world.enroll("Grace Hopper", hopper_frames[:6])
    world.client.delete(f"/v1/people/{gone}")
    refused(world, 2, "version_erased")


@pytest.mark.parametrize("all_of_them", [True, False])
def test_a_head_made_of_samples_that_were_deleted_cannot_be_asked_back(
    world, collins_frames, hopper_frames, all_of_them
):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    world.enroll("Grace Hopper", hopper_frames[:6])
    taken = [each["id"] for each in world.client.get(f"/v1/people/{person}/samples").json["samples"]]
    for sample in taken if all_of_them else taken[-1:]:
        assert world.client.delete(f"/v1/people/{person}/samples/{sample}").status_code == 202
    world.train()
    for made_of_them in (2, 3):
        refused(world, made_of_them, "version_erased")
    assert roll_back(world, 1).status_code == 202, "which knew nobody"


def test_a_head_of_a_backbone_no_longer_served_cannot_be_asked_back(world):
    world.serving.backbones[2] = FakeBackbone(backbone_meta("newer"))
    world.publish(Head.empty(32), backbone_version=2)
    assert roll_back(world, 1).status_code == 202  # still served
    del world.serving.backbones[1]
    answer = roll_back(world, 1)
    assert answer.status_code == 409 and answer.json["error"]["code"] == "backbone_retired"


def test_rolling_back_with_serving_away_is_a_503(world):
    world.publish(Head.empty(32))
    world.serving.fault = ServingUnavailable("away")
    assert roll_back(world, 1).status_code == 503


def test_jobs_are_listed_with_the_queue_the_newest_first(world, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:6])
    with world.database.write() as session:
        failed = trainings.ask(session)
        trainings.end(failed, Stage.FAILED, code="training_failed", message="no sample is left to learn from")
    listed = world.client.get("/v1/jobs").json
    assert [each["status"] for each in listed["jobs"]] == ["failed", "live"]
    assert listed["jobs"][0]["error"] == {"code": "training_failed", "message": "no sample is left to learn from"}
    assert listed["jobs"][1]["head_version"] == 2 and listed["jobs"][1]["progress"] == 1.0
    assert listed["queue"] == {"waiting": 1, "running": 0, "failed": 0}
    assert len(world.client.get("/v1/jobs?limit=1").json["jobs"]) == 1


def test_jobs_are_listed_without_redis_too(world):
    world.queue.away = True
    assert world.client.get("/v1/jobs").json == {"jobs": [], "queue": None}


def test_a_failed_enrolment_says_why(world, collins_frames):
    from gateway_world import files

    from familiar.records import enrollments
    from familiar.records.enrollment import EnrollmentStatus

    shown = world.client.post("/v1/enroll", data={"name": "Eileen", "frames": files(collins_frames[:6])}).json
    with world.database.write() as session:
        enrollments.settle(session, [shown["id"]], EnrollmentStatus.FAILED, code="confused", message="too like Ada")
    shown = world.client.get(f"/v1/enrollments/{shown['id']}").json
    assert shown["status"] == "failed" and shown["error"] == {
        "code": "confused",
        "message": "too like Ada",
        "person": None,
    }
