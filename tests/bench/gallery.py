"""Gallery: a running system that knows thirty people, more than any demonstration has."""

import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

import portraits
from bench.figures import Figures
from client import Client
from familiar.knowing.embedding import normalise
from familiar.records import enrollments, people, samples
from familiar.records.engine import Database
from system import START_ORDER, System, wait_until

PEOPLE, SAMPLES = 30, 150


@contextmanager
def running_system() -> Iterator[tuple[System, Figures]]:
    """Give a system of its own, whose head of thirty people answers, and what its start took."""
    with tempfile.TemporaryDirectory(prefix="familiar-bench-") as folder:
        system = System(Path(folder))
        try:
            start = time.perf_counter()
            system.bootstrap()
            bootstrap_s = time.perf_counter() - start
            fill(system.database())
            start = time.perf_counter()
            for name in START_ORDER:
                system.start(name)
            system.wait_ready(300)
            ready_s = time.perf_counter() - start
            settle(system.client())
            yield system, {"bootstrap_s": round(bootstrap_s, 1), "ready_s": round(ready_s, 1)}
        finally:
            system.down()


def fill(database: Database) -> None:
    """Enrol 30 people with 150 samples each, whose embeddings are drawn at random."""
    rng = np.random.default_rng(1)
    frame = portraits.jpeg("Eileen Collins")
    for number in range(PEOPLE):
        centre = rng.normal(size=128)
        vectors = normalise((centre + 0.25 * rng.normal(size=(SAMPLES, 128))).astype(np.float32))
        with database.write() as session:
            person = people.add(session, f"Person {number}")
            enrollment = enrollments.open_one(session, person)
            for position, vector in enumerate(vectors):
                verdict = enrollments.add_verdict(session, enrollment, f"{number}-{position}", [])
                samples.add(
                    session, enrollment, verdict, crop=frame[:12_000], vector=vector, backbone_version=1,
                    detector="bench", quality={},
                )  # fmt: skip
            enrollments.close(session, enrollment)


def settle(client: Client) -> None:
    """Wait until nobody is being learned."""
    wait_until(lambda: all(job["status"] == "live" for job in _jobs(client)), 120, "the head is live")


def _jobs(client: Client) -> list[dict]:
    found: list[dict] = client.call("GET", "/v1/jobs")["jobs"]
    return found
