"""The process that sorts photos, with a real queue and database and a fake of Serving: killed, and told to stop."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import grpc
import numpy as np
import pytest

from fakes import FakeBackbone, FakeServing, backbone_meta, head_meta, meta_dict
from familiar.errors import ModelNotFound
from familiar.knowing import Head
from familiar.queueing import TrainingQueue
from familiar.records import Database, PhotoStage, photos, versions
from familiar.records.migrate import migrate
from familiar.seeing import Frame, encode_jpeg
from familiar.wire import serving_pb2 as pb
from familiar.wire.tensor import decode, encode
from familiar_embedded.redis_server import find_redis_server
from familiar_trainer import crash_points

PICTURES = 8


def wait_until(true: Callable[[], object], what: str, deadline_s: float = 60.0) -> None:
    end = time.monotonic() + deadline_s
    while not true():
        assert time.monotonic() < end, f"waited in vain until {what}"
        time.sleep(0.05)


class Wire:
    """A fake of Serving behind the real protocol."""

    def __init__(self, fake: FakeServing) -> None:
        self._fake = fake
        self._server = grpc.server(ThreadPoolExecutor(max_workers=4))
        handler = grpc.unary_unary_rpc_method_handler(
            self._predict,
            request_deserializer=pb.PredictRequest.FromString,
            response_serializer=lambda message: message.SerializeToString(),
        )
        service = "tensorflow.serving.PredictionService"
        self._server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(service, {"Predict": handler}),))
        self.address = f"127.0.0.1:{self._server.add_insecure_port('127.0.0.1:0')}"
        self._server.start()

    def _predict(self, request: pb.PredictRequest, context: grpc.ServicerContext) -> pb.PredictResponse:
        spec = request.model_spec
        inputs = {name: decode(tensor) for name, tensor in request.inputs.items()}
        version = spec.version.value if spec.HasField("version") else None
        try:
            answer = self._fake.predict(
                spec.name, inputs, version=version, signature=spec.signature_name or "serving_default",
                outputs=list(request.output_filter),
            )  # fmt: skip
        except ModelNotFound as exc:
            context.abort(grpc.StatusCode.NOT_FOUND, str(exc))
        response = pb.PredictResponse()
        response.model_spec.version.value = answer.version
        for name, array in answer.outputs.items():
            response.outputs[name].CopyFrom(encode(array, typed=True))
        return response

    def stop(self) -> None:
        self._server.stop(None).wait(5)


class Bench:
    """A folder, a queue, a database, and the processes of a test."""

    def __init__(self, folder: Path, wire: Wire) -> None:
        self.photos = folder / "photos"
        self.photos.mkdir()
        socket = folder / "redis.sock"
        self.env = {
            **os.environ, "DATABASE_URL": f"sqlite:///{folder}/familiar.db", "REDIS_URL": f"unix://{socket}?db=0",
            "SERVING_ADDR": wire.address, "PHOTOS_DIRS": str(self.photos),
        }  # fmt: skip
        self._log = (folder / "log").open("ab")
        self.running: list[subprocess.Popen[bytes]] = []
        self.database = Database(self.env["DATABASE_URL"])
        migrate(self.database)
        with self.database.write() as session:
            versions.add_backbone(session, versions.issue(session, "backbone"), meta_dict(backbone_meta()))
        program = find_redis_server()
        assert program is not None
        self._start([program, "--port", "0", "--unixsocket", str(socket), "--save", "", "--dir", str(folder)])
        self.queue = TrainingQueue.at(self.env["REDIS_URL"], 2.0)
        wait_until(socket.exists, "Redis listens")

    def _start(self, command: list[str], **env: str) -> subprocess.Popen[bytes]:
        process = subprocess.Popen(command, env={**self.env, **env}, stdout=self._log, stderr=self._log)
        self.running.append(process)
        return process

    def sorter(self, **env: str) -> subprocess.Popen[bytes]:
        return self._start([sys.executable, "-m", "familiar_trainer.photos"], **env)

    def ask(self) -> str:
        job_id = self.database.retry(lambda session: photos.add(session, str(self.photos), uploaded=False).id)
        self.queue.put_photos(job_id)
        return job_id

    def told(self, job_id: str) -> photos.Summary:
        with self.database.read() as session:
            return photos.summary(session, job_id)

    def put_again(self, job_id: str) -> None:
        """Do what the trainer's reconciler does for a job that nobody works on."""
        with self.database.read() as session:
            waiting = photos.open_ones(session)
        if job_id in waiting and waiting[job_id][0] is None:
            self.queue.put_photos(job_id)

    def end(self) -> None:
        for process in reversed(self.running):
            process.terminate()
        for process in reversed(self.running):
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        self._log.close()
        self.database.close()


@pytest.fixture
def bench(tmp_path: Path, collins: Frame) -> Iterator[Bench]:
    head = Head.empty(32)
    wire = Wire(FakeServing({1: FakeBackbone(backbone_meta())}, {1: (head, head_meta(head))}))
    made = Bench(tmp_path, wire)
    for at in range(PICTURES):
        data = encode_jpeg(np.clip(collins[:300, 60:360] * (1 - 0.02 * at), 0, 255).astype(np.uint8))
        (made.photos / f"{at}.jpg").write_bytes(data)
    yield made
    made.end()
    wire.stop()


def whole(bench: Bench, job_id: str) -> bool:
    told = bench.told(job_id)
    return (told.job.stage, told.files, told.photos, told.faces) == (PhotoStage.DONE, PICTURES, PICTURES, PICTURES)


def test_a_folder_is_sorted_and_a_job_that_is_none_of_ours_is_not_done(bench, tmp_path):
    bench.sorter()
    bench.queue.photos.enqueue("os.mkdir", str(tmp_path / "hacked"))
    job_id = bench.ask()
    wait_until(lambda: whole(bench, job_id), "the folder is sorted")
    assert not (tmp_path / "hacked").exists()


@pytest.mark.parametrize("point", [crash_points.KEPT, crash_points.SORTED])
def test_whatever_is_killed_nothing_is_lost_or_half_done(bench, point):
    job_id = bench.ask()
    dying = bench.sorter(FAMILIAR_CRASH_AT=point)

    def died() -> bool:
        bench.put_again(job_id)
        return bench.told(job_id).files >= (2 if point == crash_points.KEPT else PICTURES)

    wait_until(died, "processes have died")
    dying.kill()
    dying.wait()
    if point == crash_points.KEPT:
        assert 0 < bench.told(job_id).photos == bench.told(job_id).files
    bench.database.retry(lambda session: photos.mourn(session, job_id))  # as after a minute of silence
    bench.sorter()

    def is_whole() -> bool:
        bench.put_again(job_id)
        return whole(bench, job_id)

    wait_until(is_whole, "another process has done the rest")


def test_a_process_that_waits_ends_at_once_when_it_is_told_to_with_a_queue_or_without(bench):
    for queue_is_there in (True, False):
        process = bench.sorter()
        wait_until(lambda: bench.queue.photos.connection.scard("rq:workers:photos"), "it waits for work")
        if not queue_is_there:
            bench.running[0].kill()
            bench.running[0].wait()
        process.terminate()
        assert process.wait(15) == 0


def test_a_process_that_is_told_to_stop_leaves_its_job_at_once(bench):
    job_id = bench.ask()
    process = bench.sorter()
    wait_until(lambda: bench.told(job_id).files >= 1, "it has begun")
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0
    told = bench.told(job_id)
    assert told.job.owner is None and told.job.stage in (PhotoStage.QUEUED, PhotoStage.DONE)
