"""The worker: an RQ worker that runs trainings in this process, and outlives a Redis that goes and comes."""

import contextlib
import logging
import os
import threading
from pathlib import Path
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, SimpleWorker
from rq.exceptions import StopRequested
from rq.executions import Execution
from rq.job import Job
from rq.serializers import JSONSerializer
from rq.worker import WorkerStatus

from familiar import disk
from familiar.errors import FamiliarError
from familiar.queueing import ABOUT, About, TrainingJob, TrainingQueue
from familiar.records import migrate
from familiar.software import made_of
from familiar_trainer import jobs, patience
from familiar_trainer.trainer import Trainer

_log = logging.getLogger(__name__)
SIGN_EVERY_S = 5.0
"""How often a worker that is at work shows that it lives."""
TTL_S = 30
"""For how many seconds such a sign counts."""
_TENSORFLOW = ("tensorflow", "tensorflow-cpu")


class TrainingWorker(SimpleWorker):
    """Runs one job after the other in the main thread, where TensorFlow is imported and warm.

    RQ would fork a process for each job, and forking after TensorFlow was imported hangs.
    """

    max_connection_wait_time = 1.0

    def __init__(self, *args: Any, models_dir: Path, **more: Any) -> None:
        """Prepare to work; of the folder of the models operators are told how much room there is."""
        self._models_dir = models_dir
        self._software = made_of(*_TENSORFLOW)
        super().__init__(*args, **more)

    def work(self, *args: Any, **more: Any) -> bool:
        """Work as RQ does, and sign off also when told to stop before the first wait for work."""
        try:
            return super().work(*args, **more)
        except StopRequested:
            self.register_death()  # type: ignore[no-untyped-call]
            raise

    def execute_job(self, job: Job, queue: Queue) -> None:
        """Run a job in this thread, with signs of life from another.

        RQ's own worker that does not fork gives none meanwhile. It counts as there, and its job as running, for as long
        as a job may take, and so it would after it was killed.
        """
        execution = self.prepare_execution(job)
        ended = threading.Event()
        living = threading.Thread(target=self._live, args=(job, execution, ended), name="signs-of-life", daemon=True)
        living.start()
        try:
            self.perform_job(job, queue, execution)
        finally:
            ended.set()
            living.join()
        self.set_state(WorkerStatus.IDLE)

    def get_heartbeat_ttl(self, job: Job, working_time: float = 0.0) -> int:
        """Return for how many seconds one sign of life counts."""
        return TTL_S

    def clean_registries(self) -> None:
        """Tidy up as RQ does, but take nobody who died for one who failed."""
        with contextlib.suppress(FamiliarError):
            TrainingQueue(self.connection).forget_silent()
        super().clean_registries()  # type: ignore[no-untyped-call]

    def _live(self, job: Job, execution: Execution, ended: threading.Event) -> None:
        while not ended.wait(SIGN_EVERY_S):
            with contextlib.suppress(RedisError), self.connection.pipeline() as pipeline:
                self.heartbeat(TTL_S, pipeline)
                execution.heartbeat(job.started_job_registry, TTL_S, pipeline)
                pipeline.execute()

    def interrupt(self) -> None:
        """Leave the work loop: at once if idle, after the job (which is told to hurry by the event) if not.

        Called by a signal handler, in the main thread.
        """
        self._stop_requested = True
        if self.get_state() != WorkerStatus.BUSY:
            raise StopRequested

    def heartbeat(self, timeout: int | None = None, pipeline: Any = None) -> None:
        """Show Redis that we live; register anew if it has forgotten us."""
        if pipeline is None and not self.connection.hexists(self.key, "birth"):
            self.connection.delete(self.key)
            self.register_birth()  # type: ignore[no-untyped-call]
        (self.connection if pipeline is None else pipeline).hset(self.key, ABOUT, self._about().to_json())
        super().heartbeat(timeout, pipeline)

    def serialize(self) -> dict[str, Any]:
        """Return what stands in Redis of this worker, with what operators want to know besides."""
        return {**super().serialize(), ABOUT: self._about().to_json()}

    def _about(self) -> About:
        try:
            return About(self._software, disk.beneath(self._models_dir))
        except OSError:  # a volume that is lost is told by those who write there
            return About(self._software)

    def subscribe(self) -> None:
        """Take no commands over Redis: they are for workers that fork, and here would stop the trainer."""

    def _install_signal_handlers(self) -> None:
        """Leave the signals to ``serve``."""


def serve(trainer: Trainer) -> None:
    """Work until the process is told to stop by SIGTERM or SIGINT; a Redis that is away is waited for."""
    jobs.use(trainer)
    patience.work(trainer.queue, trainer.stop, lambda: _worker(trainer))


def wait_for_database(trainer: Trainer) -> None:
    """Return when the database answers and has the tables of this release, or the process is told to stop."""
    patience.wait_for("the database", lambda: migrate.check(trainer.database), trainer.stop)


def _worker(trainer: Trainer) -> TrainingWorker:
    # A connection of its own: RQ gives it the long deadline that blocking for the next job needs.
    connection = Redis.from_url(trainer.settings.redis_url, socket_connect_timeout=trainer.settings.redis_timeout_s)
    return TrainingWorker(
        [TrainingQueue(connection).rq],
        job_class=TrainingJob,
        name=f"trainer-{trainer.owner}-{os.urandom(3).hex()}",
        connection=connection,
        worker_ttl=TTL_S,
        serializer=JSONSerializer,
        models_dir=trainer.settings.models_dir,
    )
