"""Readiness: whether every part that an answer needs is there, and which is not."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from familiar.errors import FamiliarError
from familiar.records import Database, migrate
from familiar.servable import BACKBONE, HEAD
from familiar.serving import Models, VersionState
from familiar_gateway.operating.ports import Queue, Serving

_CHECK_TIMEOUT_S = 2.0


@dataclass(frozen=True)
class Part:
    """One part of the system and how it is."""

    name: str
    ok: bool
    message: str


class Readiness:
    """Asks every part for a sign of life."""

    def __init__(self, database: Database, queue: Queue, serving: Serving, models: Models) -> None:
        self._database = database
        self._queue = queue
        self._serving = serving
        self._models = models
        self._tables_seen = False

    def parts(self) -> list[Part]:
        """Return how every part is; none of them can make this fail."""
        return [_ask(name, ask) for name, ask in self._checks()]

    def _checks(self) -> Iterator[tuple[str, Callable[[], str]]]:
        yield "database", self._check_database
        yield "queue", self._check_queue
        yield "trainer", self._check_trainer
        yield "head", self._check_head
        yield "backbone", self._check_backbone

    def _check_database(self) -> str:
        self._database.check()
        if not self._tables_seen:
            migrate.check(self._database)
            self._tables_seen = True
        return "answers"

    def _check_queue(self) -> str:
        self._queue.check()
        return "answers"

    def _check_trainer(self) -> str:
        count = len(self._queue.workers())
        if not count:
            raise _Missing("no trainer waits at the queue")
        return f"{count} at the queue"

    def _check_head(self) -> str:
        return f"version {self._head_version()} is available"

    def _check_backbone(self) -> str:
        needed = self._models.head(self._head_version()).meta.backbone_version
        states = {each.version: each.state for each in self._serving.versions(BACKBONE, timeout_s=_CHECK_TIMEOUT_S)}
        if states.get(needed) is not VersionState.AVAILABLE:
            raise _Missing(f"version {needed}, which the head was trained for, is not available")
        return f"version {needed} is available"

    def _head_version(self) -> int:
        version = self._serving.available(HEAD, timeout_s=_CHECK_TIMEOUT_S)
        if version is None:
            raise _Missing("no version of the head is available")
        return version


class _Missing(FamiliarError):
    """A part that does not answer because it is not there."""


def _ask(name: str, ask: Callable[[], str]) -> Part:
    try:
        return Part(name, True, ask())
    except FamiliarError as exc:
        return Part(name, False, str(exc))  # to whoever runs the system it also says where, and what to do
