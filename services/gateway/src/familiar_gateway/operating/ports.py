"""The parts of the queue and of Serving that the gateway needs; tests stand in their place with small fakes."""

from collections.abc import Mapping
from typing import Protocol

from familiar.queueing import QueueState, WorkerState
from familiar.serving import Predictor, VersionStatus


class Queue(Protocol):
    """The part of ``TrainingQueue`` that the gateway needs."""

    def put(self, training_id: str) -> None:
        """Put a training on the queue unless it is there already."""

    def put_replay(self, replay_id: str) -> None:
        """Put a replay on the queue unless it is there already."""

    def state(self) -> QueueState:
        """Return how full the queue is."""

    def workers(self) -> list[WorkerState]:
        """Return the trainers that are at work or waiting for it, by name."""

    def software(self) -> Mapping[str, str]:
        """Return what the server of the queue is, by name and version."""

    def check(self) -> None:
        """Ask Redis for a sign of life."""


class Serving(Predictor, Protocol):
    """The part of ``ServingClient`` that the gateway needs."""

    def versions(self, model: str, *, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        """List every version the server has seen since it started, highest first."""

    def available(self, model: str, *, timeout_s: float | None = None) -> int | None:
        """Return the highest version that answers requests, None if there is none."""

    def software(self, *, timeout_s: float | None = None) -> Mapping[str, str]:
        """Return what the server is, by name and version, as far as it says."""
