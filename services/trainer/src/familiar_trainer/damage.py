"""Damage: what is on disk and does not load, for which Serving ends as it starts, and says nothing of why."""

import logging
import time
from collections.abc import Callable, Mapping
from pathlib import Path

from familiar.records import Database, versions
from familiar.servable import BACKBONE, HEAD
from familiar_trainer.export.errors import DoesNotLoad
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.loading import StatusSource, answers

_log = logging.getLogger(__name__)
_AWAY_S = 10.0
"""Longer than Serving takes to come back by itself, most times."""
_PAUSE_S = 30.0


class Damage:
    """Takes the live head and its backbone off the disk while Serving is away, if they do not load."""

    def __init__(
        self,
        database: Database,
        serving: StatusSource,
        folders: Mapping[str, ModelFolder],
        load: Callable[[Path], object],
    ) -> None:
        """Take the folder of each model, and what loads a version, or raises DoesNotLoad; it takes a second or two."""
        self._database = database
        self._serving = serving
        self._folders = folders
        self._load = load
        self._look_at = time.monotonic() + _AWAY_S

    def take_away(self) -> list[str]:
        """Take away what keeps Serving from starting, and return of which models that was; it is to be exported again.

        Under its number: a server that has not started remembers nothing of it.
        """
        now = time.monotonic()
        if answers(self._serving, HEAD):
            self._look_at = now + _AWAY_S
            return []
        if now < self._look_at:
            return []
        self._look_at = now + _PAUSE_S
        with self._database.read() as session:
            live = versions.live_head(session)
        if live is None:
            return []
        needed = {HEAD: live.version, BACKBONE: live.backbone_version}
        return [model for model, version in needed.items() if self._is_damaged(model, version)]

    def _is_damaged(self, model: str, version: int) -> bool:
        folder = self._folders[model]
        if version not in folder.versions():
            return False
        try:
            self._load(folder.path(version))
        except DoesNotLoad as exc:
            _log.warning("%s %d is damaged, and is taken away to be exported again: %s", model, version, exc)
            folder.retire(version)
            return True
        return False
