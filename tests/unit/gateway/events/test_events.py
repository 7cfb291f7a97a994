"""Who came is noted off the request's path, paged through, followed, and goes with whoever it was."""

import csv
import io
import json
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from doorkeeping import bearer, give_key, revoke
from gateway_world import MakeWorld, World

from familiar.learning import cohort
from familiar.records import deliveries, events
from familiar.scope import Scope
from familiar.seeing.image import decode
from familiar_gateway.app import create_app
from familiar_gateway.remembering import notebook
from familiar_gateway.web import Streams

JPEG = {"Content-Type": "image/jpeg"}


@pytest.fixture(autouse=True)
def _at_once_by_a_known_likeness(monkeypatch):
    """Nothing is known of strangers before the fake backbone: a cosine that tells its people apart takes its place."""
    monkeypatch.setattr(cohort, "_ALIKE_UNFITTED", 0.85)
    monkeypatch.setattr(notebook, "GATHER_S", 0.0)
    cohort.load.cache_clear()
    yield
    cohort.load.cache_clear()


@pytest.fixture
def world(make_world: MakeWorld) -> World:
    """A world that notes who comes, and keeps no face."""
    return make_world(events="on", events_unknown_frames=3)


def show(world: World, *frames: bytes, **query: str) -> None:
    for frame in frames:
        answer = world.client.post("/v1/recognize", data=frame, headers=JPEG, query_string=query)
        assert answer.status_code == 200, answer.text
    assert world.services.witness.flush()


def told(world: World, **query: object) -> list[dict]:
    answer = world.client.get("/v1/events", query_string=query)
    assert answer.status_code == 200, answer.text
    return answer.json["events"]


def at(seconds: float) -> str:
    return datetime.fromtimestamp(1_790_000_000 + seconds, UTC).isoformat()


def test_nothing_is_noted_unless_that_is_wanted(make_world, collins_frames):
    world = make_world()
    world.enroll("Eileen Collins", collins_frames[:10])
    show(world, *collins_frames[:3], camera="door")
    assert told(world) == []


def test_a_person_is_told_once_a_visit_with_camera_time_and_score(world, collins_frames):
    person = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    for seconds in range(5):
        show(world, collins_frames[seconds], camera="door", captured_at=at(seconds))
    (event,) = told(world)
    assert (event["kind"], event["person"], event["camera"]) == ("person_seen", person, "door")
    assert event["at"] == "2026-09-21T14:13:20.000+00:00" and 0.7 < event["score"] <= 1
    assert event["snapshot"] is None and event["head_version"] == max(world.serving.heads)
    show(world, collins_frames[0], camera="door", captured_at=at(100))
    assert len(told(world)) == 2


def test_somebody_unknown_is_told_after_so_many_frames(world, hopper_frames):
    show(world, *hopper_frames[:2], camera="door")
    assert told(world) == []
    show(world, hopper_frames[2], camera="door")
    (event,) = told(world)
    assert (event["kind"], event["person"], event["score"]) == ("unknown_seen", None, None)


def test_where_faces_are_kept_a_picture_belongs_to_it(make_world, collins_frames, hopper_frames):
    world = make_world(events="on", events_unknown_frames=1, sightings="on")
    world.enroll("Eileen Collins", collins_frames[:10])
    show(world, collins_frames[0], hopper_frames[0], camera="door")
    for event in told(world):
        assert event["snapshot"] == f"/v1/events/{event['id']}/snapshot"
        picture = world.client.get(event["snapshot"])
        assert picture.mimetype == "image/jpeg" and decode(picture.data).shape == (96, 96, 3)
    assert [event["kind"] for event in told(world)] == ["person_seen", "unknown_seen"]
    for sighting in world.client.get("/v1/sightings").json["sightings"]:
        world.client.delete(f"/v1/sightings/{sighting['id']}")
    gone = world.client.get(told(world)[0]["snapshot"])
    assert (gone.status_code, gone.json["error"]["code"]) == (404, "snapshot_not_found")


def test_a_pass_that_is_named_on_one_frame_is_of_nobody_unknown(make_world, collins_frames):
    world = make_world(events="on", events_unknown_frames=1, sightings="on")
    show(world, collins_frames[0], camera="yard")  # not enrolled yet
    person = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    show(world, collins_frames[0], camera="door")
    assert [(event["camera"], event["person"]) for event in told(world)] == [("yard", None), ("door", person)]


def test_a_list_goes_on_where_it_was_and_is_narrowed(world, collins_frames, hopper_frames):
    person = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    for camera in ("door", "yard", "hall"):
        show(world, *hopper_frames[:3], collins_frames[0], camera=camera)
    everything = told(world)
    assert [event["number"] for event in everything] == sorted(event["number"] for event in everything)
    first = world.client.get("/v1/events?limit=4").json
    rest = world.client.get(f"/v1/events?after={first['next']}").json
    assert first["events"] + rest["events"] == everything and len(everything) == 6
    assert world.client.get(f"/v1/events?after={rest['next']}").json == {"events": [], "next": rest["next"]}
    assert {event["camera"] for event in told(world, camera="yard")} == {"yard"}
    assert [event["kind"] for event in told(world, kind="unknown_seen")] == ["unknown_seen"] * 3
    assert told(world, person=person["id"]) == [event for event in everything if event["person"] == person]
    assert told(world, until="2026-01-01T00:00:00Z") == [] != told(world, since="2026-01-01T00:00:00Z")


@pytest.mark.parametrize("query", [
    "after=-1", "after=1e3", "limit=0", "limit=1001", "kind=seen", "person=me", "since=soon", "until=", "camera=",
    "order=newest", "after=1&after=2", "camera=a&camera=b",
])  # fmt: skip
@pytest.mark.parametrize("path", ["/v1/events", "/v1/events/stream"])
def test_a_query_that_cannot_be_meant_is_refused(world, path, query):
    if path.endswith("stream") and query.startswith("limit"):
        query = "limit=1"  # there is none
    assert world.client.get(f"{path}?{query}").status_code == 400


def test_a_merge_moves_what_was_told_and_a_deletion_takes_it_along(world, collins_frames, hopper_frames):
    ada = world.enroll("Ada", collins_frames[:10])["person"]
    grace = world.enroll("Grace", hopper_frames[:10])["person"]
    show(world, collins_frames[0], hopper_frames[0], camera="door")
    merged = world.client.post(f"/v1/people/{ada['id']}/merge", json={"person_id": grace["id"]})
    assert merged.status_code in (200, 201, 202), merged.text
    assert [event["person"] for event in told(world, person=ada["id"])] == [ada, ada]
    assert world.client.delete(f"/v1/people/{ada['id']}").status_code == 202
    assert told(world) == []
    assert attendance(world) == []


def attendance(world: World, **query: str) -> list[dict]:
    answer = world.client.get("/v1/attendance", query_string={"since": "2026-01-01", "until": "2026-12-31", **query})
    assert answer.status_code == 200, answer.text
    return answer.json["attendance"]


def test_attendance_tells_first_and_last_seen_as_json_and_as_a_table_without_formulas(world, collins_frames):
    person = world.enroll("=HYPERLINK(1)", collins_frames[:10])["person"]
    for seconds in (0, 3600):
        show(world, collins_frames[0], camera="door", captured_at=at(seconds))
    (row,) = attendance(world)
    assert row == {
        "day": "2026-09-21", "person": person, "visits": 2,
        "first_seen": "2026-09-21T14:13:20.000+00:00", "last_seen": "2026-09-21T15:13:20.000+00:00",
    }  # fmt: skip
    assert attendance(world, camera="yard") == []
    for answer in (
        world.client.get("/v1/attendance?day=2026-09-21&format=csv"),
        world.client.get("/v1/attendance?day=2026-09-21", headers={"Accept": "text/csv"}),
    ):
        assert answer.mimetype == "text/csv"
        (line,) = csv.DictReader(io.StringIO(answer.text))
        assert line["person"] == "'=HYPERLINK(1)" and line["visits"] == "2" and line["day"] == "2026-09-21"


@pytest.mark.parametrize("query", [
    "day=today", "day=2026-13-01", "day=2026-11-26&since=2026-11-26", "since=2026-11-27&until=2026-11-26",
    "since=2020-01-01&until=2026-01-01", "format=xml", "person=1", "day=2026-11-26T00:00", "day=0001-01-01",
    "day=9999-12-31", "day=", "camera=",
])  # fmt: skip
def test_days_that_cannot_be_meant_are_refused(world, query):
    assert world.client.get(f"/v1/attendance?{query}").status_code == 400


def test_a_key_that_is_bound_to_a_camera_sees_what_happens_there_only(make_world, collins_frames):
    world = make_world(events="on", access="keys", sightings="on")
    everything = bearer(give_key(world, *Scope, name="all")[1])
    bound = bearer(give_key(world, Scope.EVENTS, Scope.SIGHTINGS, name="door", camera="door")[1])
    world.client.post("/v1/enroll", data={"name": "Ada", "frames": files(collins_frames[:10])}, headers=everything)
    world.train()
    for camera in ("door", "yard"):
        query = {"camera": camera}
        assert world.client.post(
            "/v1/recognize", data=collins_frames[0], headers={**JPEG, **everything}, query_string=query
        ).status_code == 200  # fmt: skip
    assert world.services.witness.flush()
    both = world.client.get("/v1/events", headers=everything).json["events"]
    mine = world.client.get("/v1/events", headers=bound).json["events"]
    assert [event["camera"] for event in both] == ["door", "yard"] and mine == both[:1]
    assert world.client.get("/v1/events?camera=yard", headers=bound).status_code == 403
    assert world.client.get("/v1/attendance?camera=yard", headers=bound).status_code == 403
    assert len(world.client.get("/v1/attendance", headers=bound).json["attendance"]) == 1
    assert [world.client.get(event["snapshot"], headers=bound).status_code for event in both] == [200, 404]


def files(pictures):
    return [(io.BytesIO(data), f"{index}.jpg") for index, data in enumerate(pictures)]


def quick(world: World, **changes: object) -> World:
    streams = Streams(**{"most": 2, "poll_s": 0.01, "heartbeat_s": 0.1, "lifetime_s": 20.0, **changes})
    world.services = replace(world.services, streams=streams)
    world.client = create_app(world.services).test_client()
    return world


def stream(answer):
    """Yield (number, kind, event) of a stream."""
    assert answer.status_code == 200 and answer.mimetype == "text/event-stream"
    for block in (chunk.decode() for chunk in answer.response):
        lines = dict(line.split(": ", 1) for line in block.strip().splitlines() if not line.startswith(":"))
        if "event" in lines:
            yield int(lines["id"]), lines["event"], json.loads(lines["data"])


def first_of(world, query="", **headers):
    """Return the first event of a stream, and hang up."""
    answer = create_app(world.services).test_client().get(f"/v1/events/stream{query}", headers=headers)
    try:
        return next(stream(answer))
    finally:
        answer.close()


def test_events_are_followed_from_now_on(world, collins_frames):
    quick(world)
    world.enroll("Eileen Collins", collins_frames[:10])
    show(world, collins_frames[0], camera="door")
    answer = create_app(world.services).test_client().get("/v1/events/stream")
    thread = threading.Thread(target=show, args=(world, collins_frames[0]), kwargs={"camera": "yard"})
    thread.start()
    number, kind, event = next(stream(answer))
    answer.close()
    thread.join()
    assert (number, kind, event["camera"]) == (event["number"], "person_seen", "yard")


def test_events_are_followed_from_where_somebody_was(world, collins_frames):
    quick(world)
    world.enroll("Eileen Collins", collins_frames[:10])
    for camera in ("door", "yard"):
        show(world, collins_frames[0], camera=camera)
    first, second = told(world)
    assert first_of(world, "?after=0")[2] == first
    assert first_of(world, f"?after={first['number']}")[2] == second
    assert first_of(world, "?after=0", **{"Last-Event-ID": str(first["number"])})[2] == second
    assert first_of(world, "?after=0&camera=yard")[2] == second
    assert world.client.get("/v1/events/stream", headers={"Last-Event-ID": "x"}).status_code == 400


def test_a_stream_ends_with_its_key(make_world, collins_frames):
    world = quick(make_world(events="on", access="keys"))
    key_id, secret = give_key(world, Scope.EVENTS, name="log")
    answer = world.client.get("/v1/events/stream", headers=bearer(secret))
    following = iter(answer.response)
    assert next(following) == b"retry: 1000\n\n"
    revoke(world, key_id)
    deadline = time.monotonic() + 30
    for _ in following:
        assert time.monotonic() < deadline


def test_streams_of_events_and_enrolments_share_their_places(world):
    quick(world, most=1)
    held = world.client.get("/v1/events/stream")
    refused = world.client.get("/v1/events/stream")
    assert (refused.status_code, refused.json["error"]["code"]) == (503, "busy")
    held.close()


def test_events_are_pruned_when_others_come(make_world, collins_frames):
    world = make_world(events="on", events_most=100)
    world.enroll("Eileen Collins", collins_frames[:10])
    for number in range(103):
        show(world, collins_frames[0], camera=f"camera {number}")
    with world.database.read() as session:
        assert events.count(session, events.Wanted()) == 100


def test_metrics_tell_how_far_destinations_are(world, hopper_frames):
    with world.database.write() as session:
        deliveries.claim(session, "home", "me", None)
    show(world, *hopper_frames[:3], camera="door")
    shown = world.client.get("/metrics").text
    assert 'familiar_events_waiting{destination="home"} 1.0' in shown
    assert 'familiar_events_taken{destination="home"} 1.0' in shown
    assert 'familiar_events_told_total{destination="home"} 0.0' in shown
    assert 'familiar_events_dropped_total{destination="home"} 0.0' in shown
