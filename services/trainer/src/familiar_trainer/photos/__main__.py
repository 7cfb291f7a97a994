"""Start the sorter of photos: ``python -m familiar_trainer.photos``; settings come from the environment."""

import contextlib
import logging
import os
import signal
import sys
import threading
from typing import Any

# Before NumPy is imported: its threads would spin on cores that those who recognise need.
os.environ.setdefault("OMP_NUM_THREADS", "1")

from redis import Redis
from rq import Worker
from rq.exceptions import StopRequested
from rq.job import Job
from rq.serializers import JSONSerializer

from familiar.errors import FamiliarError
from familiar.queueing import SortingJob, TrainingQueue
from familiar.records import Database, migrate, photos
from familiar.settings import Settings
from familiar_trainer import patience

NICENESS = 15
"""Behind trainings: a fifteenth of the weight of who recognises."""
_TTL_S = 30


class SortingWorker(Worker):
    """Forks a process for each job: no TensorFlow is here that could not be forked, and memory comes back with its end.

    A picture that kills its process kills no more than that.
    """

    max_connection_wait_time = 1.0

    def interrupt(self) -> None:
        """Leave the work loop: at once if idle, else when the job in hand was left where it is, after a picture.

        Called by a signal handler, in the main thread.
        """
        self._stop_requested = True
        if not self.horse_pid:
            raise StopRequested
        self.kill_horse(signal.SIGTERM)

    def _install_signal_handlers(self) -> None:
        """Leave the signals to ``main``: Redis may be away when one comes."""

    def handle_work_horse_killed(self, job: Job, retpid: int, ret_val: int, rusage: Any) -> None:
        """Have a job gone on with whose process has died; without this it would be taken for alive for a minute."""
        with contextlib.suppress(FamiliarError):
            database = Database(Settings.from_env().database_url)
            database.retry(lambda session: photos.mourn(session, job.id))
            database.close()

    def subscribe(self) -> None:
        """Take no commands over Redis: whoever reaches it could stop us."""


def main() -> int:
    """Sort photos until told to stop; the exit status is 0 after SIGTERM or SIGINT, 1 if it could not start."""
    try:
        settings = Settings.from_env()
        database, queue = (
            Database(settings.database_url),
            TrainingQueue.at(settings.redis_url, settings.redis_timeout_s),
        )
    except FamiliarError as exc:
        print(f"familiar-photos: {exc}", file=sys.stderr)
        return 1
    logging.basicConfig(level=settings.log_level, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    os.nice(max(0, NICENESS - os.nice(0)))
    stop = threading.Event()
    patience.handle_signals(lambda *_: stop.set())
    patience.wait_for("the database", lambda: migrate.check(database), stop)
    database.close()  # each job has connections of its own
    patience.work(queue, stop, lambda: _worker(settings))
    return 0


def _worker(settings: Settings) -> SortingWorker:
    connection = Redis.from_url(settings.redis_url, socket_connect_timeout=settings.redis_timeout_s)
    return SortingWorker(
        [TrainingQueue(connection).photos],
        job_class=SortingJob,
        name=f"photos-{os.uname().nodename[:60]}-{os.getpid()}-{os.urandom(3).hex()}",
        connection=connection,
        worker_ttl=_TTL_S,
        serializer=JSONSerializer,
    )


if __name__ == "__main__":
    sys.exit(main())
