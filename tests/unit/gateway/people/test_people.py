"""People: list, rename, samples, and forgetting without a trace."""

from pathlib import Path

import pytest
from gateway_world import World, files
from sqlalchemy import func, select

from familiar.records import erasures, trainings
from familiar.records.schema import Embedding, Enrollment, Erasure, FrameVerdict, HeadVersion, Person, Sample
from familiar.records.training import Stage
from familiar.seeing.image import decode


def rows(world: World, table: type) -> int:
    with world.database.read() as session:
        return session.scalar(select(func.count()).select_from(table)) or 0


def test_nobody_enrolled_is_an_empty_list(world):
    assert world.client.get("/v1/people").json == {"people": [], "total": 0, "limit": 100, "offset": 0}


def test_people_are_listed_by_name_in_pages(world, collins_frames, hopper_frames):
    world.enroll("Grace Hopper", hopper_frames[:6])
    world.enroll("Eileen Collins", collins_frames[:6])
    listed = world.client.get("/v1/people").json
    assert [(each["name"], each["samples"], each["live"]) for each in listed["people"]] == [
        ("Eileen Collins", 6, True), ("Grace Hopper", 6, True),
    ]  # fmt: skip
    second = world.client.get("/v1/people?limit=1&offset=1").json
    assert [each["name"] for each in second["people"]] == ["Grace Hopper"] and second["total"] == 2
    person = listed["people"][0]
    shown = world.client.get(f"/v1/people/{person['id']}").json
    assert person.items() <= shown.items() and shown.keys() - person.keys() == {"report", "refused", "consent"}


def test_people_are_found_by_a_part_of_their_name_whatever_capitals_and_accents(world):
    for name in ("Zoé Çelik", "Łukasz", "Zoe Adams", "Straße", "100% Ann_e", "Ωμέγα", "علی\u200cرضا"):
        world.client.post("/v1/enrollments", json={"name": name})

    def found(text: str, **page: int) -> list[str]:
        answer = world.client.get("/v1/people", query_string={"search": text, **page}).json
        return [answer["total"], *(each["name"] for each in answer["people"])]

    assert found("zoe") == [2, "Zoe Adams", "Zoé Çelik"] and found("  ZOÉ ") == found("zoe")
    assert found("zoe", limit=1, offset=1) == [2, "Zoé Çelik"] and found("zoe", offset=2) == [2]
    assert found("celik") == [1, "Zoé Çelik"] and found("STRASSE") == [1, "Straße"]
    assert found("%") == found("_") == [1, "100% Ann_e"]  # nothing stands for anything else
    assert found("ωμεγα") == [1, "Ωμέγα"] and found("علیرضا") == [1, "علی\u200cرضا"]
    assert found("nobody") == [0] and found(" ")[0] == found("")[0] == 7


def test_a_face_to_show_of_each_is_in_the_list(world, collins_frames):
    world.enroll("Eileen Collins", collins_frames[:6])
    world.client.post("/v1/enrollments", json={"name": "Nobody yet"})
    shown, none = world.client.get("/v1/people").json["people"]
    assert none["sample"] is None
    assert world.client.get(f"/v1/people/{shown['id']}/samples/{shown['sample']}").status_code == 200
    assert world.client.get("/v1/people?search=eileen").json["people"] == [shown]


def test_what_a_person_last_agreed_to_is_kept_with_them(world, collins_frames):
    agreed = "Pictures are kept until I am deleted.\nJe suis d\u2019accord\u00a0!"
    opened = world.client.post("/v1/enrollments", json={"name": "Ada", "consent": f" {agreed} "}).json
    card = world.client.get(f"/v1/people/{opened['person']['id']}").json
    assert card["consent"] == {"to": agreed, "at": opened["created_at"]}
    enrolled = world.enroll("Eileen Collins", collins_frames[:6], consent="a form's\r\nlines")["person"]["id"]
    assert world.client.get(f"/v1/people/{enrolled}").json["consent"]["to"] == "a form's\nlines"
    world.client.post("/v1/enrollments", json={"person_id": enrolled, "consent": "first"})
    address = f"/v1/people/{enrolled}"
    assert world.client.get(address).json["consent"]["to"] == "first"
    world.client.post("/v1/enrollments", json={"person_id": enrolled})  # says nothing of it
    assert world.client.get(address).json["consent"]["to"] == "first"
    world.client.post("/v1/enrollments", json={"person_id": enrolled, "consent": "second"})
    assert world.client.get(address).json["consent"]["to"] == "second"
    silent = world.client.post("/v1/enrollments", json={"name": "Silent"}).json["person"]["id"]
    assert world.client.get(f"/v1/people/{silent}").json["consent"] is None
    for bad in ("a" * 4001, "a\0b", 1, None):
        refused = world.client.post("/v1/enrollments", json={"name": "Bad", "consent": bad})
        assert refused.status_code == 400 and refused.json["error"]["code"] == "invalid_field"


def test_a_person_is_shown_with_what_the_live_head_says_of_them(world, collins_frames, hopper_frames):
    collins = world.enroll("Eileen Collins", collins_frames[:6])["person"]
    assert world.client.get(f"/v1/people/{collins['id']}").json["report"]["nearest"] is None
    hopper = world.enroll("Grace Hopper", hopper_frames[:6])["person"]
    reports = {each["id"]: world.client.get(f"/v1/people/{each['id']}").json["report"] for each in (collins, hopper)}
    for one, other in ((collins, hopper), (hopper, collins)):
        told = reports[one["id"]]
        assert told["person"] == one and (told["samples"], told["held_out"], told["missed"]) == (6, 6, 1)
        assert told["nearest"] == {"person": other, "similarity": 0.4321}
        (dropped,) = told["dropped"]
        assert world.client.get(f"/v1/people/{one['id']}/samples/{dropped['sample']}").status_code == 200
    weakest = {"direction": "up", "held_out": 3, "missed": 1, "margin": -0.0123}
    assert sorted((told["weakest"] for told in reports.values()), key=bool) == [None, weakest]
    assert {told["less_sure"] for told in reports.values()} == {"few_comparable", None}


def test_a_person_whom_the_live_head_does_not_know_has_no_report(world, collins_frames):
    enrollment = world.client.post("/v1/enrollments", json={"name": "Eileen Collins"}).json
    assert world.client.get(f"/v1/people/{enrollment['person']['id']}").json["report"] is None


def of(world: World, person_id: str) -> tuple[bool, bool]:
    """Return whether somebody was ever learned, and whether the head in service knows them, as both addresses say."""
    shown = world.client.get(f"/v1/people/{person_id}").json
    (listed,) = (each for each in world.client.get("/v1/people").json["people"] if each["id"] == person_id)
    assert (listed["learned"], listed["live"]) == (shown["learned"], shown["live"])
    return shown["learned"], shown["live"]


def test_who_is_live_is_told_by_the_head_in_service(world, collins_frames, hopper_frames):
    collins = world.client.post("/v1/enroll", data={"name": "Eileen Collins", "frames": files(collins_frames[:6])})
    collins_id = collins.json["person"]["id"]
    assert of(world, collins_id) == (False, False)
    with_collins = world.train()
    hopper_id = world.enroll("Grace Hopper", hopper_frames[:6])["person"]["id"]
    assert of(world, collins_id) == of(world, hopper_id) == (True, True)
    # What a rollback does: weights of before come back under a new number.
    world.publish(world.serving.heads[with_collins][0])
    assert of(world, collins_id) == (True, True) and of(world, hopper_id) == (True, False)
    world.train()
    assert of(world, hopper_id) == (True, True)


def test_who_has_no_samples_any_more_is_live_until_the_next_head(world, collins_frames, hopper_frames):
    gone = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    stays = world.enroll("Grace Hopper", hopper_frames[:6])["person"]["id"]
    for each in world.client.get(f"/v1/people/{gone}/samples").json["samples"]:
        assert world.client.delete(f"/v1/people/{gone}/samples/{each['id']}").status_code == 202
    world.train()
    assert of(world, gone) == (True, False) and of(world, stays) == (True, True)


def test_nobody_deleted_is_the_nearest_of_anybody(world, collins_frames, hopper_frames):
    gone = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    stays = world.enroll("Grace Hopper", hopper_frames[:6])["person"]["id"]
    world.client.delete(f"/v1/people/{gone}")
    answer = world.client.get(f"/v1/people/{stays}")
    assert answer.json["report"]["held_out"] == 6 and answer.json["report"]["nearest"] is None
    assert gone not in answer.text


def test_a_person_is_shown_with_why_frames_of_all_their_enrolments_were_refused_and_of_nobody_elses(
    world, collins_frames, hopper_frames
):
    collins = world.enroll("Eileen Collins", [*collins_frames[:6], b"not a picture"])["person"]["id"]
    world.enroll("Grace Hopper", [*hopper_frames[:6], b"neither", b"is this"])
    again = world.client.post("/v1/enrollments", json={"person_id": collins}).json["id"]
    frames = f"/v1/enrollments/{again}/frames"
    for data in (collins_frames[7], collins_frames[7] + b"\0"):  # the same picture in other bytes is a near copy
        world.client.post(frames, data=data, content_type="image/jpeg")
    assert world.client.get(f"/v1/people/{collins}").json["refused"] == {"invalid_image": 1, "near_copy": 1}


def test_a_new_name_is_shown_from_the_next_answer_on(world, collins_frames):
    person = world.enroll("Eileen Collin", collins_frames[:6])["person"]
    answer = world.client.patch(f"/v1/people/{person['id']}", json={"name": "  Eileen   Collins "})
    assert answer.status_code == 200 and answer.json["name"] == "Eileen Collins"
    faces = world.client.post("/v1/recognize", data=collins_frames[0], content_type="image/jpeg").json["faces"]
    assert faces[0]["person"] == {"id": person["id"], "name": "Eileen Collins"}


def test_a_name_that_is_taken_is_refused_for_a_rename_unless_it_is_meant(world, collins_frames, hopper_frames):
    world.enroll("Eileen Collins", collins_frames[:6])
    other = world.enroll("Grace Hopper", hopper_frames[:6])["person"]
    path = f"/v1/people/{other['id']}"
    answer = world.client.patch(path, json={"name": "Eileen Collins"})
    assert answer.status_code == 409 and answer.json["error"]["code"] == "name_taken"
    assert world.client.patch(path, json={"name": "Grace Hopper"}).status_code == 200  # her own
    assert world.client.patch(path, json={"name": "Eileen Collins", "allow_same_name": True}).status_code == 200


def test_samples_are_listed_in_pages_and_shown_as_pictures(world, collins_frames):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    listed = world.client.get(f"/v1/people/{person}/samples?limit=4&offset=4").json
    assert len(listed["samples"]) == 2 and listed["total"] == 6
    answer = world.client.get(f"/v1/people/{person}/samples/{listed['samples'][0]['id']}")
    assert answer.mimetype == "image/jpeg" and decode(answer.data).shape == (224, 224, 3)
    assert answer.headers["Cache-Control"] == "no-store"


def test_a_sample_of_somebody_else_is_not_shown(world, collins_frames, hopper_frames):
    one = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    other = world.enroll("Grace Hopper", hopper_frames[:6])["person"]["id"]
    sample = world.client.get(f"/v1/people/{one}/samples").json["samples"][0]["id"]
    assert world.client.get(f"/v1/people/{other}/samples/{sample}").status_code == 404
    assert world.client.delete(f"/v1/people/{other}/samples/{sample}").status_code == 404


def test_a_deleted_sample_is_gone_and_the_person_is_learned_anew(world, collins_frames):
    person = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    sample = world.client.get(f"/v1/people/{person}/samples").json["samples"][0]["id"]
    answer = world.client.delete(f"/v1/people/{person}/samples/{sample}")
    assert answer.status_code == 202
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json['job']['id']}"
    assert world.queue.trainings[-1] == answer.json["job"]["id"]
    assert rows(world, Sample) == rows(world, Embedding) == 5


def test_deleting_a_person_erases_everything_and_asks_for_models_without_them(world, collins_frames, hopper_frames):
    gone = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    world.enroll("Grace Hopper", hopper_frames[:6])
    answer = world.client.delete(f"/v1/people/{gone}")
    assert answer.status_code == 202 and answer.json["job"]["status"] == "queued"
    assert answer.headers["Location"] == f"/v1/jobs/{answer.json['job']['id']}"
    assert world.client.get(f"/v1/people/{gone}").status_code == 404
    assert world.client.delete(f"/v1/people/{gone}").status_code == 404
    assert [rows(world, table) for table in (Person, Enrollment, Erasure)] == [1, 1, 1]
    assert rows(world, Sample) == rows(world, Embedding) == rows(world, FrameVerdict) == 6
    with world.database.read() as session:
        held = [head for head in session.scalars(select(HeadVersion)) if gone in head.person_ids]
        assert held and all(head.weights is None for head in held)
        assert [each.id for each in trainings.open_ones(session)] == [answer.json["job"]["id"]]
        assert erasures.open_ones(session) == [gone]


def test_nothing_of_a_deleted_person_stays_in_the_files_of_the_database(make_world, collins_frames, tmp_path: Path):
    world = make_world()
    gone = world.enroll("Eileen Marie Collins", collins_frames[:6])["person"]["id"]
    with world.database.read() as session:
        crops = [sample.crop for sample in session.scalars(select(Sample))]
        vectors = [row.vector for row in session.scalars(select(Embedding))]
    traces = [b"Eileen Marie", *(crop[200:264] for crop in crops), *(vector[:64] for vector in vectors)]
    assert any(trace in file.read_bytes() for file in tmp_path.rglob("*.db*") for trace in traces)
    world.client.delete(f"/v1/people/{gone}")
    for file in tmp_path.rglob("*.db*"):
        assert not [trace for trace in traces if trace in file.read_bytes()], file


def test_deleting_works_with_redis_and_serving_away(world, collins_frames):
    from familiar.errors import ServingUnavailable

    gone = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    world.queue.away, world.serving.fault = True, ServingUnavailable("away")
    assert world.client.delete(f"/v1/people/{gone}").status_code == 202


def test_somebody_can_be_deleted_in_the_middle_of_a_training(world, collins_frames):
    gone = world.enroll("Eileen Collins", collins_frames[:6])["person"]["id"]
    with world.database.write() as session:
        under_way = trainings.ask(session)
        under_way.stage = Stage.TRAINING
        first = under_way.id
    assert world.client.delete(f"/v1/people/{gone}").json["job"]["id"] != first  # learned again after that one


@pytest.mark.parametrize("during", ["open", "capturing"])
def test_somebody_can_be_deleted_in_the_middle_of_a_capture(world, collins_frames, during):
    enrollment = world.client.post("/v1/enrollments", json={"name": "Eileen"}).json
    frames = f"/v1/enrollments/{enrollment['id']}/frames"
    if during == "capturing":
        world.client.post(frames, data=collins_frames[0], content_type="image/jpeg")
    assert world.client.delete(f"/v1/people/{enrollment['person']['id']}").status_code == 202
    assert world.client.post(frames, data=collins_frames[1], content_type="image/jpeg").status_code == 404
    assert world.client.post(f"/v1/enrollments/{enrollment['id']}/finish").status_code == 404
