"""What strangers of the site taught is shown, and given up."""

from gateway_world import World

from familiar.records import site_corrections, trainings

PICTURES = {
    "pictures": 45,
    "unreadable": 1,
    "no_face": 2,
    "faces": 44,
    "used": 42,
    "blurred": 2,
    "people": 40,
    "enrolled": 1,
}
SITE = {"people": 40, "times": {"value": 3.1, "low": 1.2, "high": 8.0}, "raised_by": 0.0123}
LIVE = {
    "head_version": 1,
    "expected": {"value": 0.001, "low": 0.0005, "high": 0.002, "count": 120_000},
    "named": {"value": 0.05, "low": 0.01, "high": 0.16},
}


def handed_in(world: World) -> None:
    with world.database.write() as session:
        audit = {"pictures": PICTURES, "live": LIVE, "site": SITE}
        site_corrections.put(session, backbone_version=1, numbers={"people": 40, "shift": 0.01}, audit=audit)


def test_what_strangers_taught_is_shown(world: World) -> None:
    assert world.client.get("/v1/site").json == {"correction": None}
    handed_in(world)
    shown = world.client.get("/v1/site").json["correction"]
    assert (shown["pictures"], shown["live"], shown["site"]) == (PICTURES, LIVE, SITE)
    assert (shown["backbone_version"], shown["numbers"]["shift"]) == (1, 0.01)
    assert shown["measured_at"]


def test_giving_it_up_asks_for_a_head_without_it(world: World) -> None:
    handed_in(world)
    answer = world.client.delete("/v1/site")
    assert answer.status_code == 202
    job = answer.json["job"]
    assert answer.headers["Location"].endswith(job["id"])
    assert world.queue.trainings == [job["id"]]
    assert world.client.get("/v1/site").json == {"correction": None}
    with world.database.read() as session:
        assert trainings.any_open(session)
    again = world.client.delete("/v1/site")
    assert (again.status_code, again.json["error"]["code"]) == (404, "not_found")
    assert world.queue.trainings == [job["id"]]
