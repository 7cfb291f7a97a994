"""Talking to a server that is away, busy, foreign or refusing."""

import random
import threading

import pytest

from familiar_camera.backoff import Backoff
from familiar_camera.errors import Refused, ServerAway, WrongServer
from familiar_camera.server import Server

from .conftest import FakeGateway, refusal, serving

QUICK = Backoff(patience_s=20.0, first_s=0.01, longest_s=0.05)


def test_a_busy_server_is_asked_again_until_it_answers(gateway: FakeGateway) -> None:
    gateway.script.extend([refusal(503, "busy"), (502, b"<html>proxy</html>"), refusal(503, "serving_unavailable")])
    reasons: list[str] = []
    server = Server(gateway.url, QUICK, on_wait=lambda why, _: reasons.append(why))
    assert server.enrollment("e1")["id"] == "e1"
    assert len(gateway.asked) == 4
    assert all("is not ready" in why for why in reasons)


def test_the_server_may_ask_for_a_longer_wait() -> None:
    wait = QUICK.wait_s(0, 0.0, 3.0, random.Random(1))
    assert wait == 3.0


def test_waits_grow_up_to_a_limit_differ_by_chance_and_end_with_the_patience() -> None:
    backoff, chance = Backoff(patience_s=10.0, first_s=0.2, longest_s=2.0), random.Random(1)
    waits = [backoff.wait_s(attempt, 0.0, 0.0, chance) for attempt in range(100)]
    assert 0.1 <= waits[0] <= 0.2
    assert all(1.0 <= wait <= 2.0 for wait in waits[4:])
    assert len(set(waits)) > 90
    assert backoff.wait_s(3, 9.9, 0.0, chance) == pytest.approx(0.1)
    assert backoff.wait_s(3, 10.0, 0.0, chance) is None


def test_a_server_that_comes_back_finds_the_client_waiting(away: FakeGateway) -> None:
    refused_once = threading.Event()
    answers = []
    server = Server(away.url, QUICK, on_wait=lambda *_: refused_once.set())
    client = threading.Thread(target=lambda: answers.append(server.enrollment("e1")))
    client.start()
    assert refused_once.wait(10)
    with serving(away):
        client.join(10)
    assert answers[0]["id"] == "e1"


def test_a_server_that_stays_away_is_named_with_what_to_do(away: FakeGateway) -> None:
    with pytest.raises(ServerAway, match=rf"{away.url} does not answer .*--wait"):
        Server(away.url, Backoff(patience_s=0)).enrollment("e1")


def test_a_refusal_is_final_and_carries_its_code(gateway: FakeGateway) -> None:
    gateway.script.append(refusal(409, "name_taken", "Ada is enrolled already", people=[]))
    with pytest.raises(Refused, match="enrolled already") as caught:
        Server(gateway.url, QUICK).enrollment("e1")
    assert (caught.value.status, caught.value.code, caught.value.details) == (409, "name_taken", {"people": []})
    assert len(gateway.asked) == 1


@pytest.mark.parametrize(
    "reply", [(404, b"<html>nginx</html>"), (200, b"<html>hello</html>"), (500, b"oops"), (200, [1])]
)
def test_something_else_at_the_address_is_recognised_at_once(gateway: FakeGateway, reply: tuple[int, object]) -> None:
    gateway.script.append(reply)
    with pytest.raises(WrongServer, match="is not Familiar"):
        Server(gateway.url, QUICK).enrollment("e1")
    assert len(gateway.asked) == 1


@pytest.mark.parametrize("url", ["", "localhost:8080", "ftp://host", "http://", "http://host:port"])
def test_an_address_that_cannot_be_one_is_refused(url: str) -> None:
    with pytest.raises(WrongServer, match="is not an address"):
        Server(url)


def test_giving_up_a_capture_waits_for_nobody(away: FakeGateway) -> None:
    def never(_: float) -> None:
        raise AssertionError("waited")

    with pytest.raises(ServerAway):
        Server(away.url, QUICK, sleep=never).discard("e1")
