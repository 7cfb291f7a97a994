"""By the API one says whether a recognition is right, once, and takes it back; and so with what was learned."""

import time
from concurrent.futures import ThreadPoolExecutor

import pytest
from doorkeeping import bearer, give_key
from remembering import JPEG, remembered, show
from sqlalchemy import select

from familiar.records import Action, Origin, QuarantinedFace, audit, learned, quarantine, samples, versions
from familiar.records.schema import Sample
from familiar.scope import Scope
from familiar_gateway.remembering import notebook


def refused(answer, code, status=None):
    assert answer.json["error"]["code"] == code, answer.text
    assert status is None or answer.status_code == status
    return answer.json["error"]


def say(world, **said):
    return world.client.post("/v1/feedback", json=said)


@pytest.fixture
def ada(world, collins_frames):
    return world.enroll("Ada", collins_frames[:10])["person"]["id"]


@pytest.fixture
def bob(world, ada, hopper_frames):
    return world.enroll("Bob", hopper_frames[:10])["person"]["id"]


@pytest.fixture
def seen(world, ada, bob, collins_frames):
    """The answer of a recognition of Ada that is kept."""
    return show(world, collins_frames[12])


def test_a_recognition_is_right_by_its_request_and_by_its_sighting(world, ada, seen):
    answer = say(world, request_id=seen["request_id"], face=0, verdict="right")
    assert answer.status_code == 201 and answer.json["job"] is None
    told = answer.json["feedback"]
    assert (told["verdict"], told["status"], told["named"]["id"], told["person"]["id"]) == (
        "right",
        "in_force",
        ada,
        ada,
    )
    assert world.client.get(answer.headers["Location"]).json == told
    (sighting,) = remembered(world)
    again = say(world, sighting=sighting["id"], face=sighting["crops"][0]["index"], verdict="right")
    assert again.status_code == 200 and again.json["feedback"] == told
    listed = world.client.get("/v1/feedback").json
    assert (listed["feedback"], listed["total"]) == ([told], 1)


def test_of_a_face_that_is_not_written_down_yet_something_may_be_said(world, ada, bob, collins_frames, monkeypatch):
    monkeypatch.setattr(notebook, "GATHER_S", 0.5)
    sent = [world.client.post("/v1/recognize", data=frame, headers=JPEG).json for frame in collins_frames[12:18]]
    told = [say(world, request_id=each["request_id"], verdict="right") for each in sent]
    assert {answer.status_code for answer in told} <= {200, 201}, [answer.text for answer in told]
    assert told[0].json["feedback"]["person"]["id"] == ada


def test_a_wrong_name_is_put_right_and_a_training_is_asked_for(world, ada, bob, seen):
    answer = say(world, request_id=seen["request_id"], verdict="wrong", person=bob)
    assert answer.status_code == 201 and answer.json["job"]["kind"] == "learn"
    (sighting,) = remembered(world)
    assert sighting["person"]["id"] == bob and sighting["status"] == "known" and sighting["named_at"]
    back = world.client.delete(f"/v1/feedback/{answer.json['feedback']['id']}")
    assert back.status_code == 200 and back.json["feedback"]["status"] == "withdrawn" and back.json["job"]
    (sighting,) = remembered(world)
    assert sighting["person"]["id"] == ada and sighting["named_at"] is None
    again = world.client.delete(f"/v1/feedback/{answer.json['feedback']['id']}")
    assert again.status_code == 200 and again.json["job"] is None


def test_a_stranger_is_among_the_unknown_from_then_on(world, seen):
    assert say(world, request_id=seen["request_id"], verdict="stranger").status_code == 201
    assert [each["person"] for each in remembered(world, unknown="true")] == [None]


def test_a_changed_mind_is_told_with_what_was_said_before(world, bob, seen):
    first = say(world, request_id=seen["request_id"], verdict="right").json["feedback"]["id"]
    second = say(world, request_id=seen["request_id"], verdict="wrong", person=bob).json["feedback"]["id"]
    listed = world.client.get("/v1/feedback", query_string={"person": bob}).json["feedback"]
    assert [each["id"] for each in listed] == [second]
    everything = world.client.get("/v1/feedback").json["feedback"]
    assert [(each["id"], each["status"]) for each in everything] == [(second, "in_force"), (first, "replaced")]


@pytest.mark.parametrize(
    ("said", "code", "status"),
    [
        ({"verdict": "right"}, "invalid_field", 400),
        ({"sighting": "0" * 32}, "missing_field", 400),
        ({"sighting": "0" * 32, "verdict": "perhaps"}, "invalid_field", 400),
        ({"sighting": "me", "verdict": "right"}, "invalid_id", 400),
        ({"sighting": "0" * 32, "verdict": "right"}, "sighting_not_found", 404),
        ({"sighting": "0" * 32, "quarantined": "0" * 32, "verdict": "right"}, "invalid_field", 400),
        ({"request_id": "", "verdict": "right"}, "invalid_field", 400),
        ({"request_id": "nobody's", "verdict": "right"}, "sighting_not_found", 404),
        ({"request_id": "nobody's", "face": -1, "verdict": "right"}, "invalid_field", 400),
        ({"quarantined": "0" * 32, "verdict": "right"}, "face_not_found", 404),
        ({"sighting": "0" * 32, "verdict": "right", "person": "me"}, "invalid_id", 400),
        ({"sighting": "0" * 32, "verdict": "right", "people": []}, "unknown_field", 400),
    ],
)
def test_what_cannot_be_said_is_refused_by_its_field(world, said, code, status):
    refused(say(world, **said), code, status)


def test_where_nothing_is_kept_nothing_can_be_said(make_world, collins_frames):
    world = make_world()
    answer = show_without(world, collins_frames[0])
    refused(say(world, request_id=answer["request_id"], verdict="right"), "sightings_off", 409)
    assert world.client.get("/v1/feedback").json["total"] == 0


def show_without(world, frame):
    return world.client.post("/v1/recognize", data=frame, headers={"Content-Type": "image/jpeg"}).json


def test_of_somebody_who_was_deleted_nothing_can_be_said_and_nothing_is_left(world, ada, bob, seen):
    (sighting,) = remembered(world)
    said = say(world, sighting=sighting["id"], verdict="wrong", person=bob).json["feedback"]["id"]
    assert world.client.delete(f"/v1/people/{bob}").status_code in (202, 204)
    refused(world.client.get(f"/v1/feedback/{said}"), "feedback_not_found", 404)
    refused(say(world, sighting=sighting["id"], verdict="right"), "sighting_not_found", 404)


def test_it_takes_the_scope_to_see_who_came_by(make_world, collins_frames):
    world = make_world(sightings="on", access="keys")
    paths = [("get", "/v1/feedback"), ("get", "/v1/quarantine"), ("get", "/v1/learned")]
    with_it = bearer(give_key(world, Scope.SIGHTINGS, name="one")[1])
    others = [scope for scope in Scope if scope is not Scope.SIGHTINGS]
    without = bearer(give_key(world, *others, name="other")[1])
    for method, path in paths:
        assert getattr(world.client, method)(path, headers=with_it).status_code == 200
        refused(getattr(world.client, method)(path, headers=without), "scope_missing", 403)


def test_who_said_what_is_in_the_audit_once(world, ada, bob, seen):
    for _ in range(2):
        answer = say(world, request_id=seen["request_id"], verdict="wrong", person=bob)
    world.client.delete(f"/v1/feedback/{answer.json['feedback']['id']}")
    with world.database.read() as session:
        lines = audit.newest(session, 10)
    told = [line.action for line in lines if line.action.startswith("feedback")]
    assert told == [Action.FEEDBACK_WITHDRAWN, Action.FEEDBACK_GIVEN]
    assert all(line.target != ada for line in lines)


def test_two_gateways_that_are_told_the_same_at_once_take_it_down_once(make_world, collins_frames):
    world = make_world(sightings="on")
    world.enroll("Ada", collins_frames[:10])
    seen = show(world, collins_frames[12])
    other = make_world(sightings="on", database_url=world.services.settings.database_url)
    clients = [world.client, other.client] * 3
    with ThreadPoolExecutor(6) as pool:
        told = list(pool.map(
            lambda client: client.post("/v1/feedback", json={"request_id": seen["request_id"], "verdict": "wrong"}),
            clients,
        ))  # fmt: skip
    assert sorted(answer.status_code for answer in told) == [200] * 5 + [201]
    assert world.client.get("/v1/feedback").json["total"] == 1


def proposed(world):
    with world.database.write() as session:
        assert quarantine.propose(session, 0.0, -1.0, 10, lambda _: 1.0) == 1


def test_a_card_asks_whether_it_is_somebody_and_the_answer_is_feedback(world, ada, seen):
    proposed(world)
    cards = world.client.get("/v1/quarantine", query_string={"person": ada}).json
    (card,) = cards["faces"]
    assert cards["total"] == 1 and card["person"]["id"] == ada
    picture = world.client.get(f"/v1/quarantine/{card['id']}/crop")
    assert picture.mimetype == "image/jpeg" and picture.data[:2] == b"\xff\xd8"
    assert say(world, quarantined=card["id"], verdict="right").status_code == 201
    assert world.client.get("/v1/quarantine").json["faces"] == []
    assert world.client.delete(f"/v1/sightings/{card['sighting']}").status_code == 204
    assert world.client.get("/v1/feedback").json["total"] == 1
    refused(world.client.get(f"/v1/quarantine/{'0' * 32}/crop"), "face_not_found", 404)


def test_what_was_learned_is_listed_by_day_and_taken_back_with_one_training(world, ada, seen):
    proposed(world)
    with world.database.write() as session:
        (card,) = quarantine.cards(session, 10)
        assert learned.learn(session, {card.id: ada}, Origin.AUTOMATIC) == 1
    listed = world.client.get("/v1/learned").json
    today = time.strftime("%Y-%m-%d", time.gmtime())
    (day,), (sample,) = listed["days"], listed["learned"]
    assert day == {"day": today, "person": sample["person"], "origin": "automatic", "samples": 1}
    assert sample["person"]["id"] == ada and sample["day"] == today and listed["total"] == 1
    refused(world.client.post("/v1/learned/take-back", json={}), "missing_field", 400)
    refused(world.client.post("/v1/learned/take-back", json={"day": "yesterday"}), "invalid_query", 400)
    refused(world.client.post("/v1/learned/take-back", json={"all": True, "origin": "human"}), "invalid_query", 400)
    nothing = world.client.post("/v1/learned/take-back", json={"day": "2001-01-01"})
    assert nothing.status_code == 200 and nothing.json == {"taken_back": 0, "job": None}
    answer = world.client.post("/v1/learned/take-back", json={"day": today, "person": ada})
    assert answer.status_code == 202 and answer.json["taken_back"] == 1 and answer.json["job"]["kind"] == "learn"
    assert world.client.get("/v1/learned").json["total"] == 0
    with world.database.read() as session:
        assert session.query(Sample).filter_by(person_id=ada).count() >= 5


def test_a_head_that_names_a_face_as_who_it_is_not_does_not_come_back(world, ada, bob, seen):
    before = world.train()
    world.train()
    said = say(world, request_id=seen["request_id"], verdict="wrong").json["feedback"]["id"]
    with world.database.write() as session:
        (face,) = session.scalars(select(QuarantinedFace))
        version = versions.live_head(session).backbone_version
        quarantine.see(session, version, {face.id: samples.of_whom(session, ada, version)[0]})
    answer = world.client.post(f"/v1/models/{before}/rollback")
    assert refused(answer, "version_fails_locked_case", 409)["details"]["feedback"] == [said]
    assert world.client.delete(f"/v1/feedback/{said}").status_code == 200
    assert world.client.post(f"/v1/models/{before}/rollback").status_code == 202
