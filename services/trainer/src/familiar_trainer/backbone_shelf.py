"""The backbone on disk, which must be there for the head in service to have anything to go by."""

import logging
import math
import time
from collections.abc import Callable

from familiar.records import BackboneVersion, Database, versions
from familiar.servable import BackboneMeta
from familiar_trainer.backbones import Backbone
from familiar_trainer.export.backbone_export import backbone_servable
from familiar_trainer.export.errors import ExportFailed, VersionExists
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.release import Examiner, release

_log = logging.getLogger(__name__)
_TIMEOUT_S = 300.0
_PAUSE_AFTER_FAILURE_S = 30.0


class BackboneShelf:
    """Puts the backbone back where Serving finds it, if it is lost while everything runs."""

    def __init__(self, database: Database, folder: ModelFolder, gate: Examiner, load: Callable[[], Backbone]) -> None:
        """Take who makes the backbone that the settings name; it takes seconds, and is asked only after a loss."""
        self._database = database
        self._folder = folder
        self._gate = gate
        self._load = load
        self._tried_at = -math.inf

    def restore(self) -> bool:
        """Export the backbone of the live head once more if it is not on disk; tell whether that was so.

        Raises:
            ExportFailed: the settings name another one by now, or it could not be written.
            FamiliarError: it cannot be made.
        """
        with self._database.read() as session:
            live = versions.live_head(session)
            if live is None or live.backbone_version in self._folder.versions():
                return False
            if time.monotonic() - self._tried_at < _PAUSE_AFTER_FAILURE_S:
                return False
            wanted = live.backbone_version
            row = next((each for each in versions.backbones(session) if each.version == wanted), None)
        self._tried_at = time.monotonic()
        backbone = self._load()
        if row is None or not is_same(row, backbone.meta):
            raise ExportFailed(f"backbone {wanted} is not on disk, and {backbone.meta.name} of the settings is another")
        put(backbone, self._folder, wanted, self._gate)
        self._tried_at = -math.inf
        return True


def put(backbone: Backbone, folder: ModelFolder, version: int, gate: Examiner) -> None:
    """Export a backbone, let it prove itself and publish it.

    Raises:
        GateFailed: it does not answer as it should.
        ExportFailed: it could not be written.
    """
    _log.info("exporting %s as backbone %d", backbone.meta.name, version)
    folder.sweep()
    try:
        release(backbone_servable(backbone), folder, version, gate, timeout_s=_TIMEOUT_S)
    except VersionExists:
        _log.info("backbone %d was exported by another process meanwhile", version)


def is_same(row: BackboneVersion, meta: BackboneMeta) -> bool:
    """Whether both embed alike, wherever their weights were found."""
    recorded = BackboneMeta.from_dict(row.meta)
    return (recorded.name, recorded.weights_sha256, recorded.mirrored, recorded.metric) == (
        meta.name,
        meta.weights_sha256,
        meta.mirrored,
        meta.metric,
    )
