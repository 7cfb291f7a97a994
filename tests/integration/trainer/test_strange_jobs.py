"""Whoever reaches Redis may write what he likes into it: nothing is done but trainings."""

import json
import os
import zlib
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from redis import Redis
from rq import Callback, Queue
from rq.serializers import JSONSerializer
from rq.webhook import Webhook
from trainer_world import Here, World, somebody, until

from familiar.queueing.jobs import RUN_TRAINING, TRAINING_QUEUE


@pytest.fixture
def queue(world: World) -> Queue:
    """The trainer's queue, in the hands of a stranger."""
    return Queue(TRAINING_QUEUE, connection=Redis.from_url(world.settings.redis_url), serializer=JSONSerializer)


@pytest.fixture
def listener() -> Iterator[tuple[str, list[str]]]:
    """An address that remembers what it was told."""
    told: list[str] = []

    class Remember(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            told.append(self.path)
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_: object) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Remember)
    thread = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", told
    server.shutdown()
    thread.join()
    server.server_close()


STRANGE = {
    "a program": ("os.system", ["touch {file}"]),
    "a function of ours": ("familiar_trainer.erasure.complete", [None, None]),
    "a module that is imported": ("this.s", []),
    "a method": ("pathlib.Path.touch", ["{file}"]),
    "a training by no id": (RUN_TRAINING, [["{file}"]]),
    "a training by two": (RUN_TRAINING, ["0" * 32, "1" * 32]),
    "no name at all": ("", []),
}


@pytest.mark.parametrize("what", STRANGE)
def test_a_job_that_is_no_training_is_refused_and_trainings_go_on(
    what: str, world: World, here: Here, queue: Queue, tmp_path: Path
) -> None:
    function, arguments = STRANGE[what]
    file = tmp_path / "done"
    arguments = json.loads(json.dumps(arguments).replace("{file}", str(file)))
    job = queue.enqueue_call(function or "x", args=arguments, timeout=30)
    if not function:
        queue.connection.hset(job.key, "data", zlib.compress(json.dumps(["", None, [], {}]).encode()))
    enrollment = world.enroll("Ada", somebody(1))
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
    assert job.get_status(refresh=True) == "failed"
    assert "none of ours" in (job.latest_result().exc_string or "")
    assert not file.exists()


called: list[tuple] = []


def note(*said: object) -> None:
    """Be called back."""
    called.append(said)


@pytest.mark.parametrize("function", ["os.getenv", "os.no_such_function", RUN_TRAINING])
def test_nothing_is_called_and_nobody_is_told_when_a_job_ends(
    function: str, world: World, here: Here, queue: Queue, listener: tuple[str, list[str]]
) -> None:
    address, told = listener
    enrollment = world.enroll("Ada", somebody(1))
    job = queue.enqueue_call(
        function,
        args=[world.training_of(enrollment).id],
        webhooks=[Webhook(f"{address}/{status}", status) for status in ("finished", "failed")],
        on_success=Callback(note),
        on_failure=Callback(note),
    )
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
    assert job.get_status(refresh=True) == ("finished" if function == RUN_TRAINING else "failed")
    assert (called, told) == ([], [])


GARBAGE = [
    {"data": b"\x00\xff"},
    {"data": zlib.compress(b"[1, 2")},
    {"data": zlib.compress(json.dumps(["os.system", None, ["true"], {}]).encode()), "created_at": b"yesterday"},
    {"data": zlib.compress(json.dumps({"a": 1}).encode()), "timeout": b"soon"},
    {"created_at": b"2026-01-01T00:00:00Z"},
    {},
]


def test_a_trainer_outlives_whatever_lies_on_its_queue(world: World, queue: Queue) -> None:
    trainer = world.start_trainer()
    until("it waits for work", lambda: len(world.queue.workers()) == 1)
    for number, fields in enumerate(GARBAGE):
        if fields:
            queue.connection.hset(f"rq:job:garbage{number}", mapping=fields)
        queue.connection.rpush(queue.key, f"garbage{number}")
    queue.connection.rpush(queue.key, os.urandom(20), b"", b"x" * 10_000)
    enrollment = world.enroll("Ada", somebody(1))
    assert until("the enrolment has ended", lambda: world.ended(enrollment)) == "live", trainer.output
    assert trainer.alive
