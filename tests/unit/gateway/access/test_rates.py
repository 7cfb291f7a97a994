"""Rates: so many requests by one key or from one address, and no fewer because Redis is away."""

import socket
import threading
import time

import pytest
from doorkeeping import bearer, give_key
from limits.errors import StorageError
from limits.storage import MemoryStorage

from familiar.scope import Scope
from familiar_gateway.access import Rates, rates
from familiar_gateway.web import Caller, RateLimited

HERE = Caller("192.0.2.7")


def _lets(counting, caller, times):
    """Return how many of so many requests are let through."""
    through = 0
    for _ in range(times):
        try:
            counting.count(caller)
            through += 1
        except RateLimited as exc:
            assert exc.retryable and 1 <= exc.details["retry_after_s"] <= 60
    return through


class Shared(MemoryStorage):
    """Stands for Redis; may be away."""

    def __init__(self):
        super().__init__()
        self.away = False
        self.asked = 0

    def incr(self, *of, **more):
        self.asked += 1
        if self.away:
            raise StorageError(ConnectionError("away"))
        return super().incr(*of, **more)


def test_each_key_and_each_address_has_its_own_measure():
    counting = Rates(3)
    assert _lets(counting, HERE, 5) == 3
    assert _lets(counting, Caller("192.0.2.8"), 5) == 3
    assert _lets(counting, Caller("192.0.2.7", key_id="a"), 5) == 3
    assert _lets(counting, Caller("192.0.2.9", key_id="a"), 5) == 0
    assert _lets(counting, Caller("192.0.2.9", key_id="b"), 5) == 3


def test_whoever_has_one_address_of_a_network_of_ipv6_has_them_all():
    counting = Rates(3)
    assert _lets(counting, Caller("2001:db8::1"), 2) + _lets(counting, Caller("2001:db8::2:3"), 2) == 3
    assert _lets(counting, Caller("2001:db8:0:1::1"), 2) == 2


def test_nothing_is_counted_where_any_number_is_wanted():
    assert _lets(Rates(0), HERE, 100) == 100


def test_what_redis_counts_holds_for_all_processes():
    shared = Shared()
    assert _lets(Rates(3, shared), HERE, 2) + _lets(Rates(3, shared), HERE, 2) == 3


def test_without_redis_each_process_counts_for_itself_and_asks_again_after_a_while(monkeypatch):
    shared = Shared()
    counting = Rates(3, shared)
    shared.away = True
    assert _lets(counting, HERE, 5) == 3
    assert shared.asked == 1
    shared.away, now = False, time.monotonic()
    monkeypatch.setattr(rates.time, "monotonic", lambda: now + 6)
    assert _lets(counting, HERE, 1) == 1
    assert shared.asked == 2


def test_what_is_counted_here_stays_bounded(monkeypatch):
    monkeypatch.setattr(rates, "_MOST_COUNTED_HERE", 50)
    counting = Rates(3)
    for number in range(500):
        counting.count(Caller(f"10.0.{number // 256}.{number % 256}"))
    assert len(counting._here.storage) <= 51


@pytest.mark.parametrize("silent", [True, False])
def test_a_redis_that_is_silent_or_gone_costs_a_moment_once(silent):
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        if not silent:
            listener.close()
        counting = Rates(1000, Rates.storage_at(f"redis://127.0.0.1:{port}/0"))
        asked = threading.Event()
        real = counting._together.hit
        counting._together.hit = lambda *of: (asked.is_set() and pytest.fail("asked twice")) or asked.set() or real(*of)
        assert _lets(counting, HERE, 200) == 200
        assert asked.is_set()


def test_too_many_requests_are_a_429_that_says_when_there_may_be_more(make_world):
    world = make_world(access="keys", rate_limit=3)
    _, secret = give_key(world, Scope.PEOPLE)
    answers = [world.client.get("/v1/people", headers=bearer(secret)) for _ in range(4)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429]
    assert answers[-1].json["error"]["code"] == "rate_limited" and answers[-1].json["error"]["retryable"] is True
    assert 1 <= int(answers[-1].headers["Retry-After"]) <= 60
    for path in ("/healthz", "/readyz", "/docs", "/openapi.json", "/v1/session"):
        assert world.client.get(path, headers=bearer(secret)).status_code in (200, 503), path


def test_those_who_show_nothing_are_counted_by_address_and_hold_up_nobody_else(make_world):
    world = make_world(access="keys", rate_limit=3)
    _, secret = give_key(world, Scope.PEOPLE)
    statuses = [world.client.get("/v1/people", headers=bearer("fam_guess")).status_code for _ in range(5)]
    assert statuses == [401, 401, 401, 429, 429]
    assert world.client.get("/v1/people", headers=bearer(secret)).status_code == 200


def test_on_loopback_nothing_is_counted(make_world):
    world = make_world(rate_limit=3)
    assert {world.client.get("/v1/people").status_code for _ in range(10)} == {200}
