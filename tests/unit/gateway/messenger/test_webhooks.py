"""Webhooks: signed, retried, in order, and nobody who does not listen is in anybody's way."""

import base64
import json
import random
import socket
import threading
import time
from contextlib import suppress
from http.server import BaseHTTPRequestHandler

import pytest

from familiar.records import Recorder, deliveries, events, people
from familiar.settings import Settings
from familiar_gateway.messenger import backoff, courier, webhooks
from familiar_gateway.messenger.instructions import Instructions
from familiar_gateway.messenger.sender import Result
from familiar_gateway.messenger.webhooks import signature
from messengers import wait_until
from receiver import Receiver, signed
from telling import enrolled, frame, see, tell


@pytest.fixture(autouse=True)
def _without_pauses(monkeypatch):
    monkeypatch.setattr(backoff, "_FIRST_S", 0.02)
    monkeypatch.setattr(backoff, "_LONGEST_S", 0.1)


def numbers(told):
    return [each.number for each in told]


def arrived(receiver, told):
    wait_until(lambda: {each["id"] for each in receiver.taken} >= {each.id for each in told}, "all have arrived")


def test_an_event_is_told_with_person_camera_time_and_score_and_signed(database, receiver, begin):
    ada = enrolled(database, "Ada Lovelace")
    begin({"destinations": {"door": receiver.said()}, "address": "https://familiar.example/"})
    (event,) = see(database, frame(0, ada, sightings=("5" * 32,)))
    arrived(receiver, [event])
    assert receiver.taken == [{
        "id": event.id, "number": event.number, "kind": "person_seen", "at": "2025-10-09T08:53:20.000+00:00",
        "camera": "door", "person": {"id": ada, "name": "Ada Lovelace"}, "score": 0.9, "visit": event.visit_id,
        "head_version": 7, "snapshot": f"https://familiar.example/v1/events/{event.id}/snapshot",
    }]  # fmt: skip
    assert receiver.unsigned == 0 and receiver.paths == {"/told"}


def test_the_signature_is_that_of_the_specification():
    # From https://github.com/standard-webhooks/standard-webhooks, its libraries' own test.
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    told = signature(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert told == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_was_changed_or_is_old_or_of_another_secret_is_not_signed():
    now = int(time.time())
    headers = {"webhook-id": "a", "webhook-timestamp": str(now), "webhook-signature": signature(b"s", "a", now, b"{}")}
    assert signed(headers, b"{}", b"s")
    assert not signed(headers, b"{ }", b"s") and not signed(headers, b"{}", b"t")
    assert not signed({**headers, "webhook-id": "b"}, b"{}", b"s")
    assert not signed({**headers, "webhook-timestamp": str(now - 1000)}, b"{}", b"s")


@pytest.mark.parametrize("status", [500, 404, 429, 301, 307])
def test_what_is_not_taken_is_told_again_until_it_is(database, receiver, begin, status):
    receiver.answer = lambda _, times: status if times < 3 else 200
    begin({"destinations": {"door": receiver.said()}})
    told = tell(database, "a", "a", "b")
    arrived(receiver, told)
    assert receiver.in_order("a") == numbers(told[:2]) and receiver.in_order("b") == [told[2].number]
    assert set(receiver.tries.values()) == {3} and receiver.paths == {"/told"}  # no redirect was followed


def test_a_receiver_that_was_away_is_told_all_in_order_when_it_is_back(database, receiver, begin):
    receiver.stop()
    begin({"destinations": {"door": receiver.said()}})
    told = tell(database, *"abcabcabc")
    wait_until(lambda: problem(database), "it was tried")
    receiver.start()
    arrived(receiver, told)
    for camera in "abc":
        assert receiver.in_order(camera) == [each.number for each in told if each.camera == camera]
    wait_until(lambda: problem(database) is None, "that is known")


def problem(database):
    with database.read() as session:
        return deliveries.all_of(session)[0].problem


def test_what_one_camera_has_to_wait_for_is_waited_for_by_no_other(database, receiver, begin):
    refuse = [True]
    receiver.answer = lambda event, _: 400 if refuse[0] and event["camera"] == "a" else 200
    begin({"destinations": {"door": receiver.said()}})
    told = tell(database, *"abababab")
    arrived(receiver, [each for each in told if each.camera == "b"])
    wait_until(lambda: problem(database), "that is known")
    assert receiver.in_order("a") == []
    refuse[0] = False
    arrived(receiver, told)
    assert receiver.in_order("a") == numbers(told[::2])


def test_who_gets_on_between_two_refusals_does_not_wait_longer_and_longer(database, receiver, begin, caplog):
    refused = []
    receiver.answer = lambda event, times: 500 if times == 1 and not refused.append(event["number"]) else 200
    begin({"destinations": {"door": receiver.said()}})
    arrived(receiver, told := tell(database, *"aaaaaaaa"))
    assert receiver.in_order("a") == numbers(told) == refused
    assert caplog.text.count("door: it answered 500") == 8  # each is the first of its own


def test_one_that_hangs_is_hung_up_on_and_holds_up_no_other_destination(database, receiver, begin):
    hangs = Receiver(answer=lambda _, times: None if times == 1 else 200).start()
    try:
        begin({"destinations": {"slow": hangs.said(deadline_s=0.3), "door": receiver.said()}})
        told = tell(database, *"aab")
        arrived(receiver, told)
        arrived(hangs, told)
        assert max(hangs.tries.values()) == 2 and hangs.in_order("a") == numbers(told[:2])
    finally:
        hangs.stop()


def test_whose_turn_did_not_come_has_not_got_on(database, receiver, begin, monkeypatch, caplog):
    caplog.set_level("INFO")
    monkeypatch.setattr(courier, "_BEGIN_WITHIN_S", 0.05)
    receiver.answer = lambda *_: None
    begin({"destinations": {"slow": receiver.said(deadline_s=0.1)}})
    told = tell(database, *"abcdef")
    wait_until(lambda: all(receiver.tries.get(each.id, 0) >= 5 for each in told), "all were tried some times")
    assert "arrive again" not in caplog.text and caplog.text.count("no answer within") == 6


def test_one_that_answers_a_byte_at_a_time_is_hung_up_on(database, receiver, begin):
    done = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as server:

        def drip() -> None:
            connection, _ = server.accept()
            with connection:
                for byte in b"HTTP/1.1 200 " + b"O" * 10_000:
                    try:
                        connection.sendall(bytes([byte]))
                    except OSError:
                        break
                    if done.wait(0.05):
                        break
            done.set()

        threading.Thread(target=drip, daemon=True).start()
        address = f"http://127.0.0.1:{server.getsockname()[1]}/"
        begin({"destinations": {"drips": {**receiver.said(deadline_s=0.3), "webhook": address}}})
        tell(database, "a")
        wait_until(lambda: problem(database) == "no answer within 0.3 s", "it is hung up on")
        done.set()


@pytest.mark.parametrize(("rest", "closes"), [
    (b"HTTP/1.1 200 OK\r\n\r\n", False),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok", True),
    (b"HTTP/1.1 202 Accepted\r\nContent-Length: 100\r\n\r\nok", False),
    (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", True),
    (b"HTTP/1.1 200 OK\r\nContent-Length: 900000\r\n\r\n" + bytes(900_000), False),
])  # fmt: skip
def test_what_was_taken_is_taken_however_the_answer_ends(database, receiver, begin, monkeypatch, rest, closes):
    monkeypatch.setattr(webhooks, "_REST_S", 0.05)
    came = []

    def take(request: BaseHTTPRequestHandler) -> None:
        came.append(json.loads(request.rfile.read(int(request.headers["Content-Length"])))["id"])
        with suppress(OSError):
            request.wfile.write(rest)
            request.wfile.flush()
        if not closes:
            receiver.over.wait()
        request.connection.shutdown(socket.SHUT_RDWR)

    receiver.take = take
    begin({"destinations": {"door": receiver.said()}})
    told = tell(database, *"aab")
    wait_until(lambda: delivered(database) == 3, "all are taken")
    assert sorted(came) == sorted(each.id for each in told) and problem(database) is None


def delivered(database):
    with database.read() as session:
        return deliveries.all_of(session)[0].delivered


@pytest.mark.parametrize("status", [410, 302, 503])
def test_whoever_says_no_is_asked_again_whatever_the_reason(database, receiver, begin, status):
    receiver.answer = lambda _, times: status if times == 1 else 200
    begin({"destinations": {"door": receiver.said()}})
    arrived(receiver, tell(database, "a"))


def test_names_are_those_of_the_moment_at_which_it_is_told(database, receiver, begin):
    ada, eve = enrolled(database, "Ada"), enrolled(database, "Eve")
    receiver.stop()
    begin({"destinations": {"door": receiver.said()}})
    told = see(database, frame(0, ada), frame(0, eve))
    wait_until(lambda: problem(database), "it was tried")
    with database.write() as session:
        people.rename(session, people.get(session, ada), "Ada Lovelace")
    receiver.start()
    arrived(receiver, told)
    assert {each["person"]["name"] for each in receiver.taken} == {"Ada Lovelace", "Eve"}


def test_how_long_to_wait_is_said_by_the_receiver_or_doubles(monkeypatch):
    monkeypatch.undo()
    chance, waits = random.Random(1), backoff.Backoff()
    told = [waits.next_s(0, chance) for _ in range(12)]
    assert 0.5 <= told[0] <= 1 and 150 <= told[-1] <= 300 and 32 <= told[6] <= 64
    assert backoff.Backoff().next_s(120, chance) == 120
    assert backoff.Backoff().next_s(10**9, chance) == backoff.LONGEST_ASKED_S


def test_whoever_is_erased_before_they_were_told_of_is_told_of_no_more(database, receiver, begin):
    ada = enrolled(database, "Ada")
    receiver.stop()
    begin({"destinations": {"door": receiver.said()}})
    see(database, frame(0, ada))
    wait_until(lambda: problem(database), "it was tried")
    with database.write() as session:
        people.erase(session, ada)
    (later,) = tell(database, "door")
    receiver.start()
    arrived(receiver, [later])
    assert [each["id"] for each in receiver.taken] == [later.id]


def test_whoever_is_erased_while_something_else_is_told_is_told_of_no_more(database, receiver, begin):
    ada, began = enrolled(database, "Ada"), threading.Event()
    receiver.answer = lambda event, _: 1.5 if event["person"] is None and not began.set() else 200
    told = [*tell(database, "door"), *see(database, frame(0, ada))]
    with database.write() as session:
        deliveries.enlist(session, "door").number = told[0].number - 1  # both wait already when it begins
    begin({"destinations": {"door": receiver.said()}})
    assert began.wait(60)
    with database.write() as session:
        people.erase(session, ada)
    arrived(receiver, [told[0], *tell(database, "door")])
    assert all(each["person"] is None for each in receiver.taken)


def test_whoever_is_erased_while_something_is_tidied_is_told_of_no_more(database):
    ada, told = enrolled(database, "Ada"), []

    class Slow:
        """A way of telling that takes so long to connect that somebody is erased meanwhile."""

        def recount(self, *_):
            with database.write() as session:
                people.erase(session, ada)

        def clear(self, _):
            pass

        def send(self, lines, _):
            told.extend(message.body["person"] for line in lines for message in line.messages)
            return [Result(len(line.messages)) for line in lines]

    see(database, frame(0, ada))
    last = tell(database, "door")
    with database.write() as session:
        deliveries.enlist(session, "door").number = 0
    its = courier.Courier(
        "door", Slow(), Instructions(()), database, Settings(events="on"), "me", Recorder(database, "messenger")
    )
    assert its._hold()
    its.run_once()
    assert told == [None] * len(last)


def test_rules_say_who_is_told_of_what(database, receiver, begin):
    ada = enrolled(database, "Ada")
    other = Receiver().start()
    try:
        begin({
            "destinations": {"door": receiver.said(), "log": other.said()},
            "rules": [{"tell": "log"}, {"tell": "door", "camera": ["door"], "who": ["unknown", "Ada"]}],
        })  # fmt: skip
        grace = enrolled(database, "Grace")
        told = [*see(database, frame(0, ada), frame(0, grace), frame(0, ada, camera="yard")), *tell(database, "door")]
        arrived(other, told)
        arrived(receiver, [told[0], told[3]])
        assert len(receiver.taken) == 2 and len(other.taken) == 4
    finally:
        other.stop()
    assert receiver.in_order("door") == [told[0].number, told[3].number]


def test_what_was_dropped_is_said(database, receiver, begin, caplog, monkeypatch):
    monkeypatch.setattr(courier, "_TIDY_EVERY_S", 0.01)
    receiver.stop()
    begin({"destinations": {"door": receiver.said()}})
    told = tell(database, *"aaaaaa")
    wait_until(lambda: problem(database), "it was tried")
    with database.write() as session:
        assert events.prune(session, 10**9, 2) == 4
    wait_until(lambda: "door: 4 events were dropped before they could be told" in caplog.text, "that is said")
    receiver.start()
    arrived(receiver, told[4:])
    assert receiver.in_order("a") == numbers(told[4:])


def test_neither_log_nor_table_shows_an_address(database, receiver, begin, caplog):
    caplog.set_level("INFO")
    receiver.answer = lambda _, times: 500 if times == 1 else 200
    said = receiver.said()
    said["webhook"] = said["webhook"].replace("/told", "/hook/s3cret-in-the-path?key=s3cret-too")
    begin({"destinations": {"door": said}})
    arrived(receiver, tell(database, "a"))
    assert "door: it answered 500" in caplog.text
    assert "s3cret" not in caplog.text
