"""The messenger as a process: killed at any moment it tells each event at least once, in order, and doubles say so."""

import signal
import subprocess
import sys

import pytest

from familiar.records import deliveries
from familiar_gateway.messenger import courier
from messengers import running, start, wait_until, write_file
from receiver import WRITTEN
from telling import tell


@pytest.mark.slow
def test_killed_again_and_again_it_tells_each_event_at_least_once_and_in_order(database, receiver, tmp_path):
    url, said = f"sqlite:///{database.file}", {"destinations": {"door": receiver.said()}}
    with running(tmp_path, url, said):
        wait_until(lambda: owned(database), "it is told from here")
    told = tell(database, *"abc" * 200)
    receiver.answer = lambda _, __: 0.01  # so that a kill falls among them
    for _ in range(3):
        before = len(receiver.taken)
        killed = start(tmp_path, url, said)
        wait_until(lambda some=before: len(receiver.taken) > some + 20, "some have arrived")
        killed.send_signal(signal.SIGKILL)
        killed.wait()
        with database.write() as session:  # whoever looks on would find out after the lease
            deliveries.all_of(session)[0].owner = None
    receiver.answer = lambda _, __: 200
    with running(tmp_path, url, said):
        wait_until(lambda: {each["id"] for each in receiver.taken} == {each.id for each in told}, "all have arrived")
    for camera in "abc":
        assert receiver.in_order(camera) == [each.number for each in told if each.camera == camera]
    assert 600 <= len(receiver.taken) <= 600 + 3 * 200 and receiver.unsigned == 0


def owned(database):
    with database.read() as session:
        return [each.name for each in deliveries.all_of(session) if each.owner is not None]


def test_a_second_one_waits_and_takes_over_from_a_dead_one(database, receiver, tmp_path, begin, monkeypatch):
    monkeypatch.setattr(courier, "LEASE_S", 1.5)
    url, said = f"sqlite:///{database.file}", {"destinations": {"door": receiver.said()}}
    first = start(tmp_path, url, said)
    try:
        wait_until(lambda: owned(database), "the first one has it")
        begin(said, owner="second")
        first.kill()
        first.wait()
        told = tell(database, "a", "b")
        wait_until(lambda: len(receiver.taken) == 2, "the second one tells")
        assert {each["id"] for each in receiver.taken} == {each.id for each in told}
    finally:
        first.kill()
        first.wait()


@pytest.mark.parametrize(("settings", "says"), [
    ({"EVENTS_FILE": ""}, "EVENTS_FILE"), ({"EVENTS": "off"}, "EVENTS=off"),
    ({"EVENTS_FILE": "/nowhere"}, "No such file"),
])  # fmt: skip
def test_without_anybody_to_tell_it_says_so_and_ends(tmp_path, settings, says):
    said = {"destinations": {"door": {"webhook": "http://127.0.0.1:9/", "secret": WRITTEN}}}
    process = start(tmp_path, f"sqlite:///{tmp_path}/familiar.db", said, **settings)
    assert process.wait(60) == 2
    assert says in (tmp_path / "messenger.log").read_text()


def test_a_file_can_be_checked_and_no_secret_is_shown(tmp_path, monkeypatch):
    said = {"destinations": {
        "door": {"webhook": "http://door/hook", "secret": WRITTEN},
        "home": {"mqtt": "mqtt://me:s3cret@broker", "discovery": "homeassistant"},
    }}  # fmt: skip
    monkeypatch.setenv("EVENTS_FILE", str(write_file(tmp_path, said)))
    monkeypatch.setenv("EVENTS", "on")
    command = [sys.executable, "-m", "familiar_gateway.messenger", "--check"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.splitlines() == [
        "door: a signed webhook", "home: MQTT under familiar/, with discovery under homeassistant/",
        "no rules: everybody is told of everything",
    ]  # fmt: skip
