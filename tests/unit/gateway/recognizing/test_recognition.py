"""POST /v1/recognize: who is on a picture, in the words of one head version, and never a name out of a fault."""

import base64
import io

import numpy as np
import pytest
from gateway_world import World

import scenes
from fakes import FakeBackbone, backbone_meta
from familiar.errors import DatabaseUnavailable, ModelNotFound, ServingTimeout, ServingUnavailable
from familiar.knowing.head import Head
from familiar.seeing.image import Frame, encode_jpeg
from portraits import jpeg


def recognize(world: World, data: bytes) -> dict:
    answer = world.client.post("/v1/recognize", data=data, content_type="image/jpeg")
    assert answer.status_code == 200, answer.text
    return answer.json


def blank() -> bytes:
    return encode_jpeg(np.full((200, 200, 3), 127, np.uint8))


def test_with_nobody_enrolled_a_face_is_unknown_and_everything_about_it_is_said(world, collins_frames):
    answer = recognize(world, collins_frames[0])
    assert answer["head_version"] == 1 and answer["backbone_version"] == 1
    assert answer["threshold"] == 0.75
    assert set(answer["timings_ms"]) == {"decode", "detect", "embed", "identify", "decide", "total"}
    (face,) = answer["faces"]
    assert (face["status"], face["person"], face["score"], face["candidates"]) == ("unknown", None, None, [])
    assert face["box"]["x_min"] < face["landmarks"]["nose"]["x"] < face["box"]["x_max"]
    assert set(face["landmarks"]) == {"right_eye", "left_eye", "nose", "mouth_right", "mouth_left"}
    assert face["quality"]["eye_distance_px"] > 20 and face["reasons"] == []


def test_who_was_enrolled_is_named_and_others_are_not(world, collins_frames, hopper_frames):
    enrolled = world.enroll("Eileen Collins", collins_frames[:10])
    world.enroll("Grace Hopper", hopper_frames[:10])
    answer = recognize(world, collins_frames[1])
    (face,) = answer["faces"]
    assert face["status"] == "known" and face["person"] == enrolled["person"]
    assert [each["person"]["name"] for each in face["candidates"]] == ["Eileen Collins", "Grace Hopper"]
    assert face["score"] == face["candidates"][0]["score"] >= answer["threshold"]
    assert answer["head_version"] == max(world.serving.heads)


@pytest.mark.parametrize("way", ["body", "octets", "form", "json", "data: URL"])
def test_a_picture_may_come_as_body_form_or_json(world, way):
    data = jpeg("Eileen Collins")
    if way == "form":
        answer = world.client.post("/v1/recognize", data={"image": (io.BytesIO(data), "a.jpg")})
    elif way in ("json", "data: URL"):
        text = base64.b64encode(data).decode()
        image = text if way == "json" else f"data:image/jpeg;base64,{text}\n"
        answer = world.client.post("/v1/recognize", json={"image": image})
    else:
        kind = "image/jpeg" if way == "body" else "application/octet-stream"
        answer = world.client.post("/v1/recognize", data=data, content_type=kind)
    assert answer.status_code == 200 and len(answer.json["faces"]) == 1


def test_a_picture_without_faces_still_says_which_head_would_have_answered(world):
    answer = recognize(world, blank())
    assert (
        answer["faces"] == []
        and answer["faces_found"] == 0
        and answer["head_version"] == 1
        and answer["threshold"] == 0.75
    )


@pytest.mark.parametrize("shape", [(16, 60_000), (60_000, 16), (16, 16), (17, 9_000)], ids=str)
def test_a_strip_of_a_picture_has_no_face_and_breaks_nothing(world, shape):
    strip = encode_jpeg(np.random.default_rng(0).integers(0, 255, (*shape, 3), np.uint8))
    assert recognize(world, strip)["faces"] == []


def test_a_face_too_bad_to_judge_is_rejected_without_any_person(world, collins_frames, collins: Frame):
    world.enroll("Eileen Collins", collins_frames[:10])
    dark = encode_jpeg((collins[:300, 60:360] * 0.06).astype(np.uint8))
    asked = len(world.serving.asked)
    faces = recognize(world, dark)["faces"]
    assert [face["status"] for face in faces] == ["rejected"] * len(faces) and faces
    assert "too_dark" in faces[0]["reasons"]
    assert faces[0]["person"] is None and faces[0]["candidates"] == [] and faces[0]["score"] is None
    assert world.serving.asked[asked:] == []  # nobody was asked about it


def test_all_faces_of_a_picture_go_in_one_batch_of_eight_at_most(make_world, collins_frames, collins: Frame):
    world = make_world()
    tile = collins[:250, 100:350]
    many = encode_jpeg(np.vstack([np.hstack([tile] * 5)] * 2))
    answer = recognize(world, many)
    assert len(answer["faces"]) == 10
    assert world.serving.asked == [("backbone", 1, 8), ("backbone", 1, 2), ("head", 1, 8), ("head", 1, 2)]


def test_only_the_largest_faces_are_answered_for(make_world, collins: Frame):
    world = make_world(max_faces=3)
    tile = collins[:250, 100:350]
    answer = recognize(world, encode_jpeg(np.hstack([tile] * 5)))
    assert (len(answer["faces"]), answer["faces_found"]) == (3, 5)


def test_all_sixty_of_a_group_picture_are_answered_for(world, collins, hopper):
    group = scenes.mosaic([collins[:300, 60:360], hopper[:512]], 10, 6, 1600, 1000)
    answer = recognize(world, encode_jpeg(group))
    assert (len(answer["faces"]), answer["faces_found"]) == (60, 60)
    assert all(face["status"] == "unknown" for face in answer["faces"])


def test_labels_and_version_belong_to_the_head_that_answered_even_when_it_is_replaced_meanwhile(world, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:10])
    older = max(world.serving.heads)
    head, _ = world.serving.heads[older]
    stranger = Head(("f" * 32,), head.prototypes, head.thresholds)
    # The swap happens between the description that was asked before and the identification.
    world.serving.before_identify.append(lambda: world.publish(stranger))
    answer = recognize(world, collins_frames[1])
    assert answer["head_version"] == older + 1
    assert answer["faces"][0]["status"] == "unknown"  # known to that head by an id that is nobody's


def test_all_faces_of_one_picture_are_identified_by_the_same_head_version(world, collins: Frame):
    tile = collins[:250, 100:350]
    world.serving.before_identify += [lambda: None, lambda: world.publish(Head.empty(32))]
    answer = recognize(world, encode_jpeg(np.vstack([np.hstack([tile] * 5)] * 2)))
    assert answer["head_version"] == 1
    assert [asked for asked in world.serving.asked if asked[0] == "head"] == [("head", 1, 8), ("head", 1, 2)]


def test_somebody_deleted_is_neither_named_nor_shown_though_the_head_still_holds_them(world, collins_frames):
    person = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    assert world.client.delete(f"/v1/people/{person['id']}").status_code == 202
    (face,) = recognize(world, collins_frames[1])["faces"]
    assert face["status"] == "unknown" and face["person"] is None and face["candidates"] == []


@pytest.mark.parametrize("dim", [32, 48])
@pytest.mark.parametrize("input_px", [96, 112])
def test_a_new_backbone_is_used_from_the_first_answer_of_a_head_trained_for_it(world, collins_frames, dim, input_px):
    recognize(world, collins_frames[0])
    world.serving.backbones[2] = FakeBackbone(backbone_meta("newer", input_px, dim), seed=7)
    world.serving.asked.clear()
    assert recognize(world, collins_frames[0])["backbone_version"] == 1  # no head for it yet
    world.publish(Head.empty(dim), backbone_version=2)
    answer = recognize(world, collins_frames[0])
    assert (answer["backbone_version"], answer["head_version"]) == (2, 2)
    assert recognize(world, collins_frames[0])["backbone_version"] == 2
    assert ("backbone", 2, 1) in world.serving.asked


def test_a_backbone_that_is_gone_is_replaced_by_the_one_the_newest_head_names(world, collins_frames):
    recognize(world, collins_frames[0])
    world.serving.backbones[2] = FakeBackbone(backbone_meta("newer"), seed=7)
    del world.serving.backbones[1]
    world.publish(Head.empty(32), backbone_version=2)
    assert recognize(world, collins_frames[0])["backbone_version"] == 2


def test_a_head_whose_backbone_is_not_served_answers_nothing(world, collins_frames):
    world.publish(Head.empty(32), backbone_version=9)
    answer = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg")
    assert answer.status_code == 503 and answer.json["error"]["retryable"] is True


@pytest.mark.parametrize("fault", [ServingUnavailable("away"), ServingTimeout("late"), ModelNotFound("none")])
@pytest.mark.parametrize("model", ["backbone", "head"])
def test_serving_away_is_a_503_to_be_tried_again_and_recovery_needs_no_restart(world, collins_frames, fault, model):
    world.enroll("Eileen Collins", collins_frames[:8])
    world.serving.faults[model] = fault
    answer = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg")
    assert answer.status_code == 503 and answer.headers["Retry-After"] == "1"
    assert answer.json["error"]["code"] == fault.code and answer.json["error"]["retryable"] is True
    assert "Eileen" not in answer.text
    world.serving.faults.clear()
    assert recognize(world, collins_frames[0])["faces"][0]["status"] == "known"


def test_the_database_away_is_a_503_and_names_nobody(world, collins_frames, monkeypatch):
    world.enroll("Eileen Collins", collins_frames[:8])

    def away() -> None:
        raise DatabaseUnavailable("the database does not answer")

    monkeypatch.setattr(world.database, "read", away)
    answer = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg")
    assert answer.status_code == 503 and answer.json["error"]["code"] == "database_unavailable"


def test_redis_away_disturbs_no_recognition(world, collins_frames):
    world.queue.away = True
    assert recognize(world, collins_frames[0])["faces"]


@pytest.mark.parametrize(
    "spoiled",
    [
        {"embedding": np.full((1, 32), np.nan, np.float32)},
        {"embedding": np.zeros((1, 32), np.float32)},
        {"embedding": np.ones((1, 31), np.float32)},
        {"embedding": np.ones((1, 32), np.float64)},
        {"score": np.full((1, 5), np.nan, np.float32)},
        {"known": np.ones((2,), np.bool_)},
        {"index": np.full((1, 5), 7, np.int32), "known": np.ones((1,), np.bool_)},
        {"index": np.zeros((1, 4), np.int32)},
    ],
    ids=["nan", "zeros", "short", "double", "nan score", "known twice", "index beyond", "few candidates"],
)
def test_an_answer_that_breaks_the_contract_is_an_error_and_never_a_name(world, collins_frames, spoiled):
    world.enroll("Eileen Collins", collins_frames[:8])
    world.serving.spoil = spoiled
    answer = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg")
    assert answer.status_code == 503 and "Eileen" not in answer.text
