"""Trying a failed training again: what failed with it waits once more, what was refused for its pictures does not."""

import pytest
from doorkeeping import bearer, give_key
from gateway_world import files

from fakes import FakeBackbone, backbone_meta
from familiar.errors import ServingUnavailable
from familiar.knowing.head import Head
from familiar.records import enrollments, trainings, versions
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus

WHY = {"code": "load_failed", "message": "TensorFlow Serving did not load the head"}


def enroll(world, name, pictures):
    """Enrol somebody, and leave the training where it is."""
    answer = world.client.post("/v1/enroll", data={"name": name, "frames": files(pictures)})
    assert answer.status_code == 202, answer.text
    return answer.json


def fail(world, job_id, **refused):
    """Let a training fail as the trainer does; some enrolments were refused for reasons of their own before."""
    with world.database.write() as session:
        for enrollment_id, code in refused.items():
            enrollments.settle(
                session, [enrollment_id], EnrollmentStatus.FAILED, code=code, message="its pictures", alike=None
            )
        joined = [each.id for each in enrollments.queued(session) if each.training_id == job_id]
        enrollments.settle(session, joined, EnrollmentStatus.FAILED, **WHY)
        trainings.end(trainings.get(session, job_id), Stage.FAILED, **WHY)
    world.queue.trainings.clear()


def retry(world, job_id):
    return world.client.post(f"/v1/jobs/{job_id}/retry")


def refused(answer, code="nothing_to_retry"):
    assert answer.status_code == 409 and answer.json["error"]["code"] == code, answer.text


def job(world, job_id):
    return world.client.get(f"/v1/jobs/{job_id}").json


def status(world, enrollment_id):
    return world.client.get(f"/v1/enrollments/{enrollment_id}").json["status"]


def test_what_failed_with_a_training_is_learned_by_the_next_one(world, collins_frames):
    shown = enroll(world, "Eileen Collins", collins_frames[:6])
    assert job(world, shown["job"])["can_retry"] is False
    fail(world, shown["job"])
    assert job(world, shown["job"])["can_retry"] is True
    assert status(world, shown["id"]) == "failed"
    answer = retry(world, shown["job"])
    assert answer.status_code == 202
    asked = answer.json["job"]
    assert asked["status"] == "queued" and asked["id"] != shown["job"] and world.queue.trainings == [asked["id"]]
    assert answer.headers["Location"] == f"/v1/jobs/{asked['id']}"
    again = world.client.get(f"/v1/enrollments/{shown['id']}").json
    assert (again["status"], again["job"], again["error"]) == ("queued", asked["id"], None)
    assert job(world, shown["job"])["can_retry"] is False
    refused(retry(world, shown["job"]))
    world.train()
    assert status(world, shown["id"]) == "live"
    assert world.client.post("/v1/recognize", data=collins_frames[7], content_type="image/jpeg").json["faces"][0][
        "person"
    ] == {"id": shown["person"]["id"], "name": "Eileen Collins"}


def test_the_list_says_of_each_job_what_the_job_itself_says(world, collins_frames, hopper_frames):
    world.enroll("Grace Hopper", hopper_frames[:6])
    fail(world, enroll(world, "Eileen Collins", collins_frames[:6])["job"])
    listed = world.client.get("/v1/jobs").json["jobs"]
    assert [each["can_retry"] for each in listed] == [True, False]
    assert listed == [job(world, each["id"]) for each in listed]


def test_who_was_refused_for_their_pictures_stays_so(world, collins_frames, hopper_frames):
    hopper = enroll(world, "Grace Hopper", hopper_frames[:6])
    collins = enroll(world, "Eileen Collins", collins_frames[:6])
    assert hopper["job"] == collins["job"]
    fail(world, hopper["job"], **{hopper["id"]: "head_worse"})
    assert retry(world, hopper["job"]).status_code == 202
    assert [status(world, each["id"]) for each in (hopper, collins)] == ["failed", "queued"]


def test_whoever_was_deleted_meanwhile_is_not_brought_back(world, collins_frames, hopper_frames):
    hopper = enroll(world, "Grace Hopper", hopper_frames[:6])
    collins = enroll(world, "Eileen Collins", collins_frames[:6])
    fail(world, hopper["job"])
    assert world.client.delete(f"/v1/people/{hopper['person']['id']}").status_code == 202
    assert retry(world, hopper["job"]).status_code == 202
    assert world.client.get(f"/v1/enrollments/{hopper['id']}").status_code == 404
    assert status(world, collins["id"]) == "queued"


def test_where_all_pictures_were_deleted_nothing_is_left_to_try(world, collins_frames):
    shown = enroll(world, "Eileen Collins", collins_frames[:6])
    fail(world, shown["job"])
    person = shown["person"]["id"]
    for sample in world.client.get(f"/v1/people/{person}/samples").json["samples"]:
        assert world.client.delete(f"/v1/people/{person}/samples/{sample['id']}").status_code == 202
    refused(retry(world, shown["job"]))  # and their deletion has asked for a training of its own


def test_a_training_that_nobody_waits_for_is_tried_again_until_a_later_one_has_done_the_same(world):
    with world.database.write() as session:
        first = trainings.ask(session).id
    fail(world, first)
    with world.database.write() as session:
        second = trainings.ask(session).id
    assert not job(world, first)["can_retry"], "the second is about to do it"
    fail(world, second)
    assert job(world, first)["can_retry"] and job(world, second)["can_retry"]
    assert retry(world, first).status_code == 202
    refused(retry(world, second))
    refused(retry(world, first))


@pytest.mark.parametrize("asked,since,again", [(2, None, True), (2, 2, False), (None, 2, False), (2, 3, False)])
def test_another_backbone_is_asked_for_again_unless_a_later_training_had_it(world, asked, since, again):
    with world.database.write() as session:
        failed = trainings.ask(session, backbone_version=asked).id
    fail(world, failed)
    with world.database.write() as session:
        trainings.end(trainings.ask(session, backbone_version=since), Stage.LIVE)
    answer = retry(world, failed)
    assert answer.status_code == (202 if again else 409)
    if again:
        assert answer.json["job"]["backbone_version"] == asked


@pytest.mark.parametrize("stage", [Stage.QUEUED, Stage.TRAINING, Stage.LOADING, Stage.LIVE, Stage.REJECTED])
def test_what_has_not_failed_is_not_tried_again(world, stage):
    with world.database.write() as session:
        training = trainings.ask(session)
        training.stage = stage
    refused(retry(world, training.id))
    with world.database.read() as session:
        assert len(trainings.recent(session)) == 1


def failed_rollback(world):
    """Let the rollback to head 1, of two, fail."""
    world.publish(Head.empty(32))
    asked = world.client.post("/v1/models/1/rollback").json["job"]["id"]
    fail(world, asked)
    return asked


def test_a_rollback_is_tried_again_as_a_rollback(world):
    failed = failed_rollback(world)
    asked = retry(world, failed).json["job"]
    assert (asked["kind"], asked["source_version"], asked["status"]) == ("rollback", 1, "queued")
    refused(retry(world, failed))


@pytest.mark.parametrize("gone", [HeadStatus.PRUNED, HeadStatus.ERASED])
def test_a_rollback_to_a_head_that_is_gone_is_not_tried_again(world, gone):
    failed = failed_rollback(world)
    with world.database.write() as session:
        versions.head(session, 1).status = gone
    refused(retry(world, failed))


def test_a_rollback_is_tried_again_by_the_rules_for_any(world):
    failed = failed_rollback(world)
    world.serving.backbones = {2: FakeBackbone(backbone_meta("newer"))}
    refused(retry(world, failed), "backbone_retired")
    world.serving.fault = ServingUnavailable("away")
    assert retry(world, failed).status_code == 503


def test_without_redis_it_waits_in_the_database(world, collins_frames):
    shown = enroll(world, "Eileen Collins", collins_frames[:6])
    fail(world, shown["job"])
    world.queue.away = True
    assert retry(world, shown["job"]).status_code == 202


def test_it_is_told_who_tried_again_what_and_not_who_was_refused(make_world):
    world = make_world(access="keys")
    _, secret = give_key(world, name="operator")
    world.client.environ_base["HTTP_AUTHORIZATION"] = bearer(secret)["Authorization"]
    with world.database.write() as session:
        failed = trainings.ask(session).id
    fail(world, failed)
    assert retry(world, failed).status_code == 202
    refused(retry(world, failed))
    (line,) = world.client.get("/v1/audit").json["entries"]
    assert (line["action"], line["target"], line["who"]["name"], line["name"]) == (
        "training_retried", failed, "operator", None,
    )  # fmt: skip


def test_there_is_no_trying_again_of_what_is_not_there(world):
    assert retry(world, "0" * 32).json["error"]["code"] == "job_not_found"
    assert retry(world, "nothing").json["error"]["code"] == "invalid_id"
