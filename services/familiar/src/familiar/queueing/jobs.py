"""The contract between gateway and trainer: the names on the queue, and what a job may be.

A job carries the id of a training, a replay or a photo job, and nothing else; what it means stands in the database. So
a job can run twice, be lost with Redis, or outlive the process that asked for it. Whoever reaches Redis may write other
jobs there: they are refused, whatever they name.
"""

from collections.abc import Callable
from typing import Any

from rq.job import Job

TRAINING_QUEUE = "training"
RUN_TRAINING = "familiar_trainer.jobs.run_training"
RUN_REPLAY = "familiar_trainer.jobs.run_replay"
"""Dotted names of the jobs, so the gateway can enqueue what it cannot import."""
PHOTO_QUEUE = "photos"
"""A queue of its own: photos are sorted for hours, and no training may wait behind them."""
SORT_PHOTOS = "familiar_trainer.photos.sorting.run"


class JobRefused(Exception):
    """A job on the queue is none of ours."""


class TrainingJob(Job):
    """A job that does what ours do, and nothing of what a job of RQ may ask for besides.

    A job names a function by a dotted string, and may name others to be called, and addresses to be told, when it ends.
    """

    calls: tuple[str, ...] = (RUN_TRAINING, RUN_REPLAY)
    """The functions that may be called."""

    def restore(self, raw_data: Any) -> None:
        """Take over what Redis holds, but for what none of our jobs has."""
        super().restore(raw_data)
        self._success_callback_name = self._failure_callback_name = self._stopped_callback_name = None
        self.webhooks = []
        self.number_of_retries = self.retries_left = self.repeats_left = None

    @property
    def func(self) -> Callable[..., Any]:
        """The function to call.

        Raises:
            JobRefused: the job is not to call one of these functions, with one id.
        """
        form = (self.instance, len(self.args), len(self.kwargs))
        if self.func_name not in self.calls or form != (None, 1, 0) or not isinstance(self.args[0], str):
            raise JobRefused(f"a job to call {self.func_name!r:.100} is none of ours and was not done")
        return super().func  # type: ignore[no-any-return]


class SortingJob(TrainingJob):
    """A job that sorts photos and, in the same way, nothing else."""

    calls = (SORT_PHOTOS,)
