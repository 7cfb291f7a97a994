"""Server-sent events of an enrolment."""

import json
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from doorkeeping import bearer, give_key, let_expire, revoke, sign_in
from gateway_world import World, files
from sqlalchemy import update
from werkzeug.test import TestResponse

from familiar.errors import DatabaseUnavailable
from familiar.records import keys
from familiar.records.schema import AccessSession
from familiar.scope import Scope
from familiar_gateway.access import keyring
from familiar_gateway.app import create_app
from familiar_gateway.web.streams import Streams


def quick(world: World, **changes: object) -> World:
    """Return the world with streams that poll often."""
    streams = Streams(**{"most": 2, "poll_s": 0.01, "heartbeat_s": 0.05, "lifetime_s": 20.0, **changes})
    world.services = replace(world.services, streams=streams)
    world.client = create_app(world.services).test_client()
    return world


def start(world: World) -> str:
    return world.client.post("/v1/enrollments", json={"name": "Eileen"}).json["id"]


def listen(world: World, enrollment: str) -> TestResponse:
    answer = world.client.get(f"/v1/enrollments/{enrollment}/events")
    assert answer.status_code == 200 and answer.mimetype == "text/event-stream"
    return answer


def events(answer: TestResponse):
    """Yield (event, data) and comments as they come."""
    for part in answer.response:
        text = part.decode() if isinstance(part, bytes) else part
        if text.startswith("event: "):
            event, data = text.strip().split("\n")
            yield event.removeprefix("event: "), json.loads(data.removeprefix("data: "))
        elif text.startswith(":"):
            yield "comment", None


def test_every_change_is_told_until_the_enrolment_is_live(world, collins_frames):
    quick(world)
    enrollment = start(world)
    answer = listen(world, enrollment)
    told = events(answer)
    states = []

    def until(status: str) -> None:
        while not states or states[-1] != status:
            event, data = next(told)
            if event == "state":
                states.append(data["status"])

    until("open")
    other = world.services
    client = create_app(other).test_client()
    client.post(f"/v1/enrollments/{enrollment}/frames", data={"frames": files(collins_frames[:6])})
    until("capturing")
    client.post(f"/v1/enrollments/{enrollment}/finish")
    until("queued")
    world.train()
    until("live")
    assert list(told) == []  # nothing more comes


def test_a_stream_that_has_nothing_to_tell_shows_that_it_lives(world):
    quick(world)
    told = events(listen(world, start(world)))
    assert next(told)[0] == "state" and next(told)[0] == "comment"


def test_a_stream_ends_by_itself(world):
    quick(world, lifetime_s=0.1, heartbeat_s=60.0)
    assert [event for event, _ in events(listen(world, start(world)))] == ["state"]


def test_a_stream_ends_when_the_process_is_to_stop(world):
    quick(world)
    told = events(listen(world, start(world)))
    next(told)
    world.services.streams.stopping.set()
    assert [event for event, _ in told if event == "state"] == []


def test_a_stream_says_that_its_enrolment_was_deleted(world):
    quick(world)
    enrollment = start(world)
    told = events(listen(world, enrollment))
    next(told)
    create_app(world.services).test_client().delete(f"/v1/enrollments/{enrollment}")
    assert [event for event, _ in told][-1] == "deleted"


def _as_program(world):
    key_id, secret = give_key(world, Scope.ENROLL, name="tablet")
    return key_id, bearer(secret), bearer(secret)


def _as_page(world):
    key_id, secret = give_key(world, Scope.ENROLL, name="tablet")
    return key_id, {"X-CSRF-Token": sign_in(world, secret)}, {}


def _end_elsewhere(world, key_id, *_):
    revoke(world, key_id)


def _end_here(world, key_id, *_):
    operator = bearer(give_key(world, Scope.OPERATE, name="operator")[1])
    assert world.client.application.test_client().delete(f"/v1/keys/{key_id}", headers=operator).status_code == 204


def _expire(world, key_id, *_):
    let_expire(world, key_id)


def _sign_out(world, _key_id, changing):
    assert world.client.delete("/v1/session", headers=changing).status_code == 204


def _end_session(world, *_):
    with world.database.write() as session:
        session.execute(update(AccessSession).values(expires_at=time.time()))


@pytest.mark.parametrize(
    ("who", "end"),
    [(_as_program, _end_elsewhere), (_as_program, _end_here), (_as_program, _expire),
     (_as_page, _end_elsewhere), (_as_page, _end_here), (_as_page, _expire), (_as_page, _sign_out),
     (_as_page, _end_session)],
)  # fmt: skip
def test_a_stream_ends_with_the_key_or_the_session_that_it_was_begun_with(make_world, monkeypatch, who, end):
    monkeypatch.setattr(keyring, "FRESH_S", 0.02)
    world = quick(make_world(access="keys"), lifetime_s=600.0)
    key_id, changing, reading = who(world)
    enrollment = world.client.post("/v1/enrollments", json={"name": "Eileen"}, headers=changing).json["id"]
    answer = world.client.get(f"/v1/enrollments/{enrollment}/events", headers=reading)
    told = events(answer)
    assert next(told)[0] == "state" and next(told)[0] == "comment"  # it goes on as long as nothing happens
    with ThreadPoolExecutor(1) as elsewhere:  # as in a server, where no request sees what belongs to another
        elsewhere.submit(end, world, key_id, changing).result()
    stuck = threading.Timer(20.0, world.services.streams.stopping.set)
    stuck.start()
    assert {event for event, _ in told} <= {"comment"}
    assert not world.services.streams.stopping.is_set(), "it went on"
    stuck.cancel()
    assert world.client.get(f"/v1/enrollments/{enrollment}/events", headers=reading).status_code == 401


def test_many_looks_of_a_stream_ask_the_database_for_its_key_seldom(make_world, monkeypatch):
    world = quick(make_world(access="keys"))
    _, shown, _ = _as_program(world)
    enrollment = world.client.post("/v1/enrollments", json={"name": "Eileen"}, headers=shown).json["id"]
    asked, real = [], keys.by_digest
    monkeypatch.setattr(keyring.keys, "by_digest", lambda *of: asked.append(1) or real(*of))
    answer = world.client.get(f"/v1/enrollments/{enrollment}/events", headers=shown)
    told = events(answer)
    for _ in range(4):
        next(told)
    answer.close()
    assert asked == []  # it is known for some seconds from the request before


def test_a_stream_outlives_a_database_that_is_away_for_a_while(world, monkeypatch):
    quick(world)
    enrollment = start(world)
    told = events(listen(world, enrollment))
    next(told)
    real, failed = world.database.read, threading.Event()

    def away():
        failed.set()
        raise DatabaseUnavailable("away")

    monkeypatch.setattr(world.database, "read", away)
    assert next(told)[0] == "comment" and failed.is_set()
    monkeypatch.setattr(world.database, "read", real)
    create_app(world.services).test_client().delete(f"/v1/enrollments/{enrollment}")
    assert [event for event, _ in told][-1] == "deleted"


def test_there_are_never_more_streams_than_are_allowed(world):
    quick(world, most=1)
    enrollment = start(world)
    first = listen(world, enrollment)
    refused = world.client.get(f"/v1/enrollments/{enrollment}/events")
    assert refused.status_code == 503 and refused.json["error"]["code"] == "busy"
    first.close()
    listen(world, enrollment).close()


@pytest.mark.parametrize("read", [0, 1])
def test_a_listener_who_goes_away_frees_the_place(world, read):
    quick(world, most=1)
    enrollment = start(world)
    for _ in range(3):
        answer = listen(world, enrollment)
        told = events(answer)
        for _ in range(read):
            next(told)
        answer.close()


def test_an_enrolment_that_is_not_there_is_a_404_and_no_stream(world):
    assert world.client.get(f"/v1/enrollments/{'0' * 32}/events").status_code == 404
