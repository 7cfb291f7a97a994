"""The doors themselves: shut unless a setting opens them, guarded like all routes, and reached by the same ways."""

import io
import re

import pytest
from access_table import askers, table
from doorkeeping import bearer, give_key
from flask.testing import FlaskClient
from gateway_world import World
from werkzeug.test import TestResponse

from architecture.rooms import ROOT
from familiar.errors import MisconfiguredError
from familiar.learning import Likeness
from familiar.scope import Scope
from familiar_gateway import front, translating
from familiar_gateway.app import create_app
from familiar_gateway.translating.similarity import NAMED, NOT_NAMED, of_match, of_named
from familiar_gateway.web import doors

_PAGE = ROOT / "docs" / "doors.md"
_DOORS = "compreface, deepstack"
_ADDRESSES = {"compreface": "/api/v1/recognition/subjects", "deepstack": "/v1/vision/face/list"}
_OF_A_KEY = {20: 401, 10: 401}
"""CompreFace's numbers for no key and a wrong one, whose statuses are those of other things as well."""


def _operations(world: World) -> list[tuple[str, str]]:
    """Return method and path of every route of a door."""
    found = []
    for rule in world.client.application.url_map.iter_rules():
        if rule.endpoint.partition(".")[0] in _ADDRESSES:
            path = re.sub(r"<(?:[^:>]+:)?(\w+)>", r"{\1}", rule.rule)
            found += [(method, path) for method in sorted(rule.methods - {"HEAD", "OPTIONS"})]
    return found


def _status(answer: TestResponse) -> int:
    said = answer.get_json(silent=True)
    number = said.get("code") if isinstance(said, dict) else None
    return _OF_A_KEY.get(number, answer.status_code)


@pytest.fixture
def keyed(make_world) -> World:
    """A gateway with both doors open that asks for keys."""
    made = make_world(doors=_DOORS, access="keys")
    made.client.application.test_client_class = FlaskClient  # which expects nothing of openapi.json
    return made


@pytest.mark.parametrize("name", _ADDRESSES)
def test_a_door_is_shut_unless_it_is_asked_for(make_world, name):
    for opened in ("", *_ADDRESSES, _DOORS):
        client = FlaskClient(make_world(doors=opened).client.application)
        methods = [client.open(_ADDRESSES[name], method=each).status_code for each in ("GET", "POST")]
        assert (methods == [404, 404]) is (name not in opened), opened


@pytest.mark.parametrize("setting", ["CompreFace", "compreface;deepstack", "rekognition"])
def test_a_door_that_there_is_not_keeps_the_gateway_from_starting(world, setting):
    with pytest.raises(MisconfiguredError, match="DOORS="):
        translating.doors(setting)
    assert len(translating.doors("")) == 0 and len(translating.doors(" deepstack ,, deepstack")) == 1


def test_everybody_gets_past_the_guard_who_has_the_scope_and_nobody_else(keyed):
    asking = askers(keyed, _status)
    application = keyed.client.application
    addresses = application.url_map.bind("localhost")
    asked = _operations(keyed)
    assert len(asked) == 21
    for method, path in asked:
        endpoint, _ = addresses.match(re.sub(r"\{\w+\}", "x", path), method)
        wanted = {scope.value for scope in doors.asked_of(application, endpoint)}
        assert len(wanted) == 1, f"{method} {path} is for everybody"
        said = {name: ask(method, path) for name, ask in asking.items()}
        assert {name for name, status in said.items() if status not in (401, 403)} & set(Scope) == wanted, path
        assert {said[name] for name in ("no key", "revoked", "expired")} == {401}, path
        if method != "GET":
            assert said["session without its token"] == said["page of another site"] == 403, path
    shown = table(asking, asked)
    assert shown in _PAGE.read_text(), f"put into docs/doors.md, under Who may what:\n{shown}"


def test_a_route_with_pictures_waits_in_the_lane_of_pictures(keyed):
    lanes = front.Lanes(keyed.client.application, keyed.services)
    pictures, _ = lanes.of("POST", "/v1/recognize")
    for rule in keyed.client.application.url_map.iter_rules():
        if rule.endpoint in translating.WITH_PICTURES:
            lane, most = lanes.of("POST", re.sub("<.*?>", "x", rule.rule))
            assert lane is pictures and most > keyed.services.settings.max_image_bytes
    endpoints = {rule.endpoint for rule in keyed.client.application.url_map.iter_rules()}
    assert set(translating.WITH_PICTURES) <= endpoints


class TestByTheHeadAlone:
    """A long body is read when its head was let in; where the key comes with the body, that is found out afterwards."""

    def _ask(self, world: World, path: str, **given: object) -> TestResponse:
        client = FlaskClient(world.client.application)
        return client.post(
            path, environ_overrides={doors.HEAD_ALONE: True}, content_type="multipart/form-data", **given
        )

    def test_what_shows_no_key_in_its_head_is_read_only_where_the_body_may_bring_one(self, keyed):
        assert self._ask(keyed, "/v1/vision/face/recognize").status_code == 204
        assert _status(self._ask(keyed, "/api/v1/recognition/recognize")) == 401
        assert self._ask(keyed, "/v1/recognize").status_code == 401

    def test_a_key_in_the_head_is_looked_at_there(self, keyed):
        for headers, status in (
            ({"X-API-Key": "fam_wrong"}, 401),
            (bearer(give_key(keyed, Scope.ENROLL, name="other")[1]), 403),
            (bearer(give_key(keyed, Scope.RECOGNIZE)[1]), 204),
        ):
            assert self._ask(keyed, "/v1/vision/face/recognize", headers=headers).status_code == status

    def test_asking_without_a_key_in_the_head_counts(self, make_world):
        world = make_world(doors=_DOORS, access="keys", rate_limit=3)
        said = [self._ask(world, "/v1/vision/face/recognize").status_code for _ in range(5)]
        assert said == [204, 204, 204, 429, 429]


def test_pages_that_are_named_may_use_all_methods_of_a_door_that_is_open(make_world):
    desk = "https://desk.example"
    headers = {"Origin": desk, "Access-Control-Request-Method": "PUT", "Access-Control-Request-Headers": "x-api-key"}
    for opened, may in (("compreface", True), ("", False)):
        world = make_world(doors=opened, cors_origins=desk, access="keys")
        answer = FlaskClient(world.client.application).options(_ADDRESSES["compreface"], headers=headers)
        assert ("PUT" in answer.headers.get("Access-Control-Allow-Methods", "")) is may
    world = make_world(doors="compreface", cors_origins=desk, access="keys")
    client = FlaskClient(world.client.application)
    asked = client.get(
        _ADDRESSES["compreface"], headers={"Origin": desk, "X-API-Key": give_key(world, Scope.PEOPLE)[1]}
    )
    assert asked.status_code == 200 and asked.headers["Access-Control-Allow-Origin"] == desk


def test_a_door_is_reached_below_a_path_as_well(make_world, ada):
    world = make_world(doors=_DOORS, trusted_proxies="127.0.0.1", access="open")
    client = FlaskClient(world.client.application)
    headers = {"X-Forwarded-Prefix": "/familiar", "X-Forwarded-For": "10.0.0.7"}
    assert client.get(_ADDRESSES["compreface"], headers=headers).json == {"subjects": []}
    form = {"image": (io.BytesIO(ada[0]), "image")}
    assert client.post("/v1/vision/face", data=form, headers=headers).json["success"] is True


def test_every_application_has_doors_of_its_own(world):
    for setting in (_DOORS, "", _DOORS):
        its = world.services
        object.__setattr__(its.settings, "doors", setting)
        assert ("compreface.recognize" in create_app(its).view_functions) is bool(setting)


@pytest.mark.parametrize("threshold", [-0.5, 0.0, 0.3, 0.93, 0.999])
def test_our_threshold_is_one_number_of_theirs_whatever_it_is(threshold):
    scores = [threshold + step * (1 - threshold) / 20 for step in range(21)]
    named = [of_named(score, threshold) for score in scores]
    assert named == sorted(named) and min(named) >= NAMED and named[-1] == 1.0
    assert of_named(threshold - 0.2, threshold) == NAMED, "named nevertheless, by a head that is not calibrated"
    below = [of_match(Likeness(threshold - 1.5 + step / 10, threshold, 0.5)) for step in range(15)]
    assert below == sorted(below) and below[0] >= 0 and below[-1] < NOT_NAMED
    assert of_match(Likeness(threshold, threshold, 1e-3)) >= NAMED
    assert of_match(None) == 0
