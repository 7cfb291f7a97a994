"""Adding one picture to somebody known, and choosing a face where a picture shows several."""

import base64

import cv2
import numpy as np
import pytest
from gateway_world import World, files
from webcam import frames


@pytest.fixture(scope="session")
def group(collins, hopper) -> bytes:
    """Eileen Collins, left, and Grace Hopper."""
    left = frames(collins[:300, 60:360], 1, seed=11)[0]
    right = frames(hopper[:512], 1, seed=12)[0]
    both = cv2.cvtColor(np.hstack([left, right]), cv2.COLOR_RGB2BGR)
    return cv2.imencode(".jpg", both)[1].tobytes()


def add(world: World, pictures: list[bytes], **fields: str):
    return world.client.post("/v1/enroll", data={**fields, "frames": files(pictures)})


def faces_of(world: World, picture: bytes) -> list[dict]:
    return world.client.post("/v1/recognize", data=picture, content_type="image/jpeg").json["faces"]


def refused(answer, status: int, code: str) -> dict:
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.text
    return answer.json["error"]["details"]


def test_one_picture_is_enough_for_somebody_who_has_enough_already(world, collins_frames):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]
    answer = add(world, collins_frames[10:11], person_id=person["id"])
    assert answer.status_code == 202 and answer.json["person"] == person
    world.train()
    assert world.client.get(f"/v1/people/{person['id']}").json["report"]["samples"] == 7
    assert world.client.get("/v1/corrections").json["corrections"][0]["kind"] == "add"


def test_one_picture_is_enough_if_it_turns_out_to_be_somebody_known(world, collins_frames):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]
    answer = add(world, collins_frames[10:11], name="Whoever", if_known="add")
    assert answer.status_code == 202 and answer.json["person"] == person


def test_one_picture_of_somebody_new_is_too_few_whatever_is_answered(world, collins_frames):
    for if_known in ("ask", "add", "new"):
        details = refused(add(world, collins_frames[:1], name="Eileen", if_known=if_known), 409, "too_few_samples")
        assert (details["accepted"], details["needed"]) == (1, 5)


def test_the_least_number_counts_what_the_person_has(world, collins_frames):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    listed = world.client.get(f"/v1/people/{person}/samples").json["samples"]
    for sample in listed[:4]:
        world.client.delete(f"/v1/people/{person}/samples/{sample['id']}")
    assert refused(add(world, collins_frames[10:12], person_id=person), 409, "too_few_samples")["needed"] == 3
    assert add(world, collins_frames[10:13], person_id=person).status_code == 202
    assert refused(add(world, [b"no picture"], person_id=person), 400, "invalid_image") == {}


def test_a_live_capture_of_one_frame_is_enough_too(world, collins_frames):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    opened = world.client.post("/v1/enrollments", json={"person_id": person}).json["id"]
    address = f"/v1/enrollments/{opened}"
    assert refused(world.client.post(f"{address}/finish"), 409, "too_few_samples")["needed"] == 1
    world.client.post(f"{address}/frames", data=collins_frames[10], content_type="image/jpeg")
    assert world.client.post(f"{address}/finish").status_code == 202


def test_what_does_not_show_the_person_is_a_question_as_ever(world, collins_frames, hopper_frames):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    world.enroll("Grace Hopper", hopper_frames[:6])
    refused(add(world, hopper_frames[10:11], person_id=person), 409, "already_known")
    answer = add(world, hopper_frames[10:11], person_id=person, if_known="new", if_not_alike="take")
    assert answer.status_code == 202 and answer.json["person"]["id"] == person


def test_a_group_picture_is_answered_with_its_faces_and_the_chosen_one_is_taken(
    world, collins_frames, hopper_frames, group
):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    world.enroll("Grace Hopper", hopper_frames[:6])
    told = refused(add(world, [group], person_id=person), 409, "several_faces")["faces"]
    seen = faces_of(world, group)
    assert [each["box"] for each in told] == [each["box"] for each in seen] and len(told) == 2
    hers = min(told, key=lambda each: each["box"]["x_min"])
    box = hers["box"]
    point = f"{(box['x_min'] + box['x_max']) / 2},{(box['y_min'] + box['y_max']) / 2}"
    for face in (str(hers["index"]), point):
        answer = add(world, [group], person_id=person, face=face, if_known="add")
        assert answer.status_code == 202 and answer.json["person"]["id"] == person, answer.text
    refused(add(world, [group], person_id=person, face=str(1 - hers["index"])), 409, "already_known")


def test_a_group_picture_among_others_has_a_verdict(world, collins_frames, group):
    answer = add(world, [*collins_frames[:6], group], name="Eileen")
    assert answer.status_code == 202 and answer.json["rejected"] == [{"index": 6, "reasons": ["several_faces"]}]


@pytest.mark.parametrize("way", ["body", "form", "json index", "json point"])
def test_a_face_is_chosen_in_a_live_capture(world, group, way):
    opened = world.client.post("/v1/enrollments", json={"name": "Somebody"}).json["id"]
    address = f"/v1/enrollments/{opened}/frames"
    said = world.client.post(address, data=group, content_type="image/jpeg").json
    assert said["frames"][0]["reasons"] == ["several_faces"]
    box = faces_of(world, group)[1]["box"]
    point = {"x": box["x_min"] + 5, "y": box["y_min"] + 5}
    text = base64.b64encode(group).decode()
    answer = {
        "body": lambda: world.client.post(f"{address}?face=1", data=group, content_type="image/jpeg"),
        "form": lambda: world.client.post(address, data={"frames": files([group]), "face": "1"}),
        "json index": lambda: world.client.post(address, json={"frames": [text], "face": 1}),
        "json point": lambda: world.client.post(address, json={"frames": [text], "face": point}),
    }[way]()
    assert answer.status_code == 200 and answer.json["accepted"] == 1, answer.text


def test_a_face_that_is_not_there_is_none(world, collins_frames, group):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    for face in ("7", "1,1"):
        told = refused(add(world, [group], person_id=person, face=face), 409, "too_few_samples")
        assert told["refused"] == {"no_face": 1}


@pytest.mark.parametrize("face", ["", "x", "-1", "1,2,3", "nan,1", "inf,1", "1;2", "9999999"])
def test_what_chooses_no_face_is_refused(world, collins_frames, face):
    refused(add(world, collins_frames[:1], name="Eileen", face=face), 400, "invalid_field")


@pytest.mark.parametrize("face", [True, -1, 1.5, {"x": 1}, {"x": 1, "y": "2"}, {"x": 1, "y": True}, [1, 2]])
def test_what_chooses_no_face_in_json_is_refused(world, group, face):
    opened = world.client.post("/v1/enrollments", json={"name": "Somebody"}).json["id"]
    body = {"frames": [base64.b64encode(group).decode()], "face": face}
    refused(world.client.post(f"/v1/enrollments/{opened}/frames", json=body), 400, "invalid_field")


def test_a_face_is_chosen_in_each_picture_of_a_request(world, collins, hopper):
    rights = zip(frames(collins[:300, 60:360], 6, seed=3), frames(hopper[:512], 6, seed=4), strict=True)
    groups = [cv2.imencode(".png", cv2.cvtColor(np.hstack(both), cv2.COLOR_RGB2BGR))[1].tobytes() for both in rights]
    refused(add(world, groups, name="Eileen"), 409, "too_few_samples")
    answer = add(world, groups, name="Eileen", face="160,160")
    assert answer.status_code == 202 and answer.json["accepted"] == 6, answer.text


def test_no_face_is_chosen_in_a_video(world):
    video = b"\0\0\0\x18ftypmp42" + b"\0" * 100
    refused(add(world, [video], name="Eileen", face="0"), 400, "invalid_field")
