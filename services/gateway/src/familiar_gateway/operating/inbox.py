"""The inbox of the trainer as the gateway sees it: putting a training on the queue may fail without any loss."""

import logging

from familiar.errors import QueueUnavailable
from familiar_gateway.operating.ports import Queue

log = logging.getLogger(__name__)


class Inbox:
    """Tells the trainer of a training, or a replay, that stands in the database already."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue

    def put(self, training_id: str) -> None:
        """Put a training on the queue; without Redis it waits in the database until the trainer looks there."""
        try:
            self._queue.put(training_id)
        except QueueUnavailable as exc:
            log.warning("training %s stays in the database for now: %s", training_id, exc)

    def put_replay(self, replay_id: str) -> None:
        """Put a replay on the queue; without Redis it waits as a training does."""
        try:
            self._queue.put_replay(replay_id)
        except QueueUnavailable as exc:
            log.warning("replay %s stays in the database for now: %s", replay_id, exc)
