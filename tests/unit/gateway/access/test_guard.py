"""The guard: which key opens what, however it is shown, and until when."""

import threading
import time
from contextlib import contextmanager

import pytest
from doorkeeping import bearer, give_key, let_expire, revoke
from served_app import wait_until
from werkzeug.test import Client

from familiar.errors import DatabaseUnavailable
from familiar.records import key, keys
from familiar.scope import Scope
from familiar_gateway.access import keyring


@pytest.fixture
def world(make_world):
    """A gateway that asks for keys."""
    return make_world(access="keys")


def _code(answer):
    return answer.status_code, answer.json["error"]["code"]


def test_a_key_may_be_shown_in_either_way(world):
    _, secret = give_key(world, Scope.PEOPLE)
    for headers in (bearer(secret), {"authorization": f"bearer {secret}"}, {"x-api-key": secret}, {"X-API-Key": secret},
                    {"Authorization": "Basic YTpi", "x-api-key": secret}):  # fmt: skip
        assert world.client.get("/v1/people", headers=headers).status_code == 200, headers


@pytest.mark.parametrize(
    ("headers", "code"),
    [({}, "key_required"), ({"Authorization": "Basic YTpi"}, "key_required"),
     ({"Authorization": "Bearer"}, "key_required"),
     ({"x-api-key": ""}, "key_required"), (bearer("fam_" + "A" * 43), "key_unknown"),
     (bearer("a" * 10_000), "key_unknown"),
     ({"x-api-key": "\xe9"}, "key_unknown"), ({"Cookie": "familiar-session=abc"}, "session_over"),
     ({"Cookie": f"familiar-session={'a' * 5_000}"}, "session_over")],
)  # fmt: skip
def test_what_opens_nothing_is_a_401_that_says_why(world, headers, code):
    client = world.client.application.test_client(use_cookies=False)  # it would send its own
    answer = client.get("/v1/people", headers=headers)
    assert _code(answer) == (401, code)
    assert answer.headers["WWW-Authenticate"] == "Bearer"


@pytest.mark.parametrize("path", ["/v1/people", "/v1/people?limit=1", "/v1/jobs", "/metrics", "/v1/audit"])
def test_a_head_is_asked_for_as_much_as_the_whole(world, path):
    client = Client(world.client.application)  # the document says nothing of HEAD, so its judge is not asked
    assert client.head(path).status_code == 401
    assert client.head(path, headers=bearer(give_key(world)[1])).status_code == 200


def test_asking_what_may_be_asked_opens_nothing(world):
    answer = world.client.options("/v1/people")
    assert answer.status_code == 200 and answer.data == b""


@pytest.mark.parametrize(
    "path", ["/v1/people/", "//v1/people", "/v1//people", "/v1/./people", "/V1/people", "/v1/people;x"]
)
def test_another_way_to_write_an_address_goes_round_nothing(world, path):
    answer = Client(world.client.application).get(path)
    assert answer.status_code in (308, 401, 403, 404) and b"total" not in answer.data


def test_a_digest_of_a_secret_is_no_secret(world):
    _, secret = give_key(world)
    assert _code(world.client.get("/v1/people", headers=bearer(key.digest(secret)))) == (401, "key_unknown")


def test_a_key_without_the_scope_is_told_which_one_is_needed(world):
    _, secret = give_key(world, Scope.RECOGNIZE, Scope.ENROLL)
    answer = world.client.get("/v1/people", headers=bearer(secret))
    assert _code(answer) == (403, "scope_missing")
    assert answer.json["error"]["details"]["scopes"] == ["people"]


def test_a_refusal_says_nothing_of_a_secret(world, caplog):
    _, secret = give_key(world, Scope.RECOGNIZE)
    wrong = key.new_secret()
    with caplog.at_level("DEBUG"):
        texts = [world.client.get("/v1/people", headers=bearer(each)).text for each in (secret, wrong)]
        texts.append(world.client.post("/v1/session", json={"key": wrong}).text)
    for each in (secret, wrong):
        assert each not in caplog.text and each[4:] not in "".join(texts)


def test_what_is_not_there_is_not_there_without_a_key_too(world):
    assert _code(world.client.get("/v1/nothing")) == (404, "route_not_found")
    assert _code(world.client.put("/v1/people")) == (405, "method_not_allowed")


def test_a_revoked_key_ends_here_soon_and_where_it_was_revoked_at_once(world, monkeypatch):
    key_id, secret = give_key(world, Scope.PEOPLE)
    assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200
    revoke(world, key_id)
    now = time.monotonic()
    monkeypatch.setattr(keyring.time, "monotonic", lambda: now + keyring.FRESH_S)
    assert _code(world.client.get("/v1/people", headers=bearer(secret))) == (401, "key_revoked")

    operator, other = give_key(world, Scope.OPERATE, name="operator")[1], give_key(world, Scope.PEOPLE, name="other")
    assert world.client.get("/v1/people", headers=bearer(other[1])).status_code == 200
    assert world.client.delete(f"/v1/keys/{other[0]}", headers=bearer(operator)).status_code == 204
    assert _code(world.client.get("/v1/people", headers=bearer(other[1]))) == (401, "key_revoked")


def test_a_key_expires_at_its_time_however_lately_it_was_looked_up(world, monkeypatch):
    secret, now = key.new_secret(), time.time()
    with world.database.write() as session:
        keys.add(session, "short", [Scope.PEOPLE], digest=key.digest(secret), expires_at=now + 60)
    assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200
    monkeypatch.setattr(keyring.time, "time", lambda: now + 61)
    assert _code(world.client.get("/v1/people", headers=bearer(secret))) == (401, "key_expired")


def test_many_requests_with_one_key_ask_the_database_for_it_once(world, monkeypatch):
    _, secret = give_key(world)
    asked = []
    real = keys.by_digest
    monkeypatch.setattr(keyring.keys, "by_digest", lambda *of: asked.append(1) or real(*of))
    for _ in range(20):
        assert world.client.get("/v1/jobs", headers=bearer(secret)).status_code == 200
    assert len(asked) == 1


def test_wrong_keys_are_not_remembered(world):
    known = world.services.keyring._known
    for _ in range(5):
        world.client.get("/v1/people", headers=bearer(key.new_secret()))
    assert known == {}


def test_where_nobody_knows_whose_a_key_is_nobody_is_let_in(world, monkeypatch):
    def away(*_):
        raise DatabaseUnavailable("the database does not answer")

    monkeypatch.setattr(keyring.keys, "by_digest", away)
    answer = world.client.get("/v1/people", headers=bearer(key.new_secret()))
    assert _code(answer) == (503, "database_unavailable")
    assert world.client.get("/healthz", headers=bearer(key.new_secret())).status_code == 200


def test_the_use_of_a_key_is_noted_seldom_and_by_nobody_who_waits(world, monkeypatch):
    key_id, secret = give_key(world)

    def used_at():
        with world.database.read() as session:
            return keys.get(session, key_id).used_at

    assert used_at() is None
    held = threading.Event()
    with monkeypatch.context() as patched:
        real = world.database.write
        patched.setattr(world.database, "write", lambda: held.wait(30) and real())
        assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200  # though nobody may write
        held.set()
        wait_until(used_at, "the use was noted")
    first = used_at()
    world.services.keyring.forget()
    noted = []
    monkeypatch.setattr(keyring.keys, "note_use", lambda *of: noted.append(of))
    assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200
    assert not noted and used_at() == first


def test_however_many_keys_are_used_at_once_one_note_is_written_at_a_time_and_all_are(world, monkeypatch):
    given = [give_key(world, name=f"key {number}") for number in range(8)]
    writing, most, real, lock = 0, 0, world.database.write, threading.Lock()

    @contextmanager
    def write():
        nonlocal writing, most
        with lock:
            writing += 1
            most = max(most, writing)
        try:
            time.sleep(0.01)  # the others have come meanwhile
            with real() as session:
                yield session
        finally:
            with lock:
                writing -= 1

    monkeypatch.setattr(world.database, "write", write)
    for _, secret in given:
        assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200

    def all_noted():
        with world.database.read() as session:
            return all(keys.get(session, key_id).used_at for key_id, _ in given)

    wait_until(all_noted, "each use was noted")
    assert most == 1


def test_a_note_that_cannot_be_written_is_lost_and_the_next_one_is_not(world, monkeypatch):
    (lost, secret), (noted, other) = give_key(world, name="lost"), give_key(world, name="noted")
    failed, real = threading.Event(), keys.note_use

    def note(session, key_id):
        if key_id == lost:
            failed.set()
            raise DatabaseUnavailable("away")
        real(session, key_id)

    monkeypatch.setattr(keyring.keys, "note_use", note)
    assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200
    wait_until(failed.is_set, "it was tried")
    assert world.client.get("/v1/people", headers=bearer(other)).status_code == 200

    def used_at(key_id):
        with world.database.read() as session:
            return keys.get(session, key_id).used_at

    wait_until(lambda: used_at(noted), "the other one was noted")
    assert used_at(lost) is None


def test_an_expired_key_is_refused_as_such(world):
    key_id, secret = give_key(world)
    let_expire(world, key_id)
    assert _code(world.client.get("/v1/people", headers=bearer(secret))) == (401, "key_expired")
