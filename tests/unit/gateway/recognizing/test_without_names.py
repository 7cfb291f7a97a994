"""POST /v1/detect and /v1/verify: faces of which nobody is asked, and two of them compared."""

import base64
import io
from collections.abc import Iterator

import cv2
import numpy as np
import pytest
from gateway_world import World

from familiar import learning
from familiar.errors import ServingUnavailable
from familiar.learning import Cohort, Mixture
from familiar.seeing.image import Frame, encode_jpeg
from portraits import jpeg

DIM = 32


@pytest.fixture
def strangers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cohort]:
    """Strangers who point anywhere, for the fake backbone."""
    cohort = Cohort(DIM, Mixture(np.ones(1), np.zeros((1, DIM)), np.eye(DIM)[None]))
    monkeypatch.setattr(learning.cohort, "load", lambda *_: cohort)
    yield cohort


def blank() -> bytes:
    return encode_jpeg(np.full((200, 200, 3), 127, np.uint8))


def verify(world: World, first: bytes, second: bytes):
    files = {"first": (io.BytesIO(first), "a.jpg"), "second": (io.BytesIO(second), "b.jpg")}
    return world.client.post("/v1/verify", data=files)


def test_two_pictures_of_one_person_are_the_same_and_of_two_are_not(world, strangers, collins_frames, hopper_frames):
    same = verify(world, collins_frames[0], collins_frames[1]).json
    assert same["same"] is True and same["score"] >= same["threshold"] > 0
    other = verify(world, collins_frames[0], hopper_frames[0]).json
    assert other["same"] is False and other["score"] < other["threshold"]
    target = world.services.settings.far_target
    assert same["false_accepts"]["target"] == other["false_accepts"]["target"] == target
    assert same["false_accepts"]["at_score"] <= target < other["false_accepts"]["at_score"] <= 1
    assert [len(answer["faces"]) for answer in (same, other)] == [2, 2] and not same["faces"][0]["reasons"]
    assert verify(world, collins_frames[1], collins_frames[0]).json["score"] == same["score"]


def test_nobody_has_to_be_enrolled_and_nobody_is_named(world, strangers, collins_frames):
    before = verify(world, collins_frames[0], collins_frames[1])
    world.enroll("Eileen Collins", collins_frames[:8])
    after = verify(world, collins_frames[0], collins_frames[1])
    assert before.json["score"] == after.json["score"]
    assert "Collins" not in after.text and "person" not in after.json


def test_the_same_picture_is_itself(world, strangers, collins_frames):
    answer = verify(world, collins_frames[0], collins_frames[0]).json
    assert answer["same"] is True and answer["score"] == pytest.approx(1.0, abs=0.001)
    assert 0 < answer["false_accepts"]["at_score"] < 1e-5


@pytest.mark.parametrize("which", ["first", "second", "both"])
def test_without_a_good_face_it_cannot_be_told(world, strangers, collins_frames, which):
    first = blank() if which in ("first", "both") else collins_frames[0]
    second = blank() if which in ("second", "both") else collins_frames[1]
    answer = verify(world, first, second).json
    assert (answer["same"], answer["score"], answer["threshold"]) == (None, None, None)
    assert [face is None for face in answer["faces"]] == [which != "second", which != "first"]


def test_where_nothing_is_known_of_strangers_it_cannot_be_told(world, collins_frames):
    answer = verify(world, collins_frames[0], collins_frames[1]).json
    assert answer["same"] is None and all(answer["faces"])


def test_pictures_may_come_as_base64(world, strangers, collins_frames):
    texts = [base64.b64encode(data).decode() for data in collins_frames[:2]]
    answer = world.client.post("/v1/verify", json={"first": texts[0], "second": f"data:image/jpeg;base64,{texts[1]}"})
    assert answer.json["same"] is True


@pytest.mark.parametrize(
    "sent,status,code",
    [
        ({"json": {"first": "AAAA"}}, 400, "missing_field"),
        ({"json": {"first": "AAAA", "second": 7}}, 400, "invalid_field"),
        ({"json": {"first": "AAAA", "second": "AAAA", "third": "AAAA"}}, 400, "unknown_field"),
        ({"json": {"first": "AAAA", "second": "AAAA"}}, 400, "invalid_image"),
        ({"data": {"first": (io.BytesIO(b"x"), "a")}}, 400, "missing_field"),
        ({"data": {"first": "text", "second": "text"}, "content_type": "multipart/form-data"}, 400, "invalid_field"),
        ({"data": b"x", "content_type": "image/jpeg"}, 415, "unsupported_media_type"),
    ],
)
def test_what_is_no_pair_of_pictures_is_refused(world, sent, status, code):
    answer = world.client.post("/v1/verify", **sent)
    assert (answer.status_code, answer.json["error"]["code"]) == (status, code), answer.text


def test_which_of_the_two_pictures_is_refused_is_told(world, collins_frames):
    answer = verify(world, collins_frames[0], b"no picture")
    assert answer.status_code == 400 and answer.json["error"]["details"]["index"] == 1


def test_detecting_shows_what_recognising_does_but_nobody(world, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:8])
    sent = {"data": collins_frames[1], "content_type": "image/jpeg"}
    (named,) = world.client.post("/v1/recognize", **sent).json["faces"]
    answer = world.client.post("/v1/detect", **sent)
    (face,) = answer.json["faces"]
    assert face == {name: named[name] for name in ("box", "landmarks", "quality", "reasons")}
    assert answer.json["faces_found"] == 1 and "Collins" not in answer.text and "head_version" not in answer.json


def test_detecting_nobody_is_an_answer_and_bad_faces_have_their_reasons(world, collins: Frame):
    sent = {"data": blank(), "content_type": "image/jpeg"}
    assert world.client.post("/v1/detect", **sent).json["faces"] == []
    small = encode_jpeg(cv2.resize(collins, (96, 96), interpolation=cv2.INTER_AREA))
    (face,) = world.client.post("/v1/detect", data=small, content_type="image/jpeg").json["faces"]
    assert "too_small" in face["reasons"]


@pytest.mark.parametrize("way", ["form", "json"])
def test_a_picture_to_detect_on_may_come_in_each_way(world, way):
    data = jpeg("Eileen Collins")
    if way == "form":
        answer = world.client.post("/v1/detect", data={"image": (io.BytesIO(data), "a.jpg")})
    else:
        answer = world.client.post("/v1/detect", json={"image": base64.b64encode(data).decode()})
    assert answer.status_code == 200 and len(answer.json["faces"]) == 1


def test_several_pictures_to_detect_on_are_refused(world):
    text = base64.b64encode(jpeg("Eileen Collins")).decode()
    answer = world.client.post("/v1/detect", json={"images": [text, text]})
    assert answer.status_code == 400 and answer.json["error"]["code"] == "unknown_field"
    files = [(io.BytesIO(b"x"), "a"), (io.BytesIO(b"y"), "b")]
    assert world.client.post("/v1/detect", data={"image": files}).status_code == 400


@pytest.mark.parametrize("path", ["detect", "verify"])
def test_a_serving_that_is_away_is_said_so(world, collins_frames, strangers, path):
    world.serving.faults["backbone"] = ServingUnavailable("away")
    world.serving.faults["head"] = ServingUnavailable("away")
    if path == "detect":
        answer = world.client.post("/v1/detect", data=collins_frames[0], content_type="image/jpeg")
    else:
        answer = verify(world, collins_frames[0], collins_frames[1])
    assert answer.status_code == 503
