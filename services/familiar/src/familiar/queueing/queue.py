"""The queue between gateway and trainer: RQ over Redis, payloads of ids only, in JSON."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from redis import Redis
from redis.exceptions import RedisError
from rq import Queue, Worker
from rq.serializers import JSONSerializer
from rq.worker import BaseWorker

from familiar.errors import MisconfiguredError, QueueUnavailable
from familiar.queueing.jobs import (
    PHOTO_QUEUE,
    RUN_REPLAY,
    RUN_TRAINING,
    SORT_PHOTOS,
    TRAINING_QUEUE,
    SortingJob,
    TrainingJob,
)
from familiar.queueing.workers import ABOUT, About, WorkerState, text_of

_RESULT_TTL_S = 600
_FAILURE_TTL_S = 86_400
_JOB_TIMEOUT_S = 1_800
_PHOTOS_TIMEOUT_S = 7 * 86_400


@dataclass(frozen=True)
class QueueState:
    """How full the queue is."""

    waiting: int
    running: int
    failed: int


class TrainingQueue:
    """Where trainings wait for a worker. Losing it loses nothing: the reconciler puts open trainings back."""

    def __init__(self, redis: Redis) -> None:
        self._redis = redis
        self.rq = Queue(TRAINING_QUEUE, connection=redis, serializer=JSONSerializer, job_class=TrainingJob)
        self.photos = Queue(PHOTO_QUEUE, connection=redis, serializer=JSONSerializer, job_class=SortingJob)

    @classmethod
    def at(cls, url: str, timeout_s: float) -> "TrainingQueue":
        """Return the queue in the Redis at ``url``, each call to which may take ``timeout_s`` at most.

        Raises:
            MisconfiguredError: the URL is not one of Redis.
        """
        try:
            return cls(Redis.from_url(url, socket_timeout=timeout_s, socket_connect_timeout=timeout_s))
        except ValueError as exc:
            raise MisconfiguredError(f"REDIS_URL: {exc}") from exc

    def put(self, training_id: str) -> None:
        """Put a training on the queue unless it is there already.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        self._put(self.rq, RUN_TRAINING, training_id, "training")

    def put_replay(self, replay_id: str) -> None:
        """Put a replay on the queue unless it is there already.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        self._put(self.rq, RUN_REPLAY, replay_id, "replay")

    def put_photos(self, job_id: str) -> None:
        """Put a photo job on the queue of its own unless it is there already.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        self._put(self.photos, SORT_PHOTOS, job_id, "photo job", _PHOTOS_TIMEOUT_S)

    def _put(self, queue: Queue, calls: str, its_id: str, what: str, timeout_s: int = _JOB_TIMEOUT_S) -> None:
        with _translated():
            if its_id not in queue.job_ids:
                queue.enqueue(
                    calls,
                    its_id,
                    job_id=its_id,
                    job_timeout=timeout_s,
                    result_ttl=_RESULT_TTL_S,
                    failure_ttl=_FAILURE_TTL_S,
                    description=f"{what} {its_id}",
                )

    def state(self) -> QueueState:
        """Return how full the queue is.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        self.forget_silent()
        with _translated():
            return QueueState(
                waiting=self.rq.count,
                running=self.rq.started_job_registry.count,
                failed=self.rq.failed_job_registry.count,
            )

    def forget_silent(self) -> None:
        """Remove the jobs of workers that have died: these have not failed, the database says what is still to be done.

        RQ counts them as failed for a day if it is the first to see them.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        with _translated():
            self._redis.zremrangebyscore(self.rq.started_job_registry.key, 0, time.time())

    def workers(self) -> list[WorkerState]:
        """Return who is registered for this queue, by name; one that died drops out when its key expires.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        with _translated():
            found = Worker.all(connection=self._redis, queue=self.rq, serializer=JSONSerializer)
            return sorted(map(self._state_of, found), key=lambda worker: worker.name)

    def software(self) -> dict[str, str]:
        """Return what the server of the queue is, by name and version.

        Raises:
            QueueUnavailable: Redis does not answer.
        """
        with _translated():
            told: Any = self._redis.info("server")
        name = "valkey" if "valkey_version" in told else "redis"
        return {name: str(told.get(f"{name}_version", ""))}

    def check(self) -> None:
        """Ask Redis for a sign of life.

        Raises:
            QueueUnavailable: it gives none.
        """
        with _translated():
            self._redis.ping()

    def _state_of(self, worker: BaseWorker) -> WorkerState:
        told: Any = self._redis.hget(worker.key, ABOUT)
        return WorkerState(
            name=worker.name,
            state=str(worker.get_state()),
            training_id=worker.get_current_job_id(),
            since=worker.birth_date.timestamp() if worker.birth_date else None,
            seen=worker.last_heartbeat.timestamp() if worker.last_heartbeat else None,
            about=About.from_json(text_of(told)),
        )

    def forget(self, training_id: str) -> None:
        """Remove what Redis remembers of a training."""
        with _translated():
            TrainingJob(training_id, connection=self._redis, serializer=JSONSerializer).delete()


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except RedisError as exc:
        raise QueueUnavailable("the queue does not answer") from exc
