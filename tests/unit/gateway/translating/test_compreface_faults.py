"""What goes wrong at CompreFace's door has the number and the status that its clients know, and changes nothing."""

import base64
from collections.abc import Callable

import numpy as np
import pytest
from comprefacing import NOBODY, blank, fault, send, teach
from flask.testing import FlaskClient
from gateway_world import World
from werkzeug.test import TestResponse

from familiar import learning
from familiar.errors import ServingUnavailable
from familiar.seeing.image import Frame, encode_jpeg

JSON = "application/json"


@pytest.fixture
def world(make_world) -> World:
    """A gateway with the door open."""
    return make_world(doors="compreface")


Bad = Callable[[FlaskClient, bytes], TestResponse]


@pytest.mark.parametrize(
    ("status", "code", "ask"),
    [
        (400, 28, lambda client, _: send(client, "/recognition/recognize", file=blank())),
        (400, 28, lambda client, _: send(client, "/detection/detect", file=blank())),
        (400, 28, lambda client, _: send(client, "/recognition/faces?subject=Ada", file=blank())),
        (400, 28, lambda client, good: send(client, "/verification/verify", source_image=blank(), target_image=good)),
        (400, 28, lambda client, good: send(client, "/verification/verify", source_image=good, target_image=blank())),
        (400, 21, lambda client, _: send(client, "/recognition/recognize", file=b"GIF89a, for example")),
        (400, 21, lambda client, _: client.post("/api/v1/recognition/recognize", json={"file": "no base64!"})),
        (400, 34, lambda client, _: send(client, "/recognition/recognize")),
        (400, 34, lambda client, good: send(client, "/recognition/recognize", image=good)),
        (400, 34, lambda client, good: send(client, "/verification/verify", source_image=good)),
        (400, 34, lambda client, _: client.post("/api/v1/recognition/recognize", json={})),
        (400, 34, lambda client, good: client.post("/api/v1/recognition/recognize", data=good)),
        (400, 33, lambda client, good: send(client, "/recognition/faces", file=good)),
        (400, 26, lambda client, good: send(client, "/recognition/faces?subject=", file=good)),
        (400, 26, lambda client, good: send(client, f"/recognition/faces?subject={'a' * 81}", file=good)),
        (400, 26, lambda client, _: client.post("/api/v1/recognition/subjects", json={})),
        (400, 26, lambda client, _: client.post("/api/v1/recognition/subjects", json={"subject": 7})),
        (400, 26, lambda client, _: client.delete("/api/v1/recognition/faces?subject=")),
        (400, 36, lambda client, _: client.post("/api/v1/recognition/subjects", data="{", content_type=JSON)),
        (400, 36, lambda client, _: client.post("/api/v1/recognition/faces/delete", json={})),
        (400, 36, lambda client, _: client.post("/api/v1/recognition/faces/delete", json=["x"])),
        (400, 36, lambda client, _: client.delete("/api/v1/recognition/faces/no-uuid")),
        (400, 36, lambda client, good: send(client, "/recognition/recognize?limit=-1", file=good)),
        (400, 36, lambda client, good: send(client, "/recognition/recognize?prediction_count=0", file=good)),
        (400, 36, lambda client, good: send(client, "/recognition/recognize?det_prob_threshold=nan", file=good)),
        (400, 36, lambda client, good: send(client, "/recognition/recognize?det_prob_threshold=2", file=good)),
        (400, 36, lambda client, good: send(client, "/recognition/recognize?status=perhaps", file=good)),
        (400, 36, lambda client, good: send(client, "/recognition/recognize?threshold=0.5", file=good)),
        (400, 36, lambda client, _: client.get("/api/v1/recognition/faces?size=0")),
        (404, 11, lambda client, _: client.get(f"/api/v1/recognition/faces/{NOBODY}/img")),
        (404, 11, lambda client, good: send(client, f"/recognition/faces/{NOBODY}/verify", file=good)),
        (404, 42, lambda client, _: client.put("/api/v1/recognition/subjects/Ada", json={"subject": "Eve"})),
        (404, 42, lambda client, _: client.delete("/api/v1/recognition/subjects/Ada")),
        (404, 42, lambda client, _: client.get("/api/v1/recognition/faces?subject=Ada")),
    ],
)  # fmt: skip
def test_what_is_wrong_has_their_number(client, ada, status: int, code: int, ask: Bad):
    assert fault(ask(client, ada[0])) == (status, code)
    assert client.get("/api/v1/recognition/subjects").json == {"subjects": []}, "and nothing has changed"


def test_a_group_picture_is_no_example(client, collins: Frame):
    face = collins[:300, 60:360]
    answer = send(client, "/recognition/faces?subject=Ada", file=encode_jpeg(np.hstack([face, face])))
    assert fault(answer) == (400, 31)


def test_a_face_too_small_to_learn_from_is_no_example(client, collins: Frame):
    canvas = np.full((400, 400, 3), 128, np.uint8)
    canvas[100:160, 100:160] = collins[:300:5, 60:360:5]
    answer = send(client, "/recognition/faces?subject=Ada", file=encode_jpeg(canvas))
    assert fault(answer) in {(400, 26), (400, 28)}


def test_a_picture_of_somebody_else_is_not_taken(client, world, monkeypatch, ada, grace):
    teach(client, world, "Ada", *ada[:2])
    other = send(client, "/recognition/faces?subject=Grace", file=ada[3])
    assert fault(other) == (400, 43) and "Ada" in other.json["message"]
    monkeypatch.setattr(learning, "strays", lambda rows, own, cohort: np.arange(len(rows)))
    stray = send(client, "/recognition/faces?subject=Ada", file=grace[0])
    assert fault(stray) == (400, 26)
    people = world.client.get("/v1/people").json["people"]
    assert [(each["name"], each["samples"]) for each in people] == [("Ada", 2)]


def test_people_of_one_name_are_not_told_apart(client, world, ada, grace):
    world.enroll("Ada", ada[:6])
    world.enroll("Ada", grace[:5], allow_same_name="true")
    assert client.get("/api/v1/recognition/subjects").json == {"subjects": ["Ada"]}
    assert fault(client.delete("/api/v1/recognition/subjects/Ada")) == (400, 36)
    (face,) = send(client, "/recognition/recognize", file=grace[3]).json["result"]
    assert face["subjects"][0]["subject"] == "Ada"


def test_of_two_who_come_at_once_with_a_new_name_the_second_adds_to_the_first(client, world, ada, grace):
    teach(client, world, "Grace", grace[0])
    first: list[TestResponse] = []
    world.serving.before_identify = [
        lambda: first.append(send(client, "/recognition/faces?subject=Ada", file=ada[0]))
    ]  # while the second one is already on its way
    second = send(client, "/recognition/faces?subject=Ada", file=ada[1])
    assert [first[0].status_code, second.status_code] == [201, 201]
    people = world.client.get("/v1/people").json["people"]
    assert [(each["name"], each["samples"]) for each in people] == [("Ada", 2), ("Grace", 1)]


def test_a_part_that_is_away_is_a_core_that_fails_and_nothing_is_kept(client, world, ada):
    world.serving.fault = ServingUnavailable("gone")
    for path in ("/recognition/recognize", "/recognition/faces?subject=Ada"):
        answer = send(client, path, file=ada[0])
        assert fault(answer) == (503, 41) and answer.headers["Retry-After"]
    assert world.client.get("/v1/people").json["people"] == []


def test_a_defect_says_nothing_of_itself(client, world, monkeypatch, ada):
    def breaks(*_: object) -> None:
        raise RuntimeError("a secret")

    monkeypatch.setattr(type(world.services.recognizer), "recognize", breaks)
    answer = send(client, "/recognition/recognize", file=ada[0])
    assert fault(answer) == (500, 0) and "secret" not in answer.text


def test_a_picture_that_is_too_large_is_refused_in_their_shape(make_world, ada):
    client = FlaskClient(make_world(doors="compreface", max_image_bytes=5_000).client.application)
    large = max(ada, key=len)
    assert len(large) > 5_000
    for answer in (
        send(client, "/recognition/recognize", file=large),
        send(client, "/recognition/recognize", file=large * 40),
        client.post("/api/v1/recognition/recognize", json={"file": base64.b64encode(large * 40).decode()}),
    ):
        assert fault(answer) == (413, 0)
