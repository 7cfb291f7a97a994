"""MQTT: what a real broker hears, keeps showing, and gets again after it was away."""

import json
import shutil
import subprocess
import time

import pytest
from sqlalchemy import update

from familiar.records import corrections, deliveries, people
from familiar.records.schema import Event
from familiar_gateway.messenger import backoff, courier
from familiar_gateway.messenger.mqtt import slug
from messengers import running, wait_until
from mosquitto import listening
from telling import NOON, enrolled, frame, see, tell


@pytest.fixture(autouse=True)
def _quickly(monkeypatch):
    monkeypatch.setattr(backoff, "_FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "_LONGEST_S", 0.1)
    monkeypatch.setattr(courier, "_TIDY_EVERY_S", 0.02)


def said(broker, **more):
    return {"destinations": {"home": {"mqtt": f"mqtt://127.0.0.1:{broker.port}", **more}}}


def heard(listener, told, camera="door"):
    topic = f"familiar/{slug(camera)}/events"
    wait_until(lambda: {json.loads(each)["id"] for each in listener.all(topic)} >= {each.id for each in told}, "heard")
    return [json.loads(each)["number"] for each in listener.all(topic)]


def test_events_are_heard_by_camera_and_the_last_ones_are_kept(database, broker, begin):
    ada = enrolled(database, "Ada")
    with listening(broker.port) as listener:
        begin(said(broker))
        wait_until(lambda: listener.last("familiar/status") == "online", "it is there before there is anything to tell")
        told = see(database, frame(0, ada), frame(1, ada, camera="yard"))
        heard(listener, told[:1])
        heard(listener, told[1:], "yard")
        more = tell(database, "door")
        heard(listener, more)
        wait_until(lambda: listener.last("familiar/door/unknown"), "what is kept")
    with listening(broker.port) as late:  # who comes later sees the last state
        assert json.loads(late.last("familiar/door/person"))["person"] == {"id": ada, "name": "Ada"}
        assert json.loads(late.last("familiar/door/unknown"))["id"] == more[0].id
        assert late.last("familiar/status") == "online"
        assert late.all("familiar/door/events") == []


def test_home_assistant_is_told_of_each_camera(database, broker, begin):
    with listening(broker.port) as listener:
        begin(said(broker, discovery="homeassistant", topic="house/familiar"))
        tell(database, "Hall Ö", None)
        slugged = slug("Hall Ö")
        wait_until(lambda: listener.last(f"house/familiar/{slugged}/count"), "its sensors are there")
        configs = {topic: json.loads(text) for topic, text, _ in listener.heard if topic.endswith("/config")}
        assert set(configs) == {
            f"homeassistant/sensor/familiar_{slugged}/{w}/config" for w in ("person", "unknown", "count")
        }
        assert len({each["unique_id"] for each in configs.values()}) == 3
        for topic, its in configs.items():
            assert its["state_topic"] == f"house/familiar/{slugged}/{topic.split('/')[3]}"
            assert its["availability_topic"] == "house/familiar/status"
            assert its["device"]["name"] == "Familiar Hall Ö"
        assert listener.last("house/familiar/status") == "online"


def test_visits_of_the_day_are_counted(database, broker, begin, monkeypatch):
    with listening(broker.port) as listener:
        begin(said(broker))
        told = tell(database, *["door"] * 3)
        heard(listener, told)  # of last year, all of them
        wait_until(lambda: listener.last("familiar/door/count") == "0", "those of other days do not count")
        monkeypatch.setattr("telling.NOON", time.time())
        more = tell(database, *["door"] * 2)
        heard(listener, more)
        wait_until(lambda: listener.last("familiar/door/count") == "2", "two of today")


def test_a_new_day_begins_with_nobody(database, broker, begin, monkeypatch):
    monkeypatch.setattr("telling.NOON", time.time())
    with listening(broker.port) as listener:
        its = begin(said(broker))
        heard(listener, tell(database, "door"))
        wait_until(lambda: listener.last("familiar/door/count") == "1", "one of today")
        with database.write() as session:
            session.execute(update(Event).values(at=NOON))  # as if a night had passed

        def another_day():
            its._day = None
            return listener.last("familiar/door/count") == "0"

        wait_until(another_day, "a new day is counted anew")


def test_what_is_shown_of_somebody_goes_with_them(database, broker, begin):
    ada, again = enrolled(database, "Ada"), enrolled(database, "Ada again")
    with listening(broker.port) as listener:
        begin(said(broker))
        heard(listener, see(database, frame(0, again)))
        wait_until(lambda: listener.last("familiar/door/person"), "it is shown")
        with database.write() as session:
            corrections.merge(session, ada, again, corrections.Terms(Somebody(), 3600))
        with database.write() as session:
            people.erase(session, ada)
        wait_until(lambda: listener.last("familiar/door/person") == "", "it is shown no more")
    with listening(broker.port) as late:
        assert late.last("familiar/status") == "online" and late.last("familiar/door/person") is None
    with database.read() as session:
        wait_until(lambda: "familiar/door/person" not in deliveries.retained(session, "home"), "that is known")


class Somebody:
    key_id, address = None, None


def test_a_broker_that_was_away_is_told_all_in_order_when_it_is_back(database, broker, begin):
    begin(said(broker, deadline_s=2))
    first = tell(database, *"aba")
    wait_until(lambda: waiting(database) == 0, "they were told")
    broker.stop()
    told = tell(database, *"abab")
    wait_until(lambda: problem(database), "it was tried")
    broker.start()
    with listening(broker.port) as listener:
        more = tell(database, *"ba" * 20)
        everything = heard(listener, [each for each in more if each.camera == "a"], "a")
        assert everything == sorted(everything)
        wait_until(lambda: waiting(database) == 0, "all were told")
    assert problem(database) is None and len(first) + len(told) == 7


def waiting(database):
    with database.read() as session:
        return deliveries.backlog(session, deliveries.all_of(session)[0])


def problem(database):
    with database.read() as session:
        return deliveries.all_of(session)[0].problem


def test_with_user_and_password_and_without(database, broker, begin):
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed")
    broker.stop()
    passwords = broker.folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "familiar", "s3cret"], check=True, timeout=30)
    broker.more = ("allow_anonymous false", f"password_file {passwords}")
    broker.start()
    with listening(broker.port, "familiar", "s3cret") as listener:
        begin(said(broker, user="familiar", password="s3cret"))
        heard(listener, tell(database, "door"))


def test_whoever_is_not_let_in_is_told_so_without_the_password(database, broker, begin, caplog):
    if shutil.which("mosquitto_passwd") is None:
        pytest.skip("mosquitto_passwd is not installed")
    broker.stop()
    passwords = broker.folder / "passwords"
    subprocess.run(["mosquitto_passwd", "-c", "-b", passwords, "familiar", "s3cret"], check=True, timeout=30)
    broker.more = ("allow_anonymous false", f"password_file {passwords}")
    broker.start()
    begin({"destinations": {"home": {"mqtt": f"mqtt://familiar:wr0ng@127.0.0.1:{broker.port}"}}})
    tell(database, "door")
    wait_until(lambda: "home: the broker says: Not authorized" in caplog.text, "that is said")
    assert "wr0ng" not in caplog.text and "wr0ng" not in (problem(database) or "")


def test_a_broker_that_keeps_nothing_is_told_of_by_what_it_lacks(database, broker, begin):
    broker.stop()
    broker.more = ("allow_anonymous true", "retain_available false")
    broker.start()
    begin(said(broker))
    tell(database, "door")
    wait_until(lambda: "last wills and retained messages" in (problem(database) or ""), "that is said")


def test_home_assistant_is_told_again_by_a_broker_that_has_forgotten_all(database, broker, begin):
    begin(said(broker, discovery="homeassistant", deadline_s=2))
    tell(database, "door")
    wait_until(lambda: waiting(database) == 0, "it was told")
    broker.stop()
    broker.start()
    tell(database, "door")
    wait_until(lambda: waiting(database) == 0, "it was told again")
    with listening(broker.port) as late:
        assert late.last("homeassistant/sensor/familiar_door/person/config")
        assert late.last("familiar/status") == "online"


def test_over_tls_whom_it_does_not_trust_it_tells_nothing(database, broker, begin, tmp_path, caplog):
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed")
    key, certificate = tmp_path / "key.pem", tmp_path / "certificate.pem"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate, "-days", "2",
         "-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"],
        check=True, timeout=60, capture_output=True,
    )  # fmt: skip
    broker.stop()
    plain = broker.port
    broker.more = (f"certfile {certificate}", f"keyfile {key}", "allow_anonymous true")
    broker.start()
    address = f"mqtts://localhost:{plain}"
    begin({"destinations": {"stranger": {"mqtt": address}, "home": {"mqtt": address, "ca": str(certificate)}}})
    tell(database, "door")
    wait_until(lambda: "stranger: TLS failed" in caplog.text, "a stranger is refused")
    wait_until(lambda: delivered(database) == {"home": 1, "stranger": 0}, "the other one is told")


def delivered(database):
    with database.read() as session:
        return {each.name: each.delivered for each in deliveries.all_of(session)}


def test_two_names_never_become_one_topic():
    names = [
        "door",
        "Door",
        "d o-o r",
        "door ",
        "no-camera",
        "",
        "Tür",
        "Tur",
        "a" * 80,
        "a" * 79,
        "+",
        "#",
        "/",
        "$SYS",
    ]
    slugs = [slug(each) for each in names]
    assert len(set(slugs)) == len(names) and slug("door") == "door"
    assert all(set(each) <= set("abcdefghijklmnopqrstuvwxyz0123456789_-") and len(each) <= 40 for each in slugs)


def test_whether_anybody_is_there_is_said_though_nothing_happens(database, broker, begin, caplog):
    begin(said(broker, deadline_s=2))
    with listening(broker.port) as listener:
        wait_until(lambda: listener.last("familiar/status") == "online", "it is there")
        broker.stop()
        wait_until(lambda: "what it shows is not up to date" in caplog.text, "the broker is missed")
        broker.start()
        listener.heard.clear()
        wait_until(lambda: listener.last("familiar/status") == "online", "it is there again")


def test_whoever_stops_says_so(database, broker, tmp_path):
    url = f"sqlite:///{database.file}"
    with listening(broker.port) as listener:
        with running(tmp_path, url, said(broker)):
            wait_until(lambda: listener.last("familiar/status") == "online", "it is there")
        wait_until(lambda: listener.last("familiar/status") == "offline", "it is gone")
        with running(tmp_path, url, said(broker)) as killed:
            wait_until(lambda: listener.last("familiar/status") == "online", "it is there again")
            killed.kill()
            wait_until(lambda: listener.last("familiar/status") == "offline", "the broker says so in its place")
