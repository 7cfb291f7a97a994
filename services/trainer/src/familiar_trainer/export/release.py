"""From a servable to a published version in one call."""

from __future__ import annotations

from pathlib import Path

from familiar_trainer.export import savedmodel
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.servable import Servable


def release(servable: Servable, folder: ModelFolder, version: int, gate: Gate, *, timeout_s: float = 30.0) -> Path:
    """Write ``servable``, let it prove itself, publish it as ``version`` and return where it is.

    Raises VersionExists, ExportFailed, or GateFailed; nothing is visible to a model server then.
    """
    with folder.staging(version) as staged:
        savedmodel.write(servable, staged)
        gate.check(staged, servable, timeout_s=timeout_s)
        return folder.publish(staged, version)
