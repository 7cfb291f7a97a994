"""The live capture: open, frames with verdicts and advice, finish."""

import base64

import numpy as np
import pytest
from gateway_world import World, files
from sqlalchemy import func, select

from fakes import FakeBackbone, backbone_meta
from familiar.errors import ServingUnavailable
from familiar.records import enrollments, samples, trainings
from familiar.records.schema import Embedding, Enrollment, FrameVerdict, Person, Sample
from familiar.records.training import Stage
from familiar.seeing.image import Frame, decode, encode_jpeg


def start(world: World, name: str = "Eileen Collins", **headers: str) -> str:
    answer = world.client.post("/v1/enrollments", json={"name": name}, headers=headers)
    assert answer.status_code == 201, answer.text
    assert answer.headers["Location"] == f"/v1/enrollments/{answer.json['id']}"
    return answer.json["id"]


def add(world: World, enrollment: str, pictures: list[bytes]) -> dict:
    answer = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(pictures)})
    assert answer.status_code == 200, answer.text
    return answer.json


def finish(world: World, enrollment: str, **body: str):
    return world.client.post(f"/v1/enrollments/{enrollment}/finish", json=body)


def rows(world: World, table: type) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_an_enrolment_goes_from_open_over_capturing_and_queued_to_live(world, collins_frames):
    enrollment = start(world)
    shown = world.client.get(f"/v1/enrollments/{enrollment}").json
    assert shown["status"] == "open" and shown["progress"] == 0 and shown["advice"] == "look_straight"
    shown = add(world, enrollment, collins_frames[:10])
    assert shown["status"] == "capturing" and shown["accepted"] == 10 and shown["progress"] == 0.25
    answer = finish(world, enrollment)
    assert answer.status_code == 202 and answer.json["status"] == "queued" and answer.json["progress"] == 0.5
    assert world.queue.trainings == [answer.json["job"]]
    with world.database.write() as session:
        trainings.get(session, answer.json["job"]).stage = Stage.LOADING
    assert world.client.get(f"/v1/enrollments/{enrollment}").json["status"] == "loading"
    version = world.train()
    shown = world.client.get(f"/v1/enrollments/{enrollment}").json
    assert (shown["status"], shown["progress"], shown["head_version"]) == ("live", 1.0, version)
    assert shown["advice"] is None and shown["error"] is None


def test_what_is_kept_of_a_frame_is_the_crop_the_embedding_and_what_was_measured(world, collins_frames):
    enrollment = start(world)
    add(world, enrollment, collins_frames[:2])
    with world.database.read() as session:
        kept = session.scalars(select(Sample).order_by(Sample.position)).all()
        vectors = samples.vectors(session, enrollment, 1)
        assert decode(kept[0].crop).shape == (224, 224, 3)
        assert kept[0].detector == "yunet" or kept[0].detector
        assert set(kept[0].quality) >= {"yaw_deg", "pitch_deg", "sharpness"}
    assert vectors.shape == (2, 32) and np.allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-5)


def test_each_frame_gets_its_verdict_in_order(world, collins_frames, collins: Frame):
    blank = encode_jpeg(np.full((200, 200, 3), 127, np.uint8))
    two = encode_jpeg(np.hstack([collins[:250, 100:350]] * 2))
    dark = encode_jpeg((collins[:300, 60:360] * 0.06).astype(np.uint8))
    shown = add(world, start(world), [collins_frames[0], blank, two, b"no picture", dark])
    assert [each["reasons"] for each in shown["frames"]][:4] == [[], ["no_face"], ["several_faces"], ["invalid_image"]]
    assert "too_dark" in shown["frames"][4]["reasons"]
    assert [each["index"] for each in shown["frames"]] == [0, 1, 2, 3, 4]
    assert shown["accepted"] == 1 and shown["received"] == 5
    assert shown["rejected"] == [each | {} for each in shown["rejected"]] and len(shown["rejected"]) == 4
    assert shown["refused"]["no_face"] == 1
    assert shown["advice"] == "more_light" and "dark" in shown["hint"]


def test_the_same_bytes_again_get_the_same_verdict_and_store_nothing(world, collins_frames):
    enrollment = start(world)
    first = add(world, enrollment, collins_frames[:3])
    again = add(world, enrollment, [collins_frames[1], collins_frames[2]])
    assert again["frames"] == first["frames"][1:]
    assert rows(world, Sample) == rows(world, FrameVerdict) == rows(world, Embedding) == 3


def test_a_near_copy_counts_as_usable_but_is_not_stored(world, collins_frames):
    enrollment = start(world)
    data = collins_frames[0]
    copy = data + b"\0"  # the same picture in other bytes
    shown = add(world, enrollment, [data, copy])
    assert shown["frames"][1]["reasons"] == ["near_copy"]
    assert (shown["usable"], shown["accepted"], rows(world, Sample)) == (2, 1, 1)


@pytest.mark.parametrize("way", ["body", "json"])
def test_frames_may_come_one_by_one_or_in_json(world, collins_frames, way):
    path = f"/v1/enrollments/{start(world)}/frames"
    if way == "body":
        answer = world.client.post(path, data=collins_frames[0], content_type="image/jpeg")
    else:
        texts = [base64.b64encode(collins_frames[0]).decode()]
        texts += ["data:image/jpeg;base64," + base64.urlsafe_b64encode(collins_frames[1]).decode()]
        answer = world.client.post(path, json={"frames": texts})
    assert answer.status_code == 200 and all(each["accepted"] for each in answer.json["frames"])


def test_not_one_picture_among_the_frames_is_an_error_and_leaves_no_trace(world):
    enrollment = start(world)
    answer = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files([b"x", b"y"])})
    assert answer.status_code == 400 and answer.json["error"]["code"] == "invalid_image"
    assert rows(world, FrameVerdict) == 0


def test_too_few_samples_cannot_be_learned_and_the_answer_says_why(world, collins_frames):
    enrollment = start(world)
    blank = encode_jpeg(np.full((200, 200, 3), 127, np.uint8))
    add(world, enrollment, [collins_frames[0], blank])
    answer = finish(world, enrollment)
    assert answer.status_code == 409
    error = answer.json["error"]
    assert error["code"] == "too_few_samples" and error["details"]["refused"] == {"no_face": 1}
    assert error["details"]["accepted"] == 1 and error["details"]["needed"] == 5
    add(world, enrollment, collins_frames[1:6])  # the capture is still open
    assert finish(world, enrollment).status_code == 202


def test_finishing_again_changes_nothing(world, collins_frames):
    enrollment = start(world)
    add(world, enrollment, collins_frames[:6])
    first, second = finish(world, enrollment), finish(world, enrollment)
    assert second.status_code == 202 and second.json == first.json
    assert len(world.queue.trainings) == 1
    world.train()
    assert finish(world, enrollment).json["status"] == "live"


def test_redis_away_loses_no_enrolment(world, collins_frames):
    enrollment = start(world)
    add(world, enrollment, collins_frames[:6])
    world.queue.away = True
    answer = finish(world, enrollment)
    assert answer.status_code == 202 and answer.json["status"] == "queued"
    with world.database.read() as session:
        assert [each.id for each in trainings.open_ones(session)] == [answer.json["job"]]


def test_serving_away_during_a_capture_is_a_503_and_the_frames_may_be_sent_again(world, collins_frames):
    enrollment = start(world)
    add(world, enrollment, collins_frames[:2])
    world.serving.fault = ServingUnavailable("away")
    answer = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(collins_frames[:6])})
    assert answer.status_code == 503 and answer.json["error"]["retryable"]
    world.serving.fault = None
    assert add(world, enrollment, collins_frames[:6])["accepted"] == 6


def test_a_face_already_known_is_said_to_be_and_can_be_added_to_the_same_person(world, collins_frames):
    known = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    enrollment = start(world, "Somebody Else")
    add(world, enrollment, collins_frames[10:17])
    answer = finish(world, enrollment)
    assert answer.status_code == 409 and answer.json["error"]["code"] == "already_known"
    assert answer.json["error"]["details"]["person"] == known and answer.json["error"]["details"]["share"] > 0.5
    answer = finish(world, enrollment, if_known="add")
    assert answer.status_code == 202 and answer.json["person"] == known
    with world.database.read() as session:
        assert [person.name for person in session.scalars(select(Person))] == ["Eileen Collins"]
    assert world.client.get(f"/v1/people/{known['id']}").json["samples"] > 10


def test_a_face_already_known_can_be_enrolled_as_another_person(world, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:10])
    enrollment = start(world, "Her Twin")
    add(world, enrollment, collins_frames[10:17])
    answer = finish(world, enrollment, if_known="new")
    assert answer.status_code == 202 and answer.json["person"]["name"] == "Her Twin"


def test_more_samples_of_somebody_enrolled_need_no_question(world, collins_frames):
    known = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    enrollment = world.client.post("/v1/enrollments", json={"person_id": known["id"]}).json["id"]
    add(world, enrollment, collins_frames[10:17])
    assert finish(world, enrollment).status_code == 202


def test_a_capture_begun_under_an_older_backbone_is_still_compared_with_who_is_known(world, collins_frames):
    enrollment = start(world, "Somebody Else")
    add(world, enrollment, collins_frames[:7])
    world.serving.backbones[2] = FakeBackbone(backbone_meta("newer", 112, 48), seed=7)
    with world.database.read() as session:
        crops = samples.crops(session, enrollment)
    vectors = world.serving.backbones[2].embed(np.stack([decode(crop) for crop in crops.values()]))
    from familiar.knowing.embedding import class_mean
    from familiar.knowing.head import Head
    from familiar.records import people

    with world.database.write() as session:
        person = people.add(session, "Eileen Collins").id
    world.publish(Head((person,), class_mean(vectors)[None], np.full(1, 0.7, np.float32)), backbone_version=2)
    answer = finish(world, enrollment)
    assert answer.status_code == 409 and answer.json["error"]["details"]["person"]["id"] == person


def test_a_name_that_is_taken_is_refused_unless_it_is_meant(world, collins_frames):
    known = world.enroll("Eileen Collins", collins_frames[:8])["person"]
    answer = world.client.post("/v1/enrollments", json={"name": "Eileen  Collins "})
    assert answer.status_code == 409 and answer.json["error"]["code"] == "name_taken"
    assert answer.json["error"]["details"]["people"] == [known]
    answer = world.client.post("/v1/enrollments", json={"name": "Eileen Collins", "allow_same_name": True})
    assert answer.status_code == 201 and answer.json["person"]["id"] != known["id"]
    answer = world.client.post("/v1/enrollments", json={"name": "Grace Hopper", "person_id": known["id"]})
    assert answer.status_code == 409 and answer.json["error"]["code"] == "name_mismatch"


def test_a_capture_that_was_left_does_not_take_the_name(world):
    start(world)
    start(world)


def test_an_idempotency_key_opens_one_enrolment_only(world):
    headers = {"Idempotency-Key": "door camera, 2026-01-01"}
    first = start(world, **headers)
    again = world.client.post("/v1/enrollments", json={"name": "Eileen Collins"}, headers=headers)
    assert again.status_code == 200 and again.json["id"] == first
    other = world.client.post("/v1/enrollments", json={"name": "Grace Hopper"}, headers=headers)
    assert other.status_code == 409 and other.json["error"]["code"] == "idempotency_key_reused"
    assert rows(world, Enrollment) == rows(world, Person) == 1


def test_a_capture_can_be_given_up_and_nothing_of_it_stays(world, collins_frames):
    enrollment = start(world)
    add(world, enrollment, collins_frames[:2])
    assert world.client.delete(f"/v1/enrollments/{enrollment}").status_code == 204
    assert world.client.get(f"/v1/enrollments/{enrollment}").status_code == 404
    assert [rows(world, table) for table in (Enrollment, Person, Sample, Embedding, FrameVerdict)] == [0] * 5


def test_a_closed_capture_takes_no_frames_and_cannot_be_given_up(world, collins_frames):
    enrollment = start(world)
    add(world, enrollment, collins_frames[:6])
    finish(world, enrollment)
    more = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(collins_frames[:1])})
    assert more.status_code == 409 and more.json["error"]["code"] == "enrollment_closed"
    gone = world.client.delete(f"/v1/enrollments/{enrollment}")
    assert gone.status_code == 409 and gone.json["error"]["code"] == "enrollment_closed"


def test_an_enrolment_takes_only_so_many_frames(make_world, collins_frames):
    world = make_world(enroll_max_frames=3)
    enrollment = start(world)
    add(world, enrollment, collins_frames[:3])
    answer = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(collins_frames[3:4])})
    assert answer.status_code == 409 and answer.json["error"]["code"] == "capture_full"
    assert add(world, enrollment, collins_frames[:1])["frames"][0]["accepted"]  # said before, so said again


def test_only_so_many_captures_are_open_at_once(make_world, collins_frames):
    world = make_world(enroll_most_open=3)
    first, *_ = [start(world, f"Person {number}") for number in range(3)]
    refused = world.client.post("/v1/enrollments", json={"name": "One too many"})
    assert refused.status_code == 503 and refused.json["error"]["code"] == "busy"
    assert refused.json["error"]["retryable"] and refused.headers["Retry-After"]
    upload = world.client.post("/v1/enroll", data={"name": "One too many", "frames": files(collins_frames[:6])})
    assert upload.status_code == 503 and rows(world, Person) == 3
    world.client.delete(f"/v1/enrollments/{first}")
    start(world, "Now there is room")


def test_where_no_more_may_be_open_the_one_left_longest_makes_room(make_world, collins_frames):
    world = make_world(enroll_most_open=3)
    left, longest, young = [start(world, f"Person {number}") for number in range(3)]
    add(world, longest, collins_frames[:2])
    with world.database.write() as session:
        for enrollment, minutes in ((left, 11), (longest, 30), (young, 9)):
            enrollments.get(session, enrollment).updated_at -= 60 * minutes
    for _ in range(2):
        start(world, "Somebody who comes now")
    gone = [world.client.get(f"/v1/enrollments/{each}").status_code == 404 for each in (left, longest, young)]
    assert gone == [True, True, False]
    assert rows(world, Sample) == 0
    assert world.client.post("/v1/enrollments", json={"name": "One too many"}).status_code == 503


def test_a_key_finds_its_capture_also_where_no_other_could_be_opened(make_world):
    world = make_world(enroll_most_open=1)
    headers = {"Idempotency-Key": "1"}
    first = start(world, **headers)
    again = world.client.post("/v1/enrollments", json={"name": "Eileen Collins"}, headers=headers)
    assert again.status_code == 200 and again.json["id"] == first


def test_a_capture_whose_samples_were_deleted_has_too_few(world, collins_frames):
    enrollment = start(world)
    said = add(world, enrollment, collins_frames[:6])
    assert said["accepted"] == 6
    person = said["person"]["id"]
    for sample in world.client.get(f"/v1/people/{person}/samples").json["samples"][:3]:
        assert world.client.delete(f"/v1/people/{person}/samples/{sample['id']}").status_code == 202
    assert world.client.get(f"/v1/enrollments/{enrollment}").json["accepted"] == 3
    answer = world.client.post(f"/v1/enrollments/{enrollment}/finish")
    assert answer.status_code == 409 and answer.json["error"]["code"] == "too_few_samples"
    assert answer.json["error"]["details"]["accepted"] == 3
    assert add(world, enrollment, collins_frames[6:12])["accepted"] >= 5
    assert finish(world, enrollment).status_code == 202


def test_a_backbone_replaced_between_judging_and_storing_stores_nothing(world, collins_frames):
    from familiar.knowing.head import Head

    enrollment = start(world)
    serving = world.serving
    serving.backbones[2] = FakeBackbone(backbone_meta("newer"), seed=7)
    embed = serving.backbones[1].embed

    class Replaced(FakeBackbone):
        def embed(self, chips):
            world.publish(Head.empty(32), backbone_version=2)
            return embed(chips)

    serving.backbones[1] = Replaced(backbone_meta())
    answer = world.client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(collins_frames[:1])})
    assert answer.status_code == 503 and answer.json["error"]["code"] == "models_changing"
    assert rows(world, Sample) == 0
    assert add(world, enrollment, collins_frames[:1])["frames"][0]["accepted"]
