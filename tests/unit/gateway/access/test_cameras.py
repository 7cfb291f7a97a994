"""Keys that are bound to a camera: wherever a camera may be named, they speak for theirs and for no other."""

import base64
import io
import logging
import re

import pytest
from access_table import NOBODY, operations
from doorkeeping import bearer, give_key, sign_in
from gateway_world import World
from openapi_judge import DOCUMENT
from werkzeug.test import TestResponse

from portraits import jpeg

PICTURE = jpeg("Eileen Collins")
ENCODED = base64.b64encode(PICTURE).decode()
Named = dict[str, str]


@pytest.fixture
def world(make_world) -> World:
    """A gateway that asks for keys."""
    return make_world(access="keys")


def _as_body(named: Named) -> dict:
    return {"data": PICTURE, "content_type": "image/jpeg", "query_string": named}


def _as_form(named: Named, frames: int = 1) -> dict:
    return {"data": {"image": [(io.BytesIO(PICTURE), "a.jpg") for _ in range(frames)], **named}}


WAYS = {
    "body": _as_body,
    "form": _as_form,
    "frames of a form": lambda named: _as_form(named, frames=2),
    "form, in the query": lambda named: {**_as_form({}), "query_string": named},
    "json": lambda named: {"json": {"image": ENCODED, **named}},
    "frames of json": lambda named: {"json": {"images": [ENCODED, ENCODED], **named}},
    "json, in the query": lambda named: {"json": {"image": ENCODED}, "query_string": named},
}


def _recognize(world: World, way: str, secret: str, **named: str) -> TestResponse:
    return world.client.post("/v1/recognize", headers=bearer(secret), **WAYS[way](named))


def _code(answer: TestResponse) -> tuple[int, str]:
    return answer.status_code, answer.json["error"]["code"]


@pytest.mark.parametrize("way", WAYS)
def test_a_bound_key_speaks_for_its_camera_and_for_no_other(world, caplog, way):
    bound, free = give_key(world, name="bound", camera="door")[1], give_key(world, name="free")[1]
    with caplog.at_level(logging.INFO, "familiar_gateway.requests"):
        for secret, named in ((bound, {}), (bound, {"camera": "door"}), (bound, {"camera": " door\u3000"}),
                              (free, {"camera": "door"})):  # fmt: skip
            caplog.clear()
            assert _recognize(world, way, secret, **named).status_code == 200
            assert caplog.messages[-1].endswith(" camera='door'"), named
        caplog.clear()
        assert _recognize(world, way, free).status_code == 200
        assert "camera" not in caplog.messages[-1]
    for other in ("yard", "Door", "door 2", "do\u00f6r"):
        refused = _recognize(world, way, bound, camera=other)
        assert _code(refused) == (403, "camera_not_yours")
        assert refused.json["error"]["details"] == {"camera": "door"}


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", ["", " ", "a" * 81, "a\u202eb", "a\x00b"])
def test_what_is_no_name_names_no_camera(world, way, name):
    for secret in (give_key(world, name="bound", camera="door")[1], give_key(world, name="free")[1]):
        assert _code(_recognize(world, way, secret, camera=name)) == (400, "invalid_name")


@pytest.mark.parametrize("way", ["form", "frames of a form", "json", "frames of json"])
def test_a_camera_is_named_once(world, way):
    _, secret = give_key(world, camera="door")
    twice = world.client.post("/v1/recognize?camera=door", headers=bearer(secret), **WAYS[way]({"camera": "door"}))
    assert _code(twice) == (400, "invalid_field")
    again = world.client.post("/v1/recognize?camera=door&camera=door", headers=bearer(secret), **WAYS[way]({}))
    assert _code(again) == (400, "invalid_query")


def test_a_page_that_has_signed_in_with_a_bound_key_is_bound_too(world):
    csrf = sign_in(world, give_key(world, camera="door")[1])
    for camera, status in (("door", 200), ("yard", 403)):
        sent = world.client.post("/v1/recognize", headers={"X-CSRF-Token": csrf}, **_as_body({"camera": camera}))
        assert sent.status_code == status


def test_whoever_is_bound_to_a_camera_gives_keys_to_that_one_only(world):
    headers = bearer(give_key(world, camera="door")[1])
    for number, named in enumerate(({}, {"camera": None}, {"camera": "door"})):
        asked = {"name": f"key {number}", "scopes": ["recognize"], **named}
        assert world.client.post("/v1/keys", json=asked, headers=headers).json["key"]["camera"] == "door"
    asked = {"name": "other", "scopes": ["recognize"], "camera": "yard"}
    assert _code(world.client.post("/v1/keys", json=asked, headers=headers)) == (403, "camera_not_yours")


def test_where_no_key_is_asked_for_a_camera_may_be_named(make_world):
    assert make_world().client.post("/v1/recognize", **_as_body({"camera": "door"})).status_code == 200


def test_no_address_takes_a_camera_that_the_key_is_not_for(world):
    """Whatever the document lets somebody say of a camera while sending something; one that is added later too."""
    headers = bearer(give_key(world, camera="door")[1])
    bodies = {"/v1/recognize": {"image": ENCODED}, "/v1/keys": {"name": "new", "scopes": ["recognize"]}}
    named = [(method, path) for method, path in operations() if method != "GET" and _names_a_camera(method, path)]
    named.remove(("POST", "/v1/search"))  # there it says which sightings are searched, and nothing is noted under it
    assert {path for _, path in named} >= set(bodies)
    for method, path in named:
        body = {**bodies.get(path, {}), "camera": "yard"}
        filled = re.sub(r"\{\w+\}", NOBODY, path)
        assert _code(world.client.open(filled, method=method, json=body, headers=headers)) == (403, "camera_not_yours")


def _names_a_camera(method: str, path: str) -> bool:
    operation = DOCUMENT["paths"][path][method.lower()]
    content = operation.get("requestBody", {}).get("content", {}).values()
    fields = {name for each in content for name in each["schema"].get("properties", {})}
    queries = {each.get("$ref", "").rsplit("/", 1)[-1] for each in operation.get("parameters", [])}
    return "camera" in fields or "Camera" in queries
