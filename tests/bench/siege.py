"""Siege: what others get while many connections stall, many clients ask all the time, and one does its worst."""

import itertools
import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from bench import pictures
from bench.figures import Figures, Tables, spread
from bench.load import closed_loop, hasty_loop
from bench.probing import probing
from stalling import CHUNKED, ENROL, POST, connect, repeated, stalled_connections

_BUSY, _STALLED = 64, 200
_ROUNDS = 3

UNDISTURBED, BESIEGED = "undisturbed", "besieged"


def siege(url: str, seconds: float) -> Tables:
    """Return what busy clients and /healthz get undisturbed and besieged, for so many seconds each, in turns."""
    frames = pictures.frames(pictures.VGA, 1, 40)
    closed_loop(url, frames, 8, 40)
    rates: dict[str, list[float]] = {UNDISTURBED: [], BESIEGED: []}
    probes: dict[str, list[float]] = {UNDISTURBED: [], BESIEGED: []}
    told_to_wait = dict.fromkeys(rates, 0)
    for name in (UNDISTURBED, BESIEGED) * _ROUNDS:
        with ExitStack() as held:
            took_ms = held.enter_context(probing(url))
            if name == BESIEGED:
                held.enter_context(stalled_connections(url, _STALLED))
                held.enter_context(_doing_the_worst(url))
            run = hasty_loop(url, frames, _BUSY, seconds / _ROUNDS)
        rates[name].append(run.per_second)
        probes[name] += took_ms
        told_to_wait[name] += run.refused
    tables: Tables = {
        f"{_BUSY} busy clients, {name}": {
            "per_second, each turn": [round(rate, 1) for rate in rates[name]],
            "told to come back": told_to_wait[name],
            "healthz_ms p50/p95/p99": spread(probes[name]),
            "healthz_ms, slowest": round(max(probes[name]), 1),
        }
        for name in rates
    }
    share: Figures = {"besieged as a share of undisturbed": round(sum(rates[BESIEGED]) / sum(rates[UNDISTURBED]), 2)}
    return {**tables, f"{_STALLED} stalled connections and one hostile client": share}


@contextmanager
def _doing_the_worst(url: str) -> Iterator[None]:
    """Send what costs the most to refuse, one after the other."""
    megabyte = b"%x\r\n%s\r\n" % (1_000_000, bytes(1_000_000))
    worst: Iterator[list[bytes]] = itertools.cycle(
        (
            [ENROL + CHUNKED, *[megabyte] * 101],
            [POST + b"Content-Length: 19000000\r\n\r\n", *[bytes(1_000_000)] * 19],
            [POST + CHUNKED + b"1\r\na\r\n" * 50_000],
            [POST + CHUNKED + b"5;" + b"a" * 100_000],
            [b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"a:b\r\n" * 3_000 + b"\r\n"],
            [b"GET /" + b"a" * 100_000],
            [b"GET /v1/people?limit=1000 HTTP/1.1\r\nHost: localhost\r\n\r\n" * 200],
        )
    )

    def attack() -> None:
        with suppress(OSError), connect(url) as connection:
            for piece in next(worst):
                connection.sendall(piece)
            connection.shutdown(socket.SHUT_WR)
            while connection.recv(65_536):
                pass

    with repeated(attack):
        yield
