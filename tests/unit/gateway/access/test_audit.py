"""The audit: who did what is told, what is undone is told too, and nobody who was erased is named."""

import pytest
from doorkeeping import bearer, give_key
from gateway_world import files
from sqlalchemy import text

from familiar.errors import DatabaseUnavailable


@pytest.fixture
def world(make_world):
    """A gateway that asks for keys, and whose client shows one."""
    made = make_world(access="keys")
    key_id, secret = give_key(made, name="operator")
    made.client.environ_base["HTTP_AUTHORIZATION"] = bearer(secret)["Authorization"]
    made.operator = {"id": key_id, "name": "operator"}
    return made


def _told(world):
    answer = world.client.get("/v1/audit").json
    assert answer["total"] == len(answer["entries"])
    return answer["entries"]


def _actions(world):
    return [each["action"] for each in reversed(_told(world))]


def test_who_enrolled_renamed_and_erased_somebody_is_told_and_no_name_stays(world, collins_frames):
    enrolled = world.enroll("Eileen Collins", collins_frames[:8])
    person = enrolled["person"]["id"]
    sample = world.client.get(f"/v1/people/{person}/samples").json["samples"][0]["id"]
    assert world.client.delete(f"/v1/people/{person}/samples/{sample}").status_code == 202
    assert world.client.patch(f"/v1/people/{person}", json={"name": "E. Collins"}).status_code == 200
    assert [(each["target"], each["name"]) for each in _told(world)] == [(person, "E. Collins")] * 3
    assert world.client.delete(f"/v1/people/{person}").status_code == 202
    told = _told(world)
    assert _actions(world) == ["person_enrolled", "sample_removed", "person_renamed", "person_erased"]
    assert len({each["target"] for each in told}) == 1 and all(each["name"] is None for each in told)
    assert all(each["who"] == world.operator and each["address"] == "127.0.0.1" for each in told)
    assert "Collins" not in world.client.get("/v1/audit").text and person not in world.client.get("/v1/audit").text
    with world.database.read() as session:
        rows = str(session.execute(text("SELECT * FROM audit")).all())
    assert "Collins" not in rows and person not in rows


def test_a_live_capture_is_told_once_when_it_is_finished(world, collins_frames):
    opened = world.client.post("/v1/enrollments", json={"name": "Eileen Collins"}).json["id"]
    sent = {"frames": files(collins_frames[:8])}
    assert world.client.post(f"/v1/enrollments/{opened}/frames", data=sent).status_code == 200
    assert _actions(world) == []
    for _ in range(2):
        assert world.client.post(f"/v1/enrollments/{opened}/finish").status_code == 202
    assert _actions(world) == ["person_enrolled"]


def test_a_rollback_is_told_and_one_that_is_refused_is_not(world, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:8])
    first = world.client.get("/v1/models").json["heads"][-1]["version"]
    live = world.client.get("/v1/models").json["live"]
    assert world.client.post(f"/v1/models/{live}/rollback").status_code == 409
    assert world.client.post(f"/v1/models/{first}/rollback").status_code == 202
    newest = _told(world)[0]
    assert (newest["action"], newest["target"], newest["name"]) == ("head_rolled_back", str(first), None)


def test_what_is_refused_or_fails_is_not_told(world):
    nobody = "0" * 32
    assert world.client.delete(f"/v1/people/{nobody}").status_code == 404
    assert world.client.patch(f"/v1/people/{nobody}", json={"name": "Ada"}).status_code == 404
    assert world.client.delete(f"/v1/keys/{nobody}").status_code == 404
    assert world.client.delete("/v1/site").status_code == 404
    assert _actions(world) == []


def test_where_no_key_is_asked_for_the_address_is_told(make_world, collins_frames):
    world = make_world(access="open")
    world.enroll("Eileen Collins", collins_frames[:8])
    (entry,) = _told(world)
    assert entry["who"] is None and entry["address"] == "127.0.0.1"


def test_pages_go_from_the_newest_to_the_oldest(world):
    for number in range(5):
        world.client.post("/v1/keys", json={"name": f"key {number}", "scopes": ["people"]})
    pages = [world.client.get(f"/v1/audit?limit=2&offset={offset}").json for offset in (0, 2, 4)]
    assert [each["name"] for page in pages for each in page["entries"]] == [
        f"key {number}" for number in (4, 3, 2, 1, 0)
    ]
    assert {page["total"] for page in pages} == {5}


@pytest.mark.parametrize("change", ["UPDATE audit SET action = 'x'", "DELETE FROM audit"])
def test_the_database_takes_no_line_back(world, change):
    world.client.post("/v1/keys", json={"name": "door", "scopes": ["people"]})
    with pytest.raises(DatabaseUnavailable), world.database.write() as session:
        session.execute(text(change))
    assert _actions(world) == ["key_made"]
