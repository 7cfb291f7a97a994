"""DeepStack's calls about faces, in its own words: each call, each fault, and the key in the form."""

import io
from collections.abc import Callable

import numpy as np
import pytest
from doorkeeping import give_key, let_expire, revoke
from flask.testing import FlaskClient
from gateway_world import World
from werkzeug.datastructures import MultiDict
from werkzeug.test import TestResponse

from familiar.errors import ServingUnavailable
from familiar.scope import Scope
from familiar.seeing.image import encode_jpeg

SIDES = {"x_min", "y_min", "x_max", "y_max"}


@pytest.fixture
def world(make_world) -> World:
    """A gateway with the door open."""
    return make_world(doors="deepstack")


def ask(client: FlaskClient, call: str, *pictures: bytes, field: str = "image", **said: object) -> TestResponse:
    """Send a form as clients do: one picture is ``image``, several have names of their own."""
    names = [field] if len(pictures) == 1 else [f"image{number}" for number in range(len(pictures))]
    files = [(name, (io.BytesIO(data), name)) for name, data in zip(names, pictures, strict=True)]
    form = MultiDict([*files, *((name, str(value)) for name, value in said.items())])
    return client.post(f"/v1/vision/face{call}", data=form)


def error(answer: TestResponse) -> tuple[int, str]:
    assert set(answer.json) == {"success", "error"} and answer.json["success"] is False, answer.text
    return answer.status_code, answer.json["error"]


def blank() -> bytes:
    return encode_jpeg(np.full((200, 200, 3), 127, np.uint8))


def test_somebody_is_registered_recognised_listed_and_deleted(client, world, ada, grace):
    assert ask(client, "/list").json == {"success": True, "faces": []}
    assert ask(client, "/register", ada[0], userid="Ada").json == {"success": True, "message": "face added"}
    world.train()
    assert ask(client, "/register", ada[1], userid="Ada").json == {"success": True, "message": "face updated"}
    world.train()
    assert ask(client, "/list").json == {"success": True, "faces": ["Ada"]}
    answer = ask(client, "/recognize", ada[4], min_confidence=0.45)
    (face,) = answer.json["predictions"]
    assert answer.json["success"] is True and set(face) == {"userid", "confidence", *SIDES}
    assert face["userid"] == "Ada" and 0.8 <= face["confidence"] <= 1 and all(type(face[side]) is int for side in SIDES)
    (stranger,) = ask(client, "/recognize", grace[0]).json["predictions"]
    assert (stranger["userid"], stranger["confidence"]) == ("unknown", 0)
    assert ask(client, "/delete", userid="Ada").json == {"success": True}
    assert ask(client, "/recognize", ada[4]).json["predictions"][0]["userid"] == "unknown"
    assert ask(client, "/delete", userid="Ada").json == {"success": True}, "as it is with theirs"
    assert world.client.get("/v1/people").json["people"] == []


def test_several_pictures_are_registered_at_once_whatever_their_fields_are_called(client, world, ada):
    assert ask(client, "/register", *ada[:4], userid="Ada").json["success"] is True
    assert ask(client, "/register", ada[5], field="a0b1", userid="Ada").json["message"] == "face updated"
    assert world.client.get("/v1/people").json["people"][0]["samples"] == 5


def test_of_several_pictures_those_without_a_face_are_left_out(client, world, ada):
    assert ask(client, "/register", blank(), ada[0], userid="Ada").json["success"] is True
    assert world.client.get("/v1/people").json["people"][0]["samples"] == 1


def test_whoever_asks_for_more_confidence_is_told_fewer_names_and_never_more(client, world, ada, grace):
    ask(client, "/register", ada[0], userid="Ada")
    world.train()
    (face,) = ask(client, "/recognize", ada[4], min_confidence=0).json["predictions"]
    for least, name in ((face["confidence"], "Ada"), (min(face["confidence"] + 0.001, 1), "unknown"), (1, "unknown")):
        assert ask(client, "/recognize", ada[4], min_confidence=least).json["predictions"][0]["userid"] == name
    (stranger,) = ask(client, "/recognize", grace[0], min_confidence=0).json["predictions"]
    assert stranger["userid"] == "unknown"


def test_faces_are_found_without_names(client, ada):
    for path in ("", "/"):
        (face,) = ask(client, path, ada[0], min_confidence=0.4).json["predictions"]
        assert set(face) == {"confidence", *SIDES} and face["confidence"] > 0.5
    assert ask(client, "", ada[0], min_confidence=1).json == {"success": True, "predictions": []}
    assert ask(client, "", blank()).json == {"success": True, "predictions": []}
    assert ask(client, "/recognize", blank()).json == {"success": True, "predictions": []}


def test_two_pictures_are_matched(client, strangers, ada, grace):
    assert ask(client, "/match", ada[0], ada[1]).json["similarity"] >= 0.8
    assert ask(client, "/match", ada[0], grace[0]).json["similarity"] < 0.4
    assert error(ask(client, "/match", ada[0], blank())) == (400, "no face detected")
    assert error(ask(client, "/match", ada[0]))[0] == error(ask(client, "/match", *ada[:3]))[0] == 400


Ask = Callable[[FlaskClient, bytes], TestResponse]


@pytest.mark.parametrize(
    ("said", "asked"),
    [
        ("No valid image file found", lambda client, _: ask(client, "/recognize")),
        ("No valid image file found", lambda client, good: ask(client, "", good, field="picture")),
        ("No valid image file found", lambda client, _: ask(client, "/register", userid="Ada")),
        ("No valid image file found", lambda client, good: client.post("/v1/vision/face", json={"image": "x"})),
        ("userid not specified", lambda client, good: ask(client, "/register", good)),
        ("userid not specified", lambda client, _: ask(client, "/delete")),
        ("invalid image", lambda client, _: ask(client, "/recognize", b"nothing to see")),
        ("invalid image", lambda client, _: ask(client, "/register", b"nothing to see", userid="Ada")),
        ("no face detected", lambda client, _: ask(client, "/register", blank(), userid="Ada")),
        ("Invalid value for min_confidence", lambda client, good: ask(client, "/recognize", good, min_confidence="x")),
        ("Invalid value for min_confidence", lambda client, good: ask(client, "", good, min_confidence=1.5)),
        ("unknown query parameter", lambda client, good: ask(client, "/recognize?api_key=x", good)),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_in_their_words(client, ada, said: str, asked: Ask):
    status, sentence = error(asked(client, ada[0]))
    assert status == 400 and sentence.startswith(said)
    assert ask(client, "/list").json["faces"] == []


def test_a_name_that_is_none_and_one_that_two_have_are_refused(client, world, ada, grace):
    assert error(ask(client, "/register", ada[0], userid="a" * 81))[0] == 400
    world.enroll("Ada", ada[:6])
    world.enroll("Ada", grace[:5], allow_same_name="true")
    assert ask(client, "/list").json["faces"] == ["Ada"]
    for answer in (ask(client, "/delete", userid="Ada"), ask(client, "/register", ada[6], userid="Ada")):
        assert error(answer)[0] == 400
    assert len(world.client.get("/v1/people").json["people"]) == 2


def test_a_part_that_is_away_is_said_to_be(client, world, ada):
    world.serving.fault = ServingUnavailable("gone")
    answer = ask(client, "/recognize", ada[0])
    assert error(answer)[0] == 503 and answer.headers["Retry-After"]


def test_pictures_that_are_too_large_together_are_refused_in_their_shape(make_world, ada):
    most = max(map(len, ada))
    client = FlaskClient(make_world(doors="deepstack", max_image_bytes=most).client.application)
    assert ask(client, "/register", *ada[:2], userid="Ada").status_code == 200
    several = [ada[0]] * (2 + (most + 100_000) // len(ada[0]))
    for answer in (ask(client, "/register", *several, userid="Ada"), ask(client, "/recognize", b"x" * (most + 1))):
        assert error(answer)[0] == 413


class TestKeys:
    """Where keys are asked for, the form's ``api_key`` is one, or a header as everywhere."""

    @pytest.fixture
    def world(self, make_world) -> World:
        """A gateway that asks for keys, and takes pictures of more than an unasked request may have."""
        return make_world(doors="deepstack", access="keys")

    def test_the_key_in_the_form_is_a_key_with_its_scopes(self, client, world, ada):
        recognize, teach = (give_key(world, scope, name=scope)[1] for scope in (Scope.RECOGNIZE, Scope.ENROLL))
        assert ask(client, "/recognize", ada[0], api_key=recognize).status_code == 200
        assert ask(client, "/register", *ada[:2], userid="Ada", api_key=teach).status_code == 200
        for call, key in (("/recognize", teach), ("/list", recognize), ("/delete", teach)):
            assert error(ask(client, call, ada[0], userid="Ada", api_key=key))[0] == 403
        people = give_key(world, Scope.PEOPLE, name="people")[1]
        listed = client.post("/v1/vision/face/list", data={"api_key": people})  # urlencoded, as clients send it
        assert listed.json["faces"] == ["Ada"]

    def test_no_key_a_wrong_one_and_one_that_is_over_are_incorrect(self, client, world, ada):
        revoked, expired = give_key(world, name="revoked"), give_key(world, name="expired")
        revoke(world, revoked[0])
        let_expire(world, expired[0])
        for said in ({}, {"api_key": ""}, {"api_key": "fam_wrong"}, {"api_key": revoked[1]}, {"api_key": expired[1]},
                     {"api_key": "x" * 500}):  # fmt: skip
            assert error(ask(client, "/recognize", ada[0], **said)) == (401, "Incorrect api key")

    def test_a_key_in_the_head_comes_first(self, client, world, ada):
        secret = give_key(world)[1]
        for header in ({"X-API-Key": secret}, {"Authorization": f"Bearer {secret}"}):
            form = {"image": (io.BytesIO(ada[0]), "image"), "api_key": "fam_wrong"}
            assert client.post("/v1/vision/face/recognize", data=form, headers=header).status_code == 200

    def test_a_key_bound_to_a_camera_recognises(self, client, world, ada):
        secret = give_key(world, Scope.RECOGNIZE, camera="door")[1]
        assert ask(client, "/recognize", ada[0], api_key=secret).status_code == 200

    def test_the_key_is_in_no_log(self, client, world, caplog, ada):
        secret = give_key(world)[1]
        with caplog.at_level("DEBUG"):
            ask(client, "/recognize", ada[0], api_key=secret)
            ask(client, "/recognize", b"no picture", api_key=secret)
            ask(client, "/recognize", ada[0], api_key=f"{secret}x")
        assert caplog.records and secret not in caplog.text

    def test_a_key_in_a_form_is_none_anywhere_else(self, client, world, ada):
        form = {"image": (io.BytesIO(ada[0]), "image"), "api_key": give_key(world)[1]}
        assert client.post("/v1/recognize", data=form).status_code == 401
