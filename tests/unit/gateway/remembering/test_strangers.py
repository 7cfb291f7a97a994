"""Who came by and is not known: listed as groups, and made somebody by whoever knows who it is."""

import pytest
from gateway_world import World
from remembering import JPEG, remembered, show

from familiar.errors import ServingUnavailable
from familiar.records import sightings, strangers


def come_by(world: World, frames: list[bytes], camera: str = "door") -> str:
    """Have somebody come by, once for each frame, and group the sightings; return the id of the stranger."""
    for number, frame in enumerate(frames):
        show(world, frame, camera=f"{camera} {number}")
    return grouped(world)


def grouped(world: World) -> str:
    """Make one stranger of all unknown sightings that are of none; the trainer decides that otherwise."""
    with world.database.write() as session:
        stranger_id = strangers.begin(session)
        strangers.assign(session, dict.fromkeys(strangers.ungrouped(session, 1, 1000), stranger_id))
        return stranger_id


def name(world: World, stranger_id: str, **fields: object) -> object:
    return world.client.post(f"/v1/strangers/{stranger_id}/name", json=fields)


def listed(world: World, **query: str) -> list[dict]:
    return world.client.get("/v1/strangers", query_string=query).json["strangers"]


def test_strangers_are_listed_the_last_one_seen_first_with_a_face(world, collins_frames, hopper_frames):
    collins = come_by(world, collins_frames[:3])
    hopper = come_by(world, hopper_frames[:2])
    first, second = listed(world)
    assert (first["id"], first["sightings"], second["id"], second["sightings"]) == (hopper, 2, collins, 3)
    crop = first["crop"]
    assert world.client.get(f"/v1/sightings/{crop['sighting']}/crops/{crop['index']}").mimetype == "image/jpeg"
    assert [each["id"] for each in listed(world, least="3")] == [collins]
    assert [each["id"] for each in listed(world, offset="1")] == [collins]
    assert len(remembered(world, stranger=hopper)) == 2
    assert world.client.get(f"/v1/strangers/{hopper}").json == {**first, "changes": []}


def test_one_who_went_into_another_is_told_of_there(world, collins_frames):
    old, new = come_by(world, collins_frames[:2]), come_by(world, collins_frames[2:4], camera="yard")
    with world.database.write() as session:
        strangers.merge(session, old, new)
    answer = world.client.get(f"/v1/strangers/{old}")
    assert (answer.status_code, answer.json["error"]["code"]) == (404, "stranger_not_found")
    assert answer.json["error"]["details"] == {"merged_into": new}
    (change,) = world.client.get(f"/v1/strangers/{new}").json["changes"]
    assert (change["change"], change["stranger"], change["other"], change["sightings"]) == ("merged", old, new, 2)


def test_a_stranger_who_is_named_is_somebody_with_those_crops_as_samples(world, collins_frames):
    stranger = come_by(world, collins_frames[:8])
    answer = name(world, stranger, name="Eileen Collins", consent="by word of mouth")
    assert answer.status_code == 202 and answer.json["status"] == "queued"
    person = answer.json["person"]
    assert listed(world) == []
    rows = remembered(world, person=person["id"])
    assert len(rows) == 8 and {row["status"] for row in rows} == {"unknown"} and all(row["named_at"] for row in rows)
    world.train()
    card = world.client.get(f"/v1/people/{person['id']}").json
    assert (card["name"], card["samples"], card["consent"]["to"]) == ("Eileen Collins", 8, "by word of mouth")
    times = [each["captured_at"] for each in world.client.get(f"/v1/people/{person['id']}/samples").json["samples"]]
    assert times == sorted(row["captured_at"] for row in rows)
    assert show(world, collins_frames[0])["faces"][0]["person"] == person
    actions = [entry["action"] for entry in world.client.get("/v1/audit").json["entries"]]
    assert actions[:2] == ["stranger_named", "person_enrolled"]
    assert name(world, stranger, name="Somebody else").status_code == 404


def test_a_stranger_may_be_somebody_who_is_there(world, collins_frames):
    stranger = come_by(world, collins_frames[10:18])
    person = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    assert name(world, stranger, person_id=person["id"]).status_code == 202
    assert len(remembered(world, person=person["id"])) == 8
    assert world.client.get(f"/v1/people/{person['id']}").json["samples"] == 18


def test_what_was_named_wrongly_is_undone_and_the_sightings_are_of_nobody_again(world, collins_frames, hopper_frames):
    person = world.enroll("Grace Hopper", hopper_frames[:10])["person"]
    world.train()
    show(world, hopper_frames[0])
    stranger = come_by(world, collins_frames[:8])
    assert name(world, stranger, person_id=person["id"], if_not_alike="take").status_code == 202
    assert len(remembered(world, person=person["id"])) == 9
    (added,) = world.client.get("/v1/corrections").json["corrections"]
    assert world.client.post(f"/v1/corrections/{added['id']}/undo").status_code == 202
    assert len(remembered(world, person=person["id"])) == 1
    unknown = remembered(world, unknown="true")
    assert len(unknown) == 8 and {(each["named_at"], each["stranger"]) for each in unknown} == {(None, None)}
    assert len(remembered(world, stranger=grouped(world))) == 8


def test_those_who_are_merged_came_by_as_one(world, collins_frames, hopper_frames):
    collins, hopper = (
        world.enroll(called, frames[:10])["person"]
        for called, frames in (("Eileen Collins", collins_frames), ("Grace Hopper", hopper_frames))
    )
    world.train()
    show(world, collins_frames[0], hopper_frames[0])
    both = {each["id"] for each in remembered(world)}
    merged = world.client.post(f"/v1/people/{collins['id']}/merge", json={"person_id": hopper["id"]})
    assert merged.status_code == 202
    assert {each["id"] for each in remembered(world, person=collins["id"])} == both
    for each in remembered(world):
        assert [one["person"] for one in each["candidates"]] == [collins] and each["person"] == collins
    assert world.client.post(f"/v1/corrections/{merged.json['correction']['id']}/undo").status_code == 202
    assert {each["person"]["id"] for each in remembered(world)} == {collins["id"], hopper["id"]}


def test_one_who_is_known_already_is_a_question(world, collins_frames):
    stranger = come_by(world, collins_frames[10:18])
    person = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    answer = name(world, stranger, name="E. Collins")
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "already_known")
    assert [each["id"] for each in listed(world)] == [stranger]
    answer = name(world, stranger, name="E. Collins", if_known="add")
    assert answer.status_code == 202 and answer.json["person"] == person
    assert len(remembered(world, person=person["id"])) == 8
    assert world.client.get("/v1/people").json["total"] == 1


@pytest.mark.parametrize("way", ["too_few", "taken", "away", "nobody"])
def test_where_something_is_in_the_way_nothing_is_changed(world, collins_frames, hopper_frames, way):
    world.enroll("Grace Hopper", hopper_frames[:10])
    stranger = come_by(world, collins_frames[: 2 if way == "too_few" else 8])
    before = remembered(world), listed(world), world.client.get("/v1/people").json
    if way == "away":
        world.serving.fault = ServingUnavailable("it is away")
    fields = {"person_id": "0" * 32} if way == "nobody" else {"name": "Grace Hopper" if way == "taken" else "Ada"}
    answer = name(world, stranger, **fields)
    world.serving.fault = None
    wanted = {"too_few": (409, "too_few_samples"), "taken": (409, "name_taken"), "away": (503, "serving_unavailable"),
              "nobody": (404, "person_not_found")}  # fmt: skip
    assert (answer.status_code, answer.json["error"]["code"]) == wanted[way]
    assert (remembered(world), listed(world), world.client.get("/v1/people").json) == before
    if way == "too_few":
        assert answer.json["error"]["details"]["received"] == 2


def test_a_stranger_who_goes_into_another_while_being_named_is_not_named(world, collins_frames, monkeypatch):
    stranger, other = come_by(world, collins_frames[:8]), come_by(world, collins_frames[8:10], camera="yard")
    real = world.services.capturer.add_seen

    def merge_meanwhile(*given: object) -> object:
        with world.database.write() as session:
            strangers.merge(session, stranger, other)
        return real(*given)

    monkeypatch.setattr(world.services.capturer, "add_seen", merge_meanwhile)
    answer = name(world, stranger, name="Eileen Collins")
    assert answer.status_code == 404 and answer.json["error"]["details"] == {"merged_into": other}
    assert world.client.get("/v1/people").json["total"] == 0
    assert [(each["id"], each["sightings"]) for each in listed(world)] == [(other, 10)]


def test_who_was_named_and_is_deleted_takes_the_sightings_along(world, collins_frames, hopper_frames):
    stranger = come_by(world, collins_frames[:8])
    other = come_by(world, hopper_frames[:1])
    person = name(world, stranger, name="Eileen Collins").json["person"]["id"]
    world.train()
    assert world.client.delete(f"/v1/people/{person}").status_code == 202
    assert [each["stranger"] for each in remembered(world)] == [other]
    with world.database.read() as session:
        assert sightings.count(session) == 1


def test_past_sightings_of_a_face_are_found_known_or_not(world, collins_frames, hopper_frames):
    come_by(world, hopper_frames[:3])
    come_by(world, collins_frames[:2])
    world.enroll("Eileen Collins", collins_frames[:10])
    show(world, collins_frames[2], camera="yard")
    answer = world.client.post("/v1/search", data=collins_frames[0], headers=JPEG)
    assert answer.status_code == 200 and answer.json["face"]["status"] == "known"
    assert (answer.json["searched"], answer.json["not_searched"]) == (6, 0)
    scores = [each["score"] for each in answer.json["sightings"]]
    assert scores == sorted(scores, reverse=True) and scores[0] > 0.99
    best = {each["sighting"]["camera"] for each in answer.json["sightings"][:3]}
    assert best == {"door 0", "door 1", "yard"}
    for way in ({"query_string": {"camera": "yard", "limit": "1"}, "data": collins_frames[0], "headers": JPEG},):
        (only,) = world.client.post("/v1/search", **way).json["sightings"]
        assert only["sighting"]["camera"] == "yard" and only["sighting"]["status"] == "known"
    unknown = world.client.post("/v1/search?unknown=true", data=collins_frames[0], headers=JPEG).json
    assert unknown["searched"] == 5 and {each["sighting"]["status"] for each in unknown["sightings"]} == {"unknown"}


def test_a_picture_without_a_face_finds_nobody(world, collins_frames, collins):
    from familiar.seeing.image import encode_jpeg

    show(world, collins_frames[0])
    answer = world.client.post("/v1/search", data=encode_jpeg(collins[:40, :40]), headers=JPEG)
    assert (answer.status_code, answer.json["face"], answer.json["sightings"]) == (200, None, [])


@pytest.mark.parametrize("wrong", [{"limit": "0"}, {"limit": "101"}, {"limit": "x"}, {"person": "me"}, {"sort": "1"}])
def test_a_search_that_cannot_be_meant_is_refused(world, collins_frames, wrong):
    answer = world.client.post("/v1/search", data=collins_frames[0], headers=JPEG, query_string=wrong)
    assert answer.status_code == 400
