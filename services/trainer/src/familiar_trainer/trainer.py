"""The trainer's collaborators, built once and passed to whoever works."""

import logging
import os
import socket
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Protocol
from uuid import uuid4

from familiar import learning
from familiar.knowing import Head
from familiar.learning import Admission, Cohort, Correction, Gallery, Learned, Loss, cohort
from familiar.queueing import TrainingQueue
from familiar.records import Database, Recorder, trainings
from familiar.servable import BACKBONE, HEAD
from familiar.serving import Models, ServingClient
from familiar.settings import Settings
from familiar_trainer import backbones, erasure
from familiar_trainer.backbone_shelf import BackboneShelf
from familiar_trainer.damage import Damage
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.loading import StatusSource
from familiar_trainer.reembedding import Embedder
from familiar_trainer.shelf import HeadShelf
from familiar_trainer.stillness import Stillness

_log = logging.getLogger(__name__)


class Learner(Protocol):
    """How a head is made of a gallery and compared with another one; in production ``familiar.learning``."""

    def learn(
        self, gallery: Gallery, cohort: Cohort, far_target: float, correction: Correction | None = None
    ) -> Learned:
        """Learn a head, for the strangers of the site where ``correction`` was measured."""

    def worse_than(self, live: Head, candidate: Learned, gallery: Gallery) -> list[Loss]:
        """Return why ``candidate``, learned from ``gallery``, must not replace ``live``, by person."""

    def admit(
        self,
        captures: Sequence[tuple[str, str]],
        everybody: tuple[Gallery, Learned],
        gallery_without: Callable[[Collection[str]], Gallery],
        learn: Callable[[Gallery], Learned],
    ) -> Admission:
        """Decide which of ``captures`` may be learned."""


@dataclass(frozen=True)
class Trainer:
    """All that a training needs; ``stop`` is set when the process is told to end."""

    settings: Settings
    database: Database
    queue: TrainingQueue
    serving: StatusSource
    models: Embedder
    shelf: HeadShelf
    backbone_shelf: BackboneShelf
    damage: Damage
    learner: Learner = learning
    cohort: Callable[[str, int, str], Cohort] = cohort.load
    leases: Stillness = field(default_factory=Stillness)
    owner: str = field(default_factory=lambda: f"{socket.gethostname()[:60]}:{os.getpid()}:{uuid4().hex[:8]}")
    stop: threading.Event = field(default_factory=threading.Event)

    @cached_property
    def recorder(self) -> Recorder:
        """What takes down for operators what goes wrong."""
        return Recorder(self.database, "trainer")

    def silent(self) -> Mapping[str, trainings.Sign]:
        """Return the last signs of those who work on trainings and have not renewed their lease for as long as it is.

        Everybody is given that time anew by a process that has just begun to look.
        """
        with self.database.read() as session:
            held = trainings.leases(session)
        return self.leases.of(held, self.settings.training_lease_s)

    def keep_house(self) -> None:
        """Finish what follows a training: nothing deleted is left, and no version, nor its weights, for too long."""
        erasure.complete(self.database, self.shelf)
        self.shelf.tidy()
        self.shelf.prune(self.settings.keep_weights)


def build(settings: Settings, gate: Gate) -> Trainer:
    """Connect the trainer to what ``settings`` name; nothing is asked of anybody yet.

    Raises:
        MisconfiguredError: a setting cannot be used.
    """
    database = Database(settings.database_url)
    serving = ServingClient(settings.serving_addr, timeout_s=settings.serving_timeout_s)
    folders = {model: ModelFolder(settings.models_dir / model) for model in (HEAD, BACKBONE)}
    return Trainer(
        settings=settings,
        database=database,
        queue=TrainingQueue.at(settings.redis_url, settings.redis_timeout_s),
        serving=serving,
        models=Models(serving),
        shelf=HeadShelf(database, folders[HEAD], gate, settings.keep_versions),
        backbone_shelf=BackboneShelf(database, folders[BACKBONE], gate, lambda: backbones.named_by(settings)),
        damage=Damage(database, serving, folders, gate.describe),
    )
