"""Replays are asked for and shown; the trainer answers them."""

import pytest
from gateway_world import World
from remembering import show

from familiar.records import replays, versions


def ask(world: World, **asked: object) -> object:
    return world.client.post("/v1/replay", json=asked)


def test_a_replay_is_asked_for_and_its_table_shown_with_names(world, collins_frames, hopper_frames):
    collins = world.enroll("Eileen Collins", collins_frames[:10])["person"]
    hopper = world.enroll("Grace Hopper", hopper_frames[:10])["person"]
    show(world, collins_frames[0])
    answer = ask(world, threshold=0.5, since="2026-01-01T00:00:00Z")
    assert answer.status_code == 202
    asked = answer.json["replay"]
    assert (asked["stage"], asked["head_version"], asked["threshold"]) == ("queued", max(world.serving.heads), 0.5)
    assert asked["since"] == "2026-01-01T00:00:00.000+00:00" and asked["answer"] is None
    assert world.queue.replays == [asked["id"]]
    told = {
        "sightings": 1, "not_comparable": 0, "changed": 1, "threshold": 0.5,
        "people": [{"person": who["id"], "before": 1, "after": 0, "lost": 1, "gained": 0} for who in (collins, hopper)],
        "changes": [{"from": collins["id"], "to": None, "sightings": 1, "examples": ["0" * 32]}],
    }  # fmt: skip
    world.database.retry(lambda session: replays.answer(session, asked["id"], told))
    done = world.client.get(answer.headers["Location"]).json
    assert done["stage"] == "done" and done["answer"]["people"][0]["person"] == collins
    assert done["answer"]["changes"] == [{"from": collins, "to": None, "sightings": 1, "examples": ["0" * 32]}]
    (listed,) = world.client.get("/v1/replay").json["replays"]
    assert listed == {name: value for name, value in done.items() if name != "answer"}
    world.client.delete(f"/v1/people/{collins['id']}")
    assert world.client.get(answer.headers["Location"]).status_code == 404


def test_without_redis_it_waits_in_the_database(world):
    world.queue.away = True
    assert ask(world, threshold=0.5).status_code == 202
    with world.database.read() as session:
        assert len(replays.open_ones(session)) == 1


def test_one_that_failed_says_why(world):
    replay_id = ask(world, target=0.01).json["replay"]["id"]
    world.database.retry(lambda session: replays.fail(session, replay_id, "no_cohort", "give a threshold"))
    shown = world.client.get(f"/v1/replay/{replay_id}").json
    assert (shown["stage"], shown["error"]) == ("failed", {"code": "no_cohort", "message": "give a threshold"})


@pytest.mark.parametrize("asked", [
    {}, {"since": "2026-01-01"}, {"threshold": 2}, {"threshold": "0.9"}, {"threshold": True}, {"target": 0},
    {"target": 0.9}, {"threshold": 0.9, "target": 0.01}, {"head_version": 0}, {"head_version": 1.5},
    {"threshold": 0.9, "since": "soon"}, {"threshold": 0.9, "person": "me"}, {"head_version": 10**12},
])  # fmt: skip
def test_what_cannot_be_meant_is_refused(world, asked):
    assert ask(world, **asked).status_code == 400


def test_a_head_that_is_not_there_or_has_no_weights_is_refused(world):
    assert ask(world, head_version=99).json["error"]["code"] == "version_not_found"
    with world.database.write() as session:
        versions.head(session, 1).weights = None
    answer = ask(world, head_version=1)
    assert (answer.status_code, answer.json["error"]["code"]) == (409, "no_weights")


def test_not_too_many_wait_at_once(world):
    answers = [ask(world, threshold=0.5) for _ in range(11)]
    assert [answer.status_code for answer in answers] == [202] * 10 + [503]
    assert answers[-1].json["error"]["code"] == "busy"
