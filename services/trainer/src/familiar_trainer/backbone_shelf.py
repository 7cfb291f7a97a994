"""The backbone on disk, which must be there for the head in service to have anything to go by."""

import logging
import math
import time
from collections.abc import Callable

from familiar.records import BackboneVersion, Database, versions
from familiar.servable import BACKBONE, BackboneMeta
from familiar_trainer.backbones import Backbone
from familiar_trainer.export.backbone_export import backbone_servable
from familiar_trainer.export.errors import ExportFailed, VersionExists
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.release import Examiner, release
from familiar_trainer.loading import StatusSource, could_not_load

_log = logging.getLogger(__name__)
_TIMEOUT_S = 300.0
_PAUSE_AFTER_FAILURE_S = 30.0
_UNTIL_SEEN_GONE_S = 3.0
"""Serving looks at the disk every second."""


class BackboneShelf:
    """Puts the backbone back where Serving finds it, if it is lost while everything runs, or damaged."""

    def __init__(
        self,
        database: Database,
        folder: ModelFolder,
        gate: Examiner,
        serving: StatusSource,
        load: Callable[[], Backbone],
    ) -> None:
        """Take who makes the backbone that the settings name; it takes seconds, and is asked only after a loss."""
        self._database = database
        self._folder = folder
        self._gate = gate
        self._serving = serving
        self._load = load
        self._not_before = -math.inf

    def restore(self) -> bool:
        """Export the backbone of the live head once more if it is not on disk; tell whether that was so.

        One that Serving could not load is taken away first. It keeps its number, which samples are embedded under, and
        which Serving tries again once it has seen that it was gone.

        Raises:
            ExportFailed: the settings name another one by now, or it could not be written.
            FamiliarError: it cannot be made.
        """
        if time.monotonic() < self._not_before:
            return False
        with self._database.read() as session:
            live = versions.live_head(session)
        if live is None:
            return False
        wanted = live.backbone_version
        there = wanted in self._folder.versions()
        if there and not could_not_load(self._serving, BACKBONE, wanted):
            return False
        with self._database.read() as session:
            row = next((each for each in versions.backbones(session) if each.version == wanted), None)
        # What Serving says of before the export, it may go on saying for a moment.
        self._not_before = time.monotonic() + _PAUSE_AFTER_FAILURE_S
        backbone = self._load()
        if row is None or not is_same(row, backbone.meta):
            what = "could not be loaded" if there else "is not on disk"
            raise ExportFailed(f"backbone {wanted} {what}, and {backbone.meta.name} of the settings is another")
        if there:
            _log.warning("Serving could not load backbone %d: it is taken away and exported again", wanted)
            self._folder.retire(wanted)
            self._not_before = time.monotonic() + _UNTIL_SEEN_GONE_S
            return False
        put(backbone, self._folder, wanted, self._gate)
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
