"""Rates: how often one key, or one address, may ask; Redis counts for all processes, and we while that is away."""

import ipaddress
import logging
import math
import time
from collections.abc import Callable
from typing import TypeVar

from limits import RateLimitItem, RateLimitItemPerHour, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import MemoryStorage, RedisStorage, Storage
from limits.strategies import FixedWindowRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

from familiar_gateway.web import Caller, RateLimited

log = logging.getLogger(__name__)

FAILURES = RateLimitItemPerMinute(10, 10)
"""Failed attempts to sign in from one address."""
FAILURES_OF_A_NAME = RateLimitItemPerHour(50)
"""Failed attempts under one name, wherever they come from."""

# Counting must not hold up what is counted: Redis is asked for this long, and after a failure not for a while.
_TIMEOUT_S = 0.25
_PAUSE_S = 5.0
_MOST_COUNTED_HERE = 10_000
_NETWORK_BITS = 64  # of an IPv6 address: whoever has one of them has them all
_NAME_LENGTH = 80
Who = tuple[str, str]
Answer = TypeVar("Answer")


class Rates:
    """Counts requests and failed attempts."""

    def __init__(self, per_minute: int, shared: Storage | None = None) -> None:
        """Let each key and each address ask so often, any number of times if 0; without ``shared`` count here only."""
        self._requests = RateLimitItemPerMinute(per_minute) if per_minute else None
        self._here = MemoryStorage()
        self._alone = FixedWindowRateLimiter(self._here)
        self._together = FixedWindowRateLimiter(shared) if shared is not None else None
        self._ask_again_at = 0.0

    @staticmethod
    def storage_at(redis_url: str) -> Storage:
        """Return where Redis counts for all; nothing is asked yet.

        Redis' own client would try again for seconds.
        """
        return RedisStorage(
            redis_url,
            wrap_exceptions=True,
            socket_timeout=_TIMEOUT_S,
            socket_connect_timeout=_TIMEOUT_S,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
        )

    def count(self, caller: Caller) -> None:
        """Count a request.

        Raises:
            RateLimited: it is one too many of this key, or from this address without a key.
        """
        item = self._requests
        if item is None:
            return
        who = ("key", caller.key_id) if caller.key_id else ("address", _network(caller.address))
        if not self._hit(item, who):
            raise self._too_many("requests", item, who)

    def require_attempts_left(self, address: str | None, name: str | None) -> None:
        """Check that there were not too many failed attempts.

        Raises:
            RateLimited: there were.
        """
        for item, who in _attempts(address, name):
            if not self._has_left(item, who):
                raise self._too_many("failed attempts", item, who)

    def count_failure(self, address: str | None, name: str | None) -> None:
        """Count a failed attempt to sign in."""
        for item, who in _attempts(address, name):
            self._hit(item, who)

    def _hit(self, item: RateLimitItem, who: Who) -> bool:
        return self._ask(lambda limiter: limiter.hit(item, *who))

    def _has_left(self, item: RateLimitItem, who: Who) -> bool:
        return self._ask(lambda limiter: limiter.test(item, *who))

    def _ask(self, question: Callable[[FixedWindowRateLimiter], Answer]) -> Answer:
        """Ask Redis, or, while it is away, what is counted here."""
        if self._together is not None and time.monotonic() >= self._ask_again_at:
            try:
                return question(self._together)
            except StorageError as exc:
                self._ask_again_at = time.monotonic() + _PAUSE_S
                log.warning("requests are counted by each process for itself, for Redis does not answer: %s", exc)
        if len(self._here.storage) > _MOST_COUNTED_HERE:
            self._here.reset()
        return question(self._alone)

    def _too_many(self, what: str, item: RateLimitItem, who: Who) -> RateLimited:
        ends_at = self._ask(lambda limiter: limiter.get_window_stats(item, *who)).reset_time
        wait_s = max(1, math.ceil(ends_at - time.time()))
        return RateLimited(f"too many {what}; there may be more in {wait_s} s", retry_after_s=wait_s)


def _attempts(address: str | None, name: str | None) -> list[tuple[RateLimitItem, Who]]:
    counted: list[tuple[RateLimitItem, Who]] = [(FAILURES, ("attempt", _network(address)))]
    if name is not None:
        counted.append((FAILURES_OF_A_NAME, ("attempt-as", name[:_NAME_LENGTH])))
    return counted


def _network(address: str | None) -> str:
    try:
        parsed = ipaddress.ip_address(address or "")
    except ValueError:
        return "unknown"
    if parsed.version == 4:
        return str(parsed)
    return str(ipaddress.ip_network((parsed, _NETWORK_BITS), strict=False))
