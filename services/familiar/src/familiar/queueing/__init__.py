"""Queueing: telling the trainer over Redis that there is work; nothing in it is the only copy of anything."""

from familiar.queueing.jobs import SortingJob, TrainingJob
from familiar.queueing.queue import QueueState, TrainingQueue
from familiar.queueing.workers import ABOUT, About, WorkerState

__all__ = ["ABOUT", "About", "QueueState", "SortingJob", "TrainingJob", "TrainingQueue", "WorkerState"]
