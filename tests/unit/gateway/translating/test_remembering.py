"""What is recognised by a door is remembered and counted as what our own route recognises, and put right as that is."""

import io
import itertools
from collections.abc import Callable

import pytest
from comprefacing import send, teach
from doorkeeping import bearer, give_key
from flask.testing import FlaskClient
from gateway_world import MakeWorld, World
from remembering_world import at_once_by_a_known_likeness
from werkzeug.test import TestResponse

from familiar.records import strangers
from familiar.scope import Scope

__all__ = ["at_once_by_a_known_likeness"]

_NUMBERS = itertools.count()
_DOORS = "compreface,deepstack"
_WAYS = {
    "ours": ("/v1/recognize", "image"),
    "compreface": ("/api/v1/recognition/recognize", "file"),
    "deepstack": ("/v1/vision/face/recognize", "image"),
}

Ask = Callable[..., TestResponse]
Remembering = tuple[World, FlaskClient]


def _with_key(client: FlaskClient, world: World) -> FlaskClient:
    """Have a client show a key that may do everything, unless a request shows another one."""
    client.environ_base["HTTP_AUTHORIZATION"] = bearer(give_key(world, name=f"key {next(_NUMBERS)}")[1])[
        "Authorization"
    ]
    return client


@pytest.fixture
def opened(make_world: MakeWorld) -> Callable[..., Remembering]:
    """Make a gateway with both doors open that asks for keys, and a client of the doors."""

    def make(**settings: str) -> Remembering:
        world = make_world(doors=_DOORS, access="keys", **settings)
        _with_key(world.client, world)
        return world, _with_key(FlaskClient(world.client.application), world)

    return make


@pytest.fixture(params=_WAYS)
def ask(request: pytest.FixtureRequest) -> Ask:
    """Have a picture recognised, by each way that there is, before the camera that a key is bound to."""
    path, name = _WAYS[request.param]

    def asking(world: World, picture: bytes, camera: str = "door") -> TestResponse:
        headers = bearer(give_key(world, Scope.RECOGNIZE, name=f"key {next(_NUMBERS)}", camera=camera)[1])
        client = FlaskClient(world.client.application)
        answer = client.post(path, data={name: (io.BytesIO(picture), "a.jpg")}, headers=headers)
        assert answer.status_code == 200, answer.text
        assert world.services.witness.flush()
        return answer

    return asking


def _sightings(world: World) -> list[dict]:
    return world.client.get("/v1/sightings").json["sightings"]


def test_whoever_is_recognised_is_remembered_whichever_way_was_asked(opened, ada, grace, ask):
    world, client = opened(sightings="on")
    teach(client, world, "Ada", ada[0])
    answers = [ask(world, picture) for picture in (grace[0], ada[4])]
    named, unknown = _sightings(world)
    assert (named["status"], named["person"]["name"], unknown["status"]) == ("known", "Ada", "unknown")
    for sighting, answer in ((unknown, answers[0]), (named, answers[1])):
        (crop,) = sighting["crops"]
        assert (sighting["camera"], crop["face"]) == ("door", 0)
        assert crop["request_id"] == answer.headers["X-Request-ID"]


def test_nothing_is_remembered_unless_that_is_wanted(opened, ada, ask):
    world, _ = opened()
    ask(world, ada[0])
    assert _sightings(world) == []


def test_every_way_counts_the_faces(opened, ada, ask):
    world, _ = opened()
    ask(world, ada[0])
    assert 'familiar_faces_total{status="unknown"} 1.0' in world.client.get("/metrics").text


def test_it_is_said_whether_what_a_door_answered_is_right(opened, ada, ask):
    world, client = opened(sightings="on")
    teach(client, world, "Ada", ada[0])
    answer = ask(world, ada[4])
    said = world.client.post("/v1/feedback", json={"request_id": answer.headers["X-Request-ID"], "verdict": "right"})
    assert said.status_code == 201 and said.json["feedback"]["named"]["name"] == "Ada"


def test_a_subject_without_a_picture_can_be_who_a_stranger_is(opened, ada, ask):
    world, client = opened(sightings="on")
    assert client.post("/api/v1/recognition/subjects", json={"subject": "Ada"}).status_code == 201
    (person,) = world.client.get("/v1/people").json["people"]
    for number, picture in enumerate(ada):
        ask(world, picture, camera=f"door {number}")
    with world.database.write() as session:
        stranger = strangers.begin(session)
        strangers.assign(session, dict.fromkeys(strangers.ungrouped(session, 1, 1000), stranger))
    answer = world.client.post(f"/v1/strangers/{stranger}/name", json={"person_id": person["id"]})
    assert answer.status_code == 202 and answer.json["person"]["id"] == person["id"], answer.text
    world.train()
    (face,) = send(client, "/recognition/recognize", file=ada[0]).json["result"]
    assert [each["subject"] for each in face["subjects"]] == ["Ada"]


def test_who_is_deleted_by_a_door_is_not_remembered_any_more(opened, ada, ask):
    world, client = opened(sightings="on")
    for delete in (
        lambda: client.delete("/api/v1/recognition/subjects/Ada"),
        lambda: client.delete("/api/v1/recognition/subjects"),
        lambda: client.post("/v1/vision/face/delete", data={"userid": "Ada"}),
    ):
        teach(client, world, "Ada", ada[0])
        ask(world, ada[4])
        assert [each["person"]["name"] for each in _sightings(world)] == ["Ada"]
        assert delete().status_code == 200
        assert _sightings(world) == []
