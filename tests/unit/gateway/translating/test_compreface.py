"""CompreFace's calls, in its own words: each call, and each thing that goes wrong with its number and status."""

import base64
import uuid
from typing import Any
from urllib.parse import quote

import numpy as np
import pytest
from comprefacing import NOBODY, fault, send, teach
from gateway_world import World

from familiar.records import Action, audit
from familiar.seeing.image import Frame, encode_jpeg


@pytest.fixture
def world(make_world) -> World:
    """A gateway with the door open."""
    return make_world(doors="compreface")


def test_one_picture_makes_a_subject_that_is_recognised_after_the_training(client, world, ada):
    assert client.get("/api/v1/recognition/subjects").json == {"subjects": []}
    (image_id,) = teach(client, world, "Ada", ada[0])
    assert uuid.UUID(image_id).hex != image_id
    assert client.get("/api/v1/recognition/subjects").json == {"subjects": ["Ada"]}
    answer = send(client, "/recognition/recognize?prediction_count=3", file=ada[4])
    assert answer.status_code == 200 and list(answer.json) == ["result"]
    (face,) = answer.json["result"]
    assert set(face) == {"box", "subjects"}
    box = face["box"]
    assert set(box) == {"probability", "x_min", "y_min", "x_max", "y_max"} and 0.5 < box["probability"] <= 1
    assert all(type(box[side]) is int for side in box if side != "probability") and box["x_min"] < box["x_max"]
    (named,) = face["subjects"]
    assert named["subject"] == "Ada" and 0.8 <= named["similarity"] <= 1


def test_more_pictures_are_added_to_the_same_person(client, world, ada):
    teach(client, world, "Ada", *ada[:3])
    people = world.client.get("/v1/people").json["people"]
    assert [(each["name"], each["samples"], each["live"]) for each in people] == [("Ada", 3, True)]


def test_somebody_unknown_has_no_subjects(client, world, ada, grace):
    for _ in range(2):  # with nobody enrolled at all, too
        answer = send(client, "/recognition/recognize", file=grace[0])
        assert [face["subjects"] for face in answer.json["result"]] == [[]]
        if not world.client.get("/v1/people").json["people"]:
            teach(client, world, "Ada", ada[0])


def test_a_face_that_is_too_bad_to_tell_has_no_subjects(client, world, ada, collins: Frame):
    teach(client, world, "Ada", ada[0])
    dark = encode_jpeg((collins[:300, 60:360] * 0.02).astype(np.uint8))
    ours = world.client.post("/v1/recognize", data=dark, content_type="image/jpeg").json["faces"]
    answer = send(client, "/recognition/recognize", file=dark)
    if ours:
        assert [face["status"] for face in ours] == ["rejected"] and answer.json["result"][0]["subjects"] == []
    else:
        assert fault(answer) == (400, 28)


def test_clients_are_told_more_where_they_ask_for_it(client, world, ada):
    plugins = "landmarks,%20pose,age,gender,mask,calculator,undefined"
    asked = f"face_plugins={plugins}&status=True&limit=1&det_prob_threshold=0.5"
    answer = send(client, f"/recognition/recognize?&{asked}&detect_faces=true", file=ada[0]).json
    (face,) = answer["result"]
    assert set(face) == {"box", "subjects", "landmarks", "pose", "execution_time"}
    assert len(face["landmarks"]) == 5 and all(len(point) == 2 for point in face["landmarks"])
    assert set(face["pose"]) == {"pitch", "roll", "yaw"} and set(face["execution_time"]) == {"detector", "calculator"}
    assert set(answer["plugins_versions"]) == {"detector", "calculator"}
    assert set(send(client, "/detection/detect?status=true", file=ada[0]).json["plugins_versions"]) == {"detector"}


@pytest.mark.parametrize("route", ["/recognition/recognize", "/detection/detect"])
def test_pictures_come_as_base64_as_well(client, route, ada):
    body = {"file": base64.b64encode(ada[0]).decode(), "anything": 1}
    answer = client.post(f"/api/v1{route}", json=body)
    assert answer.status_code == 200 and len(answer.json["result"]) == 1


def test_the_largest_faces_come_first_and_limit_and_the_detectors_doubt_leave_others_out(
    client, collins: Frame, hopper: Frame
):
    height = 512
    canvas = np.full((height, 900, 3), 128, np.uint8)
    canvas[:height, :400] = hopper[:height, :400]
    canvas[:300, 500:800] = collins[:300, 60:360]
    picture = encode_jpeg(canvas)

    def boxes(query: str) -> list[dict[str, Any]]:
        return [face["box"] for face in send(client, f"/detection/detect?{query}", file=picture).json["result"]]

    both = boxes("limit=0")
    areas = [(box["x_max"] - box["x_min"]) * (box["y_max"] - box["y_min"]) for box in both]
    assert len(both) == 2 and areas == sorted(areas, reverse=True)
    assert boxes("limit=1") == both[:1]
    surest = max(box["probability"] for box in both)
    assert boxes(f"det_prob_threshold={surest - 1e-4}") == [box for box in both if box["probability"] >= surest - 1e-4]
    assert fault(send(client, "/detection/detect?det_prob_threshold=1", file=picture)) == (400, 28)


def test_two_pictures_are_compared_and_our_threshold_lies_between_the_numbers_of_theirs(client, strangers, ada, grace):
    def similarity(source: bytes, target: bytes) -> float:
        (answer,) = send(client, "/verification/verify", source_image=source, target_image=target).json["result"]
        assert set(answer) == {"source_image_face", "face_matches"} and "box" in answer["source_image_face"]
        (match,) = answer["face_matches"]
        return float(match["similarity"])

    assert similarity(ada[0], ada[1]) >= 0.8
    assert similarity(ada[0], grace[0]) < 0.4
    assert similarity(ada[0], ada[0]) == pytest.approx(1.0, abs=0.001)


def test_a_picture_is_compared_with_an_example(client, world, strangers, ada, grace):
    (image_id,) = teach(client, world, "Ada", ada[0])
    for picture, same in ((ada[1], True), (grace[0], False)):
        answer = send(client, f"/recognition/faces/{image_id}/verify?status=true", file=picture).json
        assert set(answer) == {"result", "plugins_versions"}
        (match,) = answer["result"]
        assert match["similarity"] >= 0.8 if same else match["similarity"] < 0.4


def test_what_cannot_be_told_is_no_likeness(client, ada):
    answer = send(client, "/verification/verify", source_image=ada[0], target_image=ada[1])
    assert answer.json["result"][0]["face_matches"][0]["similarity"] == 0, "nothing is known of strangers here"


def test_a_subject_may_be_there_before_its_pictures(client, world, ada):
    answer = client.post("/api/v1/recognition/subjects", json={"subject": "  Ada \u00a0 Lovelace"})
    assert (answer.status_code, answer.json) == (201, {"subject": "Ada Lovelace"})
    assert fault(client.post("/api/v1/recognition/subjects", json={"subject": "Ada Lovelace"})) == (400, 43)
    assert client.get("/api/v1/recognition/subjects/").json == {"subjects": ["Ada Lovelace"]}
    assert world.client.get("/v1/people").json["people"][0]["samples"] == 0
    teach(client, world, "Ada Lovelace", ada[0])
    (face,) = send(client, "/recognition/recognize", file=ada[1]).json["result"]
    assert face["subjects"][0]["subject"] == "Ada Lovelace"


def test_a_subject_is_renamed_and_becomes_one_with_whoever_has_the_name(client, world, ada, grace):
    teach(client, world, "Eileen", ada[0])
    teach(client, world, "Grace", grace[0])
    before = {each["name"]: each["id"] for each in world.client.get("/v1/people").json["people"]}
    body = {"subject": "Eileen Collins", "api_endpoint": "Eileen"}  # as the client sends it
    assert client.put("/api/v1/recognition/subjects/Eileen", json=body).json == {"updated": True}
    assert client.get("/api/v1/recognition/subjects").json == {"subjects": ["Eileen Collins", "Grace"]}
    same = client.put("/api/v1/recognition/subjects/Eileen Collins", json={"subject": "Eileen Collins"})
    assert same.json == {"updated": True}
    merged = client.put("/api/v1/recognition/subjects/Eileen Collins", json={"subject": "Grace"})
    assert merged.json == {"updated": True}
    (person,) = world.client.get("/v1/people").json["people"]
    assert (person["id"], person["name"], person["samples"]) == (before["Grace"], "Grace", 2)
    assert world.client.get("/v1/corrections").json["corrections"][0]["kind"] == "merge"


def test_a_subject_without_pictures_becomes_one_with_somebody_too(client, world, ada):
    client.post("/api/v1/recognition/subjects", json={"subject": "Somebody"})
    teach(client, world, "Ada", ada[0])
    assert client.put("/api/v1/recognition/subjects/Somebody", json={"subject": "Ada"}).json == {"updated": True}
    assert client.get("/api/v1/recognition/subjects").json == {"subjects": ["Ada"]}


def test_a_name_may_have_any_letter_and_a_slash(client, world, ada):
    name = "Zoë/Łucja (9 B) 李"
    teach(client, world, name, ada[0])
    path = "/api/v1/recognition/subjects/Zo%C3%AB%2F%C5%81ucja%20(9%20B)%20%E6%9D%8E"
    assert client.delete(path).json == {"subject": name}


@pytest.mark.parametrize("name", ["/Ada", "/", "//Ada", "Ada/"])
def test_a_name_with_a_slash_at_an_end_leads_to_nobody_else(client, name):
    names = ["/", "//Ada", "/Ada", "Ada", "Ada/"]
    for each in names:
        client.post("/api/v1/recognition/subjects", json={"subject": each})
    for way in (quote(name, safe=""), name):
        address = f"/api/v1/recognition/subjects/{way}"
        assert client.put(address, json={"subject": "Grace"}, follow_redirects=True).json == {"updated": True}
        client.put("/api/v1/recognition/subjects/Grace", json={"subject": name})
    assert client.delete(address, follow_redirects=True).json == {"subject": name}
    names.remove(name)
    assert sorted(client.get("/api/v1/recognition/subjects").json["subjects"]) == sorted(names)


def test_everybody_is_deleted_only_where_no_name_is_missing(client):
    client.post("/api/v1/recognition/subjects", json={"subject": "."})  # which clients leave out of an address
    assert client.delete("/api/v1/recognition/subjects/").status_code == 405
    assert client.delete("/api/v1/recognition/subjects").json == {"deleted": 1}


def test_examples_are_listed_in_pages_shown_and_deleted(client, world, ada, grace):
    adas = teach(client, world, "Ada", *ada[:3])
    graces = teach(client, world, "Grace", *grace[:2])
    listed = client.get("/api/v1/recognition/faces").json
    assert listed == {
        "faces": [{"image_id": each, "subject": "Ada"} for each in adas]
        + [{"image_id": each, "subject": "Grace"} for each in graces],
        "page_number": 0, "page_size": 20, "total_pages": 1, "total_elements": 5,
    }  # fmt: skip
    page = client.get("/api/v1/recognition/faces?page=1&size=2").json
    assert [each["image_id"] for each in page["faces"]] == [adas[2], graces[0]]
    assert (page["page_number"], page["page_size"], page["total_pages"], page["total_elements"]) == (1, 2, 3, 5)
    theirs = client.get("/api/v1/recognition/faces?subject=Grace").json
    assert [each["image_id"] for each in theirs["faces"]] == graces and theirs["total_elements"] == 2

    shown = client.get(f"/api/v1/recognition/faces/{adas[0]}/img")
    assert shown.mimetype == "image/jpeg" and shown.data[:2] == b"\xff\xd8"
    gone = client.delete(f"/api/v1/recognition/faces/{adas[0]}")
    assert gone.json == {"image_id": adas[0], "subject": "Ada"}
    assert fault(client.delete(f"/api/v1/recognition/faces/{adas[0]}")) == (404, 11)
    several = client.post("/api/v1/recognition/faces/delete", json=[adas[1], NOBODY])
    assert several.json == [{"image_id": adas[1], "subject": "Ada"}]
    assert client.delete("/api/v1/recognition/faces?subject=Grace").json == {"deleted": 2}
    assert client.delete("/api/v1/recognition/faces?subject=Nobody").json == {"deleted": 0}
    assert client.get("/api/v1/recognition/subjects").json == {"subjects": ["Ada", "Grace"]}
    assert client.delete("/api/v1/recognition/faces").json == {"deleted": 1}
    assert client.get("/api/v1/recognition/faces").json["total_pages"] == 0


def test_subjects_are_deleted_with_all_that_is_theirs(client, world, ada, grace):
    teach(client, world, "Ada", ada[0])
    teach(client, world, "Grace", grace[0])
    assert client.delete("/api/v1/recognition/subjects/Ada").json == {"subject": "Ada"}
    assert send(client, "/recognition/recognize", file=ada[1]).json["result"][0]["subjects"] == []
    assert fault(client.delete("/api/v1/recognition/subjects/Ada")) == (404, 42)
    assert client.delete("/api/v1/recognition/subjects").json == {"deleted": 1}
    assert client.delete("/api/v1/recognition/subjects").json == {"deleted": 0}
    assert world.client.get("/v1/people").json["people"] == []


def test_nothing_is_learned_anew_for_what_was_not_there(client, world):
    for path in ("/recognition/subjects", "/recognition/faces", "/recognition/faces?subject=Ada"):
        assert client.delete(f"/api/v1{path}").json == {"deleted": 0}
    assert client.post("/api/v1/recognition/faces/delete", json=[NOBODY]).json == []
    assert world.client.get("/v1/jobs").json["jobs"] == []


def test_what_is_done_through_the_door_is_in_the_audit(client, world, ada):
    client.post("/api/v1/recognition/subjects", json={"subject": "Ada"})
    (image_id,) = teach(client, world, "Ada", ada[0])
    client.put("/api/v1/recognition/subjects/Ada", json={"subject": "Ada Lovelace"})
    client.delete(f"/api/v1/recognition/faces/{image_id}")
    client.delete("/api/v1/recognition/subjects/Ada Lovelace")
    with world.database.read() as session:
        done = [Action(each.action) for each in audit.newest(session, limit=10, offset=0)]
    assert done == [
        Action.PERSON_ERASED, Action.SAMPLE_REMOVED, Action.PERSON_RENAMED, Action.PERSON_ENROLLED,
        Action.PERSON_ENROLLED,
    ]  # fmt: skip
