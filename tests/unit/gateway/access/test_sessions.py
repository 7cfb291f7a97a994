"""Sessions: signing in by key or password, what the cookie is like, and what protects it."""

import time

import pytest
from doorkeeping import bearer, give_key, let_expire, revoke, sign_in

from familiar.records import keys, sessions
from familiar.scope import Scope
from familiar_gateway.access import keyring, passwords

PASSWORD = "correct horse battery"


@pytest.fixture
def world(make_world):
    """A gateway that asks for keys."""
    return make_world(access="keys")


def _code(answer):
    return answer.status_code, answer.json["error"]["code"]


def _operator(world, name="Ada"):
    with world.database.write() as session:
        keys.add(session, name, [Scope.PEOPLE, Scope.OPERATE], password=passwords.hashed(PASSWORD))


def test_a_page_signs_in_with_a_key_and_out_again(world):
    key_id, secret = give_key(world, Scope.PEOPLE, name="front desk", camera="door")
    before = world.client.get("/v1/session").json
    assert before == {
        "access": "keys",
        "who": None,
        "scopes": [],
        "csrf": None,
        "expires_at": None,
        "sightings_kept_s": None,
    }
    token = sign_in(world, secret)
    during = world.client.get("/v1/session").json
    assert during["who"] == {"id": key_id, "name": "front desk", "camera": "door"}
    assert during["scopes"] == ["people"] and during["csrf"] == token and during["expires_at"]
    assert world.client.get("/v1/people").status_code == 200
    assert _code(world.client.get("/v1/keys")) == (403, "scope_missing")
    cookie = world.client.get_cookie("familiar-session").value
    assert world.client.delete("/v1/session", headers={"X-CSRF-Token": token}).status_code == 204
    assert world.client.get("/v1/session").json == before
    assert _code(world.client.get("/v1/people")) == (401, "key_required")
    world.client.set_cookie("familiar-session", cookie)  # by whoever has kept it
    assert _code(world.client.get("/v1/people")) == (401, "session_over")


def test_a_page_signs_in_with_a_name_and_a_password(world):
    _operator(world)
    answer = world.client.post("/v1/session", json={"name": "Ada", "password": PASSWORD})
    assert answer.status_code == 201 and answer.json["scopes"] == ["people", "operate"]
    assert world.client.post("/v1/session", json={"name": " Ada ", "password": f" {PASSWORD}\n"}).status_code == 201
    assert world.client.get("/v1/audit").status_code == 200


@pytest.mark.parametrize(
    "body",
    [{"key": "fam_" + "A" * 43}, {"key": ""}, {"name": "Ada", "password": "correct horse"},
     {"name": "Ada", "password": ""}, {"name": "Eve", "password": PASSWORD}, {"name": "front desk", "password": ""}],
)  # fmt: skip
def test_who_is_not_known_is_not_told_what_was_wrong_but_operators_are_told_from_where(world, body, caplog):
    _operator(world)
    give_key(world, name="front desk")
    answer = world.client.post("/v1/session", json=body)
    assert _code(answer) == (401, "sign_in_failed") and "Set-Cookie" not in answer.headers
    assert "failed attempt to sign in from 127.0.0.1" in caplog.text
    assert not any(text and text in caplog.text for text in body.values())


def test_a_password_is_no_key_and_is_not_kept(world):
    _operator(world)
    assert _code(world.client.get("/v1/people", headers=bearer(PASSWORD))) == (401, "key_unknown")
    with world.database.read() as session:
        (row,) = keys.newest(session, 10)
    assert row.password.startswith("scrypt:") and PASSWORD not in row.password and row.digest is None


def test_a_revoked_or_expired_key_signs_nobody_in_and_ends_its_sessions(world):
    for end in (revoke, let_expire):
        key_id, secret = give_key(world, Scope.PEOPLE, name=end.__name__)
        sign_in(world, secret)
        assert world.client.get("/v1/people").status_code == 200
        end(world, key_id)
        world.services.keyring.forget()
        assert world.client.get("/v1/people").status_code == 401
        assert _code(world.client.post("/v1/session", json={"key": secret})) == (401, "sign_in_failed")
        world.client.delete_cookie("familiar-session")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [("POST", "/v1/enrollments", {"name": "Ada"}), ("DELETE", "/v1/session", None),
     ("DELETE", f"/v1/people/{'0' * 32}", None),
     ("POST", "/v1/keys", {"name": "x", "scopes": ["operate"]}), ("POST", "/v1/models/1/rollback", {})],
)  # fmt: skip
def test_a_change_by_a_session_needs_its_token(world, method, path, body):
    token = sign_in(world, give_key(world)[1])
    for headers in ({}, {"X-CSRF-Token": ""}, {"X-CSRF-Token": token[:-1]}, {"X-CSRF-Token": "\xe9"}):
        answer = world.client.open(path, method=method, json=body, headers=headers)
        assert _code(answer) == (403, "csrf_failed")
    assert world.client.open(path, method=method, json=body, headers={"X-CSRF-Token": token}).status_code != 403


def test_a_key_needs_no_token_even_beside_a_session(world):
    _, secret = give_key(world)
    sign_in(world, secret)
    assert world.client.post("/v1/enrollments", json={"name": "Ada"}, headers=bearer(secret)).status_code == 201


def test_the_token_of_another_session_is_none(world):
    _, secret = give_key(world)
    first, second = sign_in(world, secret), sign_in(world, secret)
    assert first != second
    assert _code(world.client.post("/v1/keys", json={}, headers={"X-CSRF-Token": first})) == (403, "csrf_failed")


def test_the_cookie_is_for_this_page_only_and_for_no_script(world):
    _, secret = give_key(world)
    said = world.client.post("/v1/session", json={"key": secret}).headers["Set-Cookie"]
    assert {"HttpOnly", "SameSite=Strict", "Path=/"} <= set(said.split("; ")) and "Secure" not in said
    https = world.client.post("/v1/session", json={"key": secret}, base_url="https://localhost")
    assert "Secure" in https.headers["Set-Cookie"].split("; ")


def test_a_session_that_is_used_goes_on_and_one_that_is_not_ends(make_world, monkeypatch):
    world = make_world(access="keys", session_s=1000.0)
    sign_in(world, give_key(world)[1])
    begun = time.time()
    monkeypatch.setattr(keyring.Keyring, "_note", lambda ring, _of, change: _write(ring, change))
    for later in (900, 1800, 2700):
        monkeypatch.setattr(time, "time", lambda later=later: begun + later)
        world.services.keyring.forget()
        assert world.client.get("/v1/people").status_code == 200, later
    monkeypatch.setattr(time, "time", lambda: begun + 3701)
    world.services.keyring.forget()
    assert _code(world.client.get("/v1/people")) == (401, "session_over")


def test_no_session_lasts_for_ever(make_world, monkeypatch):
    world = make_world(access="keys", session_s=sessions.LONGEST_S)
    sign_in(world, give_key(world)[1])
    begun = time.time()
    monkeypatch.setattr(keyring.Keyring, "_note", lambda ring, _of, change: _write(ring, change))
    monkeypatch.setattr(time, "time", lambda: begun + sessions.LONGEST_S - 60)
    world.services.keyring.forget()
    assert world.client.get("/v1/people").status_code == 200
    monkeypatch.setattr(time, "time", lambda: begun + sessions.LONGEST_S + 60)
    world.services.keyring.forget()
    assert _code(world.client.get("/v1/people")) == (401, "session_over")


def test_failed_attempts_are_limited_by_address_and_those_who_know_their_key_elsewhere_are_not(world):
    _operator(world)
    _, secret = give_key(world)
    for _ in range(10):
        assert _code(world.client.post("/v1/session", json={"key": "fam_wrong"})) == (401, "sign_in_failed")
    for body in ({"key": "fam_wrong"}, {"key": secret}, {"name": "Ada", "password": PASSWORD}):
        answer = world.client.post("/v1/session", json=body)
        assert _code(answer) == (429, "rate_limited") and 1 <= int(answer.headers["Retry-After"]) <= 600
        assert answer.json["error"]["retryable"] is True
    elsewhere = {"REMOTE_ADDR": "192.0.2.7"}
    assert world.client.post("/v1/session", json={"key": secret}, environ_base=elsewhere).status_code == 201
    assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200


def test_failed_attempts_under_one_name_are_limited_from_wherever_they_come(world, monkeypatch):
    _operator(world)
    monkeypatch.setattr(passwords, "matches", lambda kept, password: password == PASSWORD and kept is not None)
    for number in range(50):
        where = {"REMOTE_ADDR": f"192.0.2.{number}"}
        answer = world.client.post("/v1/session", json={"name": "Ada", "password": "guess"}, environ_base=where)
        assert _code(answer) == (401, "sign_in_failed")
    where = {"REMOTE_ADDR": "198.51.100.1"}
    answer = world.client.post("/v1/session", json={"name": "Ada", "password": PASSWORD}, environ_base=where)
    assert _code(answer) == (429, "rate_limited")


def _write(ring, change):
    with ring._database.write() as session:
        change(session)
