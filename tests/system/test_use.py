"""What a user does: bring it up, enrol by camera, be recognised, restart, take down, bring up again."""

import re
from pathlib import Path

import httpx
import pytest

import enrolling
import people
from stack import SERVICES, Stack, until
from stalling import stalled_connections
from traffic import Traffic


def test_whoever_the_camera_enrolled_is_recognised_and_a_stranger_is_not(ready: Stack, collins: str) -> None:
    for frame in people.frames(people.COLLINS, 4, seed=5):
        assert ready.names(frame) == [people.COLLINS]
    for frame in people.frames(people.HOPPER, 4, seed=5):
        assert ready.names(frame) == [None]


def test_the_cameras_container_recognises_through_the_gateway(ready: Stack, collins: str, media: Path) -> None:
    lines = ready.camera(media, "recognize", "simulate:/media/collins.png#3", "--frames", "5")
    assert [seen["name"] for seen in lines[-1]["seen"]] == [people.COLLINS]
    lines = ready.camera(media, "recognize", "simulate:/media/hopper.jpg#3", "--frames", "5")
    assert not any(face["person"] for line in lines[:-1] for face in line.get("faces", []))


def test_keys_are_made_listed_and_revoked_in_the_gateways_container(ready: Stack) -> None:
    secret = ready.execute("gateway", "familiar-keys make door --scopes recognize --camera door 2>/dev/null").strip()
    assert secret.startswith("fam_") and len(secret.splitlines()) == 1
    listed = ready.execute("gateway", "familiar-keys list")
    assert re.search(r"^door +valid +key +recognize +door", listed, re.M) and secret not in listed
    ready.execute("gateway", "familiar-keys revoke door")
    assert re.search(r"^door +revoked", ready.execute("gateway", "familiar-keys list"), re.M)


def test_where_keys_are_asked_for_nobody_comes_in_without_one(ready: Stack) -> None:
    try:
        with ready.settings({"ACCESS": "keys"}):
            ready.up("--no-deps", "gateway")
            assert ready.get("/v1/people").status_code == 401
            shown = ready.execute("gateway", "familiar-keys make visitor --scopes people 2>/dev/null").strip()
            people_seen = httpx.get(f"{ready.url}/v1/people", headers={"x-api-key": shown}, timeout=30)
            assert people_seen.status_code == 200
            ready.execute("gateway", "familiar-keys revoke visitor")
    finally:
        ready.up("--no-deps", "gateway")
    assert ready.get("/v1/people").status_code == 200


def test_a_new_head_takes_over_without_anybody_noticing(ready: Stack, collins: str) -> None:
    before = ready.recognize(people.frames(people.COLLINS, 1)[0])["head_version"]
    with Traffic(ready.url, seed=21) as traffic:
        for swap in range(2):
            shots = people.frames(people.COLLINS, 16, seed=100 + swap)
            assert enrolling.ended(ready, enrolling.capture(ready, {"person_id": collins}, shots)) == "live"
    assert traffic.outcome.wrong == []
    assert set(traffic.outcome.answers) <= {"named", "unknown"}, traffic.outcome
    assert ready.recognize(people.frames(people.COLLINS, 1)[0])["head_version"] >= before + 2


def test_clients_that_stall_hold_up_nobody(ready: Stack, collins: str) -> None:
    with stalled_connections(ready.url, 200), Traffic(ready.url, seed=22) as traffic:
        until(lambda: sum(traffic.outcome.answers.values()) >= 20, 60, "answers beside stalled connections")
        assert ready.get("/healthz").status_code == 200
    assert traffic.outcome.wrong == []
    assert set(traffic.outcome.answers) == {"named", "unknown"}, traffic.outcome


@pytest.mark.parametrize("service", SERVICES)
def test_a_restarted_container_comes_back_to_work(ready: Stack, collins: str, service: str) -> None:
    ready.compose("restart", "-t", "10", service)
    ready.wait_ready()
    assert ready.names(people.frames(people.COLLINS, 1, seed=6)[0]) == [people.COLLINS]


def test_everybody_is_still_known_after_down_and_up(ready: Stack, collins: str) -> None:
    ready.down()
    ready.up()
    assert ready.names(people.frames(people.COLLINS, 1, seed=7)[0]) == [people.COLLINS]
    assert collins in [person["id"] for person in ready.get("/v1/people").json()["people"]]
