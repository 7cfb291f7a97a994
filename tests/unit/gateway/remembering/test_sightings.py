"""Who came by is kept where that is wanted: one sighting for one pass, found again, and gone with whoever it was."""

import csv
import io
import json
import threading
import time
from datetime import UTC, datetime
from urllib.parse import urlencode

import cv2
import numpy as np
import pytest
from doorkeeping import bearer, give_key
from remembering import JPEG, remembered, show

from familiar.errors import DatabaseUnavailable
from familiar.records import passes, sightings
from familiar.scope import Scope
from familiar.seeing.image import decode, encode_jpeg
from familiar_gateway.remembering import notebook


def at(seconds: float) -> str:
    return datetime.fromtimestamp(1_700_000_000 + seconds, UTC).isoformat()


def test_nothing_is_kept_unless_that_is_wanted(make_world, collins_frames):
    world = make_world()
    show(world, collins_frames[0])
    assert remembered(world) == []
    with world.database.read() as session:
        assert sightings.count(session) == 0


def test_a_sighting_tells_who_came_by_and_what_was_said(world, collins_frames):
    enrolled = world.enroll("Eileen Collins", collins_frames[:10])
    answer = show(world, collins_frames[3], camera="door", captured_at=at(0))
    (sighting,) = remembered(world)
    (face,) = answer["faces"]
    told = {name: sighting[name] for name in ("status", "person", "score", "candidates")}
    assert told == {name: face[name] for name in told} and sighting["person"] == enrolled["person"]
    assert (sighting["camera"], sighting["frames"], sighting["agreeing"]) == ("door", 1, 1)
    assert sighting["captured_at"] == sighting["last_at"] == "2023-11-14T22:13:20.000+00:00"
    assert sighting["head_version"] == answer["head_version"]
    (crop,) = sighting["crops"]
    assert crop["request_id"] == answer["request_id"] and crop["face"] == 0 and crop["box"] == face["box"]
    picture = world.client.get(f"/v1/sightings/{sighting['id']}/crops/{crop['index']}")
    assert picture.mimetype == "image/jpeg" and decode(picture.data).shape == (96, 96, 3)
    assert world.client.get(f"/v1/sightings/{sighting['id']}").json == sighting


def test_frames_of_one_pass_are_one_sighting_with_the_best_crops(world, one_pass):
    show(world, *one_pass, camera="door")
    (sighting,) = remembered(world)
    assert sighting["frames"] == sighting["agreeing"] == 8
    assert len(sighting["crops"]) == passes.MOST_CROPS
    assert len({crop["request_id"] for crop in sighting["crops"]}) == passes.MOST_CROPS


@pytest.mark.parametrize("apart", ["camera", "time", "face"])
def test_what_is_of_another_camera_time_or_face_is_another_sighting(world, collins_frames, hopper_frames, apart):
    second = hopper_frames[0] if apart == "face" else collins_frames[0]
    show(world, collins_frames[0], camera="door", captured_at=at(0))
    show(world, second, camera="yard" if apart == "camera" else "door", captured_at=at(60 if apart == "time" else 1))
    assert [each["frames"] for each in remembered(world)] == [1, 1]


def test_frames_that_come_late_and_out_of_order_join_the_pass_that_they_are_of(world, collins_frames):
    for seconds in (0, 8, 4, 16, 60, 12):
        show(world, collins_frames[0], camera="door", captured_at=at(seconds))
    assert [each["frames"] for each in remembered(world)] == [1, 5]


def test_two_faces_on_one_picture_are_two_sightings_however_alike(world, collins):
    show(world, encode_jpeg(np.hstack([collins[:300, 60:360]] * 2)))
    first, second = remembered(world)
    assert {first["crops"][0]["face"], second["crops"][0]["face"]} == {0, 1}


def test_a_burst_is_one_sighting_of_all_its_good_frames(world, one_pass):
    frames = [(io.BytesIO(frame), "a.jpg") for frame in one_pass[:5]]
    answer = world.client.post("/v1/recognize", data={"image": frames, "camera": "door"})
    assert answer.status_code == 200 and world.services.witness.flush()
    (sighting,) = remembered(world)
    good = [frame for frame in answer.json["frames"] if not frame["reasons"]]
    assert (sighting["frames"], sighting["camera"]) == (len(good), "door")
    assert sighting["status"] == answer.json["faces"][0]["status"]


def test_somebody_named_on_one_frame_of_a_pass_is_named_as_a_whole(world, collins_frames, one_pass):
    show(world, one_pass[0], camera="door")
    world.enroll("Eileen Collins", collins_frames[:10])
    for frame in (one_pass[3], one_pass[6]):
        assert show(world, frame, camera="door")["faces"][0]["status"] == "known"
    (sighting,) = remembered(world)
    assert (sighting["status"], sighting["frames"], sighting["agreeing"]) == ("known", 3, 2)


def test_what_is_too_bad_to_ask_about_is_not_kept(world, collins):
    answer = show(world, encode_jpeg((collins[:300, 60:360] * 0.06).astype(np.uint8)))
    assert [face["status"] for face in answer["faces"]] == ["rejected"]
    assert remembered(world) == []


def test_sightings_are_found_by_person_camera_and_time_and_those_of_nobody_known(world, collins_frames, hopper_frames):
    person = world.enroll("Eileen Collins", collins_frames[:10])["person"]["id"]
    for seconds, camera, frame in ((0, "door", collins_frames[0]), (100, "yard", hopper_frames[0]),
                                   (200, "door", hopper_frames[0]), (300, "yard", collins_frames[0])):  # fmt: skip
        show(world, frame, camera=camera, captured_at=at(seconds))

    def found(**query: str) -> list[int]:
        starts = [datetime.fromisoformat(each["captured_at"]).timestamp() for each in remembered(world, **query)]
        return [round(start - 1_700_000_000) for start in starts]

    assert found() == [300, 200, 100, 0]
    assert found(person=person) == [300, 0] and found(unknown="true") == [200, 100]
    assert found(camera="door") == [200, 0] and found(camera="none") == []
    assert found(since=at(100)) == [300, 200, 100] and found(until=at(100)) == [0]
    assert found(since=at(50), until=at(250), camera="yard", unknown="true") == [100]


@pytest.mark.parametrize("wrong", [
    {"person": "me"}, {"unknown": "yes"}, {"since": "yesterday"}, {"until": "2026-13-01"}, {"after": "1"},
    {"format": "xml"}, {"unknown": "true", "person": "0" * 32}, {"camera": "\x00"}, {"limit": "0"}, {"offset": "1"},
])  # fmt: skip
def test_a_query_that_cannot_be_meant_is_refused(world, wrong):
    answer = world.client.get("/v1/sightings", query_string=wrong)
    assert answer.status_code == 400, answer.text


@pytest.mark.parametrize("wrong", ["soon", "2026-01-01T25:00", "9999-01-01T00:00:00Z", "1969-01-01T00:00:00Z", ""])
def test_a_time_at_which_nothing_can_have_been_captured_is_refused(world, collins_frames, wrong):
    answer = world.client.post(
        "/v1/recognize", data=collins_frames[0], headers=JPEG, query_string={"captured_at": wrong}
    )
    assert (answer.status_code, answer.json["error"]["code"]) == (400, "invalid_field")


def test_all_sightings_are_leafed_through_also_while_others_come(world, collins_frames):
    for number in range(7):
        show(world, collins_frames[0], camera=f"camera {number}", captured_at=at(number))
    seen, after = [], {}
    while True:
        part = world.client.get("/v1/sightings", query_string={"limit": "3", **after}).json
        seen += [each["camera"] for each in part["sightings"]]
        show(world, collins_frames[0], camera="new", captured_at=at(100 + 20 * len(seen)))
        if part["next"] is None:
            break
        after = {"after": part["next"]}
    assert seen == [f"camera {number}" for number in reversed(range(7))]


@pytest.mark.parametrize("way", ["format", "accept"])
def test_the_list_comes_as_a_table_that_no_spreadsheet_computes(world, collins_frames, way):
    world.enroll('=HYPERLINK("http://evil.example","x")', collins_frames[:10])
    show(world, collins_frames[0], camera="@door")
    show(world, collins_frames[0], camera="yard")
    query = {"limit": "1", **({"format": "csv"} if way == "format" else {})}
    headers = {"Accept": "text/csv"} if way == "accept" else {}
    tables = []
    address = f"/v1/sightings?{urlencode(query)}"
    while address:
        answer = world.client.get(address, headers=headers)
        assert answer.mimetype == "text/csv"
        tables += csv.DictReader(io.StringIO(answer.text))
        link = answer.headers.get("Link")
        address = link[1:].split(">")[0] if link else ""
    assert [row["camera"] for row in tables] == ["yard", "'@door"]
    assert {row["person"] for row in tables} == {'\'=HYPERLINK("http://evil.example","x")'}
    assert all(row["request_id"] and row["face"] == "0" for row in tables)


def test_only_who_may_see_sightings_sees_them(make_world, collins_frames):
    world = make_world(access="keys", sightings="on")
    asking = {scope: bearer(give_key(world, scope, name=scope.value)[1]) for scope in Scope}
    headers = {**JPEG, **asking[Scope.RECOGNIZE]}
    assert world.client.post("/v1/recognize", data=collins_frames[0], headers=headers).status_code == 200
    assert world.services.witness.flush()
    answers = {scope: world.client.get("/v1/sightings", headers=shown) for scope, shown in asking.items()}
    assert {scope for scope, answer in answers.items() if answer.status_code == 200} == {Scope.SIGHTINGS}
    (sighting,) = answers[Scope.SIGHTINGS].json["sightings"]
    for path in ("", "/crops/0"):
        address = f"/v1/sightings/{sighting['id']}{path}"
        seen = {scope for scope, shown in asking.items() if world.client.get(address, headers=shown).status_code == 200}
        assert seen == {Scope.SIGHTINGS}


def test_who_is_deleted_is_gone_from_all_sightings(world, collins_frames, hopper_frames):
    collins = world.enroll("Eileen Collins", collins_frames[:10])["person"]["id"]
    world.enroll("Grace Hopper", hopper_frames[:10])
    show(world, collins_frames[0], hopper_frames[0])
    assert sorted(len(each["candidates"]) for each in remembered(world)) == [2, 2]
    assert world.client.delete(f"/v1/people/{collins}").status_code == 202
    (left,) = remembered(world)
    assert [each["person"]["name"] for each in left["candidates"]] == ["Grace Hopper"]
    with world.database.read() as session:
        assert collins not in json.dumps([row.candidates for row in sightings.page(session, sightings.Wanted(), 9)])


def test_of_who_is_deleted_before_it_is_written_down_nothing_is_kept(world, collins_frames, monkeypatch):
    collins = world.enroll("Eileen Collins", collins_frames[:10])["person"]["id"]
    gathered = threading.Event()
    monkeypatch.setattr(world.services.witness, "_closing", gathered)
    monkeypatch.setattr(notebook, "GATHER_S", 60.0)
    world.client.post("/v1/recognize", data=collins_frames[0], headers=JPEG)
    world.client.delete(f"/v1/people/{collins}")
    gathered.set()
    assert world.services.witness.flush()
    assert remembered(world) == []


def test_one_sighting_can_be_forgotten_and_that_is_noted(world, collins_frames):
    show(world, collins_frames[0], camera="door")
    show(world, collins_frames[0], camera="yard")
    doomed, left = remembered(world)
    assert world.client.delete(f"/v1/sightings/{doomed['id']}").status_code == 204
    assert remembered(world) == [left]
    assert world.client.delete(f"/v1/sightings/{doomed['id']}").status_code == 404
    assert world.client.get(f"/v1/sightings/{doomed['id']}/crops/0").status_code == 404
    (entry, *_) = world.client.get("/v1/audit").json["entries"]
    assert (entry["action"], entry["target"]) == ("sighting_erased", doomed["id"])


def test_no_more_are_kept_than_is_set(make_world, collins_frames):
    world = make_world(sightings="on", sightings_most=3)
    for number in range(6):
        show(world, collins_frames[0], camera=f"camera {number}")
    assert [each["camera"] for each in remembered(world)] == ["camera 5", "camera 4", "camera 3"]


def test_whoever_asks_waits_for_no_database_and_what_has_no_room_is_counted(world, collins_frames, monkeypatch):
    closed, begun = threading.Event(), threading.Event()
    real = passes.keep

    def slow(session: object, seen: object) -> int:
        begun.set()
        assert closed.wait(30)
        return real(session, seen)

    monkeypatch.setattr(passes, "keep", slow)
    monkeypatch.setattr(notebook, "MOST_WAITING", 3)
    monkeypatch.setattr(notebook, "GATHER_S", 0.0)
    world.client.post("/v1/recognize", data=collins_frames[0], headers=JPEG)
    assert begun.wait(30)
    for _ in range(4):
        assert world.client.post("/v1/recognize", data=collins_frames[0], headers=JPEG).status_code == 200
    closed.set()
    assert world.services.witness.flush()
    metrics = world.client.get("/metrics").text
    assert 'familiar_sightings_total{result="no_room"} 2.0' in metrics
    assert 'familiar_sightings_total{result="kept"} 3.0' in metrics


def test_what_cannot_be_written_down_twice_is_left_out_and_the_next_is_kept(world, collins_frames, monkeypatch):
    real, tries = passes.keep, []

    def fail(session: object, seen: object) -> int:
        tries.append(time.monotonic())
        if len(tries) < 3:
            raise DatabaseUnavailable("it is away")
        return real(session, seen)

    monkeypatch.setattr(passes, "keep", fail)
    monkeypatch.setattr(notebook, "_AGAIN_S", 0.01)
    show(world, collins_frames[0], camera="first")
    show(world, collins_frames[0], camera="second")
    assert [each["camera"] for each in remembered(world)] == ["second"]
    assert 'familiar_sightings_total{result="failed"} 1.0' in world.client.get("/metrics").text


def test_keeping_a_face_asks_no_model_and_decodes_nothing_once_more(make_world, collins_frames, monkeypatch):
    real, decoded = cv2.imdecode, []
    monkeypatch.setattr(cv2, "imdecode", lambda *given: (decoded.append(1), real(*given))[1])
    efforts = []
    for wanted in ("off", "on"):
        world = make_world(sightings=wanted)
        show(world, collins_frames[0])
        before = len(decoded), len(world.serving.asked)
        show(world, collins_frames[1])
        efforts.append((len(decoded) - before[0], len(world.serving.asked) - before[1]))
    assert efforts[0] == efforts[1]
