"""When nothing is asked for: on loopback alone, or because it was asked for by name."""

import pytest
from doorkeeping import bearer, give_key
from sqlalchemy import text

from familiar.errors import MisconfiguredError
from familiar.records import keys
from familiar.settings import Settings
from familiar_gateway.access import Mode, announce_first_key, mode_of


@pytest.mark.parametrize(
    ("settings", "mode"),
    [({}, "loopback"), ({"host": "localhost"}, "loopback"), ({"host": "::1"}, "loopback"),
     ({"host": "127.0.0.5"}, "loopback"),
     ({"host": "0.0.0.0"}, "keys"), ({"host": "::"}, "keys"), ({"host": "192.168.1.5"}, "keys"),
     ({"host": "door.lan"}, "keys"),
     ({"host": ""}, "keys"), ({"allowed_hosts": "door.lan"}, "keys"), ({"trusted_proxies": "127.0.0.1"}, "keys"),
     ({"https_names": "192.168.1.20,door.lan"}, "keys"), ({"allowed_hosts": " , ", "https_names": ", "}, "loopback"),
     ({"access": "keys"}, "keys"), ({"access": "open"}, "open"),
     ({"host": "0.0.0.0", "access": "open"}, "open")],
)  # fmt: skip
def test_keys_are_asked_for_unless_nobody_else_can_come_or_it_is_meant(settings, mode):
    assert mode_of(Settings(**settings)) == mode


@pytest.mark.parametrize("word", ["Open", "none", "off", "loopback", "true"])
def test_another_word_for_access_stops_the_process(word):
    with pytest.raises(MisconfiguredError, match="ACCESS"):
        Settings.from_env({"ACCESS": word})


@pytest.mark.parametrize("mode", ["loopback", "open"])
def test_where_nothing_is_asked_for_a_key_is_neither_needed_nor_harmful(make_world, mode):
    world = make_world(access="" if mode == "loopback" else mode)
    for headers in ({}, bearer("fam_wrong"), {"Cookie": "familiar-session=old"}):
        assert world.client.get("/v1/people", headers=headers).status_code == 200
        session = world.client.get("/v1/session", headers=headers).json
        assert (session["access"], session["who"]) == (mode, None)
        assert session["scopes"] == ["recognize", "enroll", "people", "sightings", "events", "operate"]


@pytest.mark.parametrize(
    "header", ["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "Forwarded", "Via", "X-Real-Ip"]
)
def test_what_a_proxy_passes_on_to_loopback_is_not_taken_for_this_machine(make_world, header):
    world = make_world()
    answer = world.client.get("/v1/people", headers={header: "192.0.2.7"})
    assert (answer.status_code, answer.json["error"]["code"]) == (401, "key_required")
    assert world.client.get("/v1/session", headers={header: "192.0.2.7"}).json["access"] == "keys"
    assert make_world(access="open").client.get("/v1/people", headers={header: "192.0.2.7"}).status_code == 200


def test_the_first_key_is_made_and_said_once_where_one_is_needed(make_world, caplog):
    world, said = make_world(access="keys"), []
    announce_first_key(world.database, Mode.LOOPBACK, said.append)
    assert said == [] and caplog.text == ""
    announce_first_key(world.database, Mode.OPEN, said.append)
    assert said == [] and "ACCESS=open" in caplog.text
    for _ in range(2):
        announce_first_key(world.database, Mode.KEYS, said.append)
    (sentence,) = said
    secret = next(word for word in sentence.split() if word.startswith("fam_"))
    for path in ("/v1/people", "/v1/audit", "/metrics"):
        assert world.client.get(path, headers=bearer(secret)).status_code == 200
    with world.database.read() as session:
        stored = keys.newest(session, 10)
    assert len(stored) == 1 and secret not in str(vars(stored[0]))


def test_no_first_key_is_made_where_there_was_one_that_is_revoked(make_world):
    world, said = make_world(access="keys"), []
    key_id, _ = give_key(world)
    with world.database.write() as session:
        keys.revoke(session, keys.get(session, key_id))
    announce_first_key(world.database, Mode.KEYS, said.append)
    assert said == []


def test_a_database_that_is_away_at_the_start_stops_nothing(make_world, monkeypatch, caplog):
    world, said = make_world(access="keys"), []
    with monkeypatch.context() as patched:
        patched.setattr("familiar.records.keys.count", lambda _: 1 / 0)
        with pytest.raises(ZeroDivisionError):  # a defect is a defect
            announce_first_key(world.database, Mode.KEYS, said.append)
    with world.database.write() as session:
        session.execute(text("ALTER TABLE access_keys RENAME TO elsewhere"))
    announce_first_key(world.database, Mode.KEYS, said.append)
    assert said == [] and "familiar-keys make" in caplog.text
