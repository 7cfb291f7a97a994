"""Proxies: those that are trusted are believed, others are not even heard."""

import pytest
from doorkeeping import bearer, give_key

from familiar.errors import MisconfiguredError
from familiar_gateway.web.proxies import Proxies

TRUSTED = "10.0.0.0/8, 2001:db8::5"


def _seen(trusted, peer, **headers):
    seen = {}
    said = {"REMOTE_ADDR": peer, "wsgi.url_scheme": "http", "SCRIPT_NAME": "", **headers}
    Proxies(lambda environ, _: seen.update(environ) or [], trusted)(said, lambda *_: None)
    return seen


@pytest.mark.parametrize(
    ("peer", "said", "client"),
    [("10.0.0.1", "203.0.113.9", "203.0.113.9"), ("10.0.0.1", "1.2.3.4, 203.0.113.9", "203.0.113.9"),
     ("10.0.0.1", "203.0.113.9, 10.0.0.2", "203.0.113.9"),
     ("10.0.0.1", "1.2.3.4,203.0.113.9,10.0.0.2,10.0.0.3", "203.0.113.9"),
     ("10.0.0.1", "10.0.0.2", "10.0.0.2"), ("10.0.0.1", "", "10.0.0.1"), ("10.0.0.1", "nonsense", "10.0.0.1"),
     ("10.0.0.1", "203.0.113.9, nonsense, 10.0.0.2", "10.0.0.2"), ("10.0.0.1", "203.0.113.9:4711", "203.0.113.9"),
     ("10.0.0.1", "[2001:db8::9]:4711", "2001:db8::9"), ("10.0.0.1", "2001:db8::9", "2001:db8::9"),
     ("2001:db8::5", "203.0.113.9", "203.0.113.9"), ("::ffff:10.0.0.1", "203.0.113.9", "203.0.113.9"),
     ("203.0.113.1", "10.0.0.9", "203.0.113.1"), ("", "203.0.113.9", "")],
)  # fmt: skip
def test_the_client_is_the_last_address_that_is_no_proxy_of_ours(peer, said, client):
    assert _seen(TRUSTED, peer, HTTP_X_FORWARDED_FOR=said)["REMOTE_ADDR"] == client


@pytest.mark.parametrize(
    ("peer", "said", "scheme"),
    [("10.0.0.1", "https", "https"), ("10.0.0.1", "http, https", "https"), ("10.0.0.1", "https, http", "http"),
     ("10.0.0.1", "javascript", "http"), ("203.0.113.1", "https", "http")],
)  # fmt: skip
def test_the_scheme_is_that_of_the_proxy_next_to_us(peer, said, scheme):
    assert _seen(TRUSTED, peer, HTTP_X_FORWARDED_PROTO=said)["wsgi.url_scheme"] == scheme


@pytest.mark.parametrize(
    ("peer", "said", "before"),
    [("10.0.0.1", "/familiar", "/familiar"), ("10.0.0.1", "/familiar/", "/familiar"),
     ("10.0.0.1", "/a/b-c_d.e~f", "/a/b-c_d.e~f"),
     ("10.0.0.1", "//evil.example", ""), ("10.0.0.1", "evil", ""), ("10.0.0.1", "/a//b", ""), ("10.0.0.1", "/a?b", ""),
     ("10.0.0.1", "/", ""), ("10.0.0.1", "/a\\b", ""), ("10.0.0.1", "/%2f", ""), ("203.0.113.1", "/familiar", "")],
)  # fmt: skip
def test_the_path_before_ours_is_one_that_leads_nowhere_else(peer, said, before):
    assert _seen(TRUSTED, peer, HTTP_X_FORWARDED_PREFIX=said)["SCRIPT_NAME"] == before


@pytest.mark.parametrize("wrong", ["door.lan", "10.0.0.0/33", "10.0.0.1/8", "10.0.0.1 10.0.0.2", "*"])
def test_what_is_no_address_stops_the_process(wrong):
    with pytest.raises(MisconfiguredError, match="TRUSTED_PROXIES"):
        Proxies(lambda *_: [], wrong)


def test_under_a_path_the_addresses_in_answers_have_it_too(make_world):
    world = make_world(access="keys", trusted_proxies="127.0.0.1")
    _, secret = give_key(world)
    under = {**bearer(secret), "X-Forwarded-Prefix": "/familiar", "X-Forwarded-Proto": "https"}
    opened = world.client.post("/v1/enrollments", json={"name": "Ada"}, headers=under)
    assert opened.headers["Location"].startswith("/familiar/v1/enrollments/")
    said = world.client.post("/v1/session", json={"key": secret}, headers=under).headers["Set-Cookie"].split("; ")
    assert "Path=/familiar/" in said and "Secure" in said


def test_the_way_to_the_page_needs_to_know_no_path(world):
    assert world.client.get("/").headers["Location"] == "docs"


def test_a_client_says_nothing_of_itself_that_only_a_proxy_may(make_world):
    world = make_world(access="open")
    lies = {
        "X-Forwarded-For": "203.0.113.9",
        "X-Forwarded-Prefix": "/evil",
        "X-Forwarded-Proto": "https",
        "Script-Name": "/evil",
    }
    opened = world.client.post("/v1/enrollments", json={"name": "Ada"}, headers=lies)
    assert opened.headers["Location"].startswith("/v1/enrollments/")
    world.client.post("/v1/keys", json={"name": "x", "scopes": ["people"]}, headers=lies)
    assert world.client.get("/v1/audit").json["entries"][0]["address"] == "127.0.0.1"


def test_the_address_behind_a_trusted_proxy_is_the_one_that_is_told(make_world):
    world = make_world(access="open", trusted_proxies="127.0.0.0/8")
    world.client.post("/v1/keys", json={"name": "x", "scopes": ["people"]}, headers={"X-Forwarded-For": "203.0.113.9"})
    assert world.client.get("/v1/audit").json["entries"][0]["address"] == "203.0.113.9"
