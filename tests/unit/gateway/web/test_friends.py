"""Pages of other sites that a setting names, and the headers that hold for all others."""

import pytest
from doorkeeping import bearer, give_key

from familiar.errors import MisconfiguredError
from familiar.scope import Scope
from familiar_gateway.web import read_origins

DESK = "https://desk.example"


@pytest.fixture
def world(make_world):
    """A gateway that lets the pages of two other sites ask."""
    return make_world(access="keys", cors_origins=f"{DESK}, http://[::1]:3000")


def _preflight(world, origin, path="/v1/people"):
    return world.client.options(
        path,
        headers={
            "Origin": origin,
            "Access-Control-Request-Method": "DELETE",
            "Access-Control-Request-Headers": "authorization",
        },
    )


@pytest.mark.parametrize("origin", [DESK, "http://[::1]:3000"])
def test_a_page_that_is_named_may_ask_with_a_key(world, origin):
    _, secret = give_key(world, Scope.ENROLL)
    may = _preflight(world, origin)
    assert may.status_code == 200 and may.headers["Access-Control-Allow-Origin"] == origin
    assert "DELETE" in may.headers["Access-Control-Allow-Methods"]
    assert "authorization" in may.headers["Access-Control-Allow-Headers"].lower()
    page = {**bearer(secret), "Origin": origin, "Sec-Fetch-Site": "cross-site"}
    opened = world.client.post("/v1/enrollments", json={"name": "Ada"}, headers=page)
    assert opened.status_code == 201 and opened.headers["Access-Control-Allow-Origin"] == origin
    assert "Location" in opened.headers["Access-Control-Expose-Headers"] and "Origin" in opened.headers["Vary"]


def test_it_never_asks_with_somebodys_session(world):
    for answer in (_preflight(world, DESK), world.client.get("/v1/session", headers={"Origin": DESK})):
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_an_error_can_be_read_by_it_too(world):
    answer = world.client.get("/v1/people", headers={"Origin": DESK})
    assert answer.status_code == 401 and answer.headers["Access-Control-Allow-Origin"] == DESK


@pytest.mark.parametrize(
    "origin",
    ["https://evil.example", "https://desk.example.evil.example", "https://evildesk.example", "http://desk.example",
     "null",
     "https://desk.example:8443", "https://deskxexample", "", "https://desk.example/"],
)  # fmt: skip
def test_a_page_that_is_not_named_reads_nothing_and_changes_nothing(world, origin):
    _, secret = give_key(world)
    for answer in (
        _preflight(world, origin),
        world.client.get("/v1/people", headers={**bearer(secret), "Origin": origin}),
    ):
        assert "Access-Control-Allow-Origin" not in answer.headers
    answer = world.client.post("/v1/enrollments", json={"name": "Ada"}, headers={**bearer(secret), "Origin": origin})
    assert answer.status_code == 403 and answer.json["error"]["code"] == "cross_site"


def test_unless_somebody_is_named_nobody_reads_anything(make_world):
    assert "Access-Control-Allow-Origin" not in _preflight(make_world(), DESK).headers


@pytest.mark.parametrize(
    "wrong", ["*", "desk.example", "https://", "https://desk.example/page", "null", "ftp://desk.example"]
)
def test_what_is_no_origin_stops_the_process(wrong):
    with pytest.raises(MisconfiguredError, match="CORS_ORIGINS"):
        read_origins(wrong)


def test_an_origin_is_written_as_browsers_send_it():
    assert read_origins("https://Desk.example:443, http://desk.example:8080,") == [DESK, "http://desk.example:8080"]


@pytest.mark.parametrize("path", ["/", "/docs", "/docs/app.js", "/healthz", "/v1/people", "/nowhere", "/openapi.json"])
def test_every_answer_says_what_a_browser_must_not_make_of_it(make_world, path):
    for access in ("open", "keys"):
        headers = make_world(access=access).client.get(path).headers
        assert headers["X-Content-Type-Options"] == "nosniff" and headers["X-Frame-Options"] == "DENY"
        assert headers["Referrer-Policy"] == "no-referrer" and headers["Cross-Origin-Opener-Policy"] == "same-origin"
        policy = headers["Content-Security-Policy"]
        assert "default-src 'none'" in policy and "frame-ancestors 'none'" in policy and "unsafe" not in policy
