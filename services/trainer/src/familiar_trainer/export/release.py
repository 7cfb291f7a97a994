"""From a servable to a published version in one call."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from familiar_trainer import crash_points
from familiar_trainer.export import savedmodel
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.servable import Servable
from familiar_trainer.stopwatch import Stopwatch


class Examiner(Protocol):
    """Whoever decides that a written version may be published; in production the ``Gate``."""

    def check(self, folder: Path, servable: Servable, *, timeout_s: float = ...) -> None:
        """Prove that ``folder`` holds ``servable``, or raise GateFailed."""


def prove(servable: Servable, folder: ModelFolder, gate: Examiner, *, timeout_s: float = 30.0) -> None:
    """Write ``servable`` aside, let it prove itself, and throw it away; raises ExportFailed or GateFailed."""
    with folder.staging(folder.next_version()) as staged:
        savedmodel.write(servable, staged)
        gate.check(staged, servable, timeout_s=timeout_s)


def release(
    servable: Servable,
    folder: ModelFolder,
    version: int,
    gate: Examiner,
    *,
    timeout_s: float = 30.0,
    watch: Stopwatch | None = None,
) -> Path:
    """Write ``servable``, let it prove itself, publish it as ``version`` and return where it is.

    ``watch`` is told how long each step took. Raises VersionExists, ExportFailed, or GateFailed; nothing is visible to
    a model server then.
    """
    watch = watch or Stopwatch()
    with folder.staging(version) as staged:
        with watch.step("export"):
            savedmodel.write(servable, staged)
        crash_points.reached(crash_points.WRITTEN)
        with watch.step("check"):
            gate.check(staged, servable, timeout_s=timeout_s)
        crash_points.reached(crash_points.CHECKED)
        with watch.step("publish"):
            return folder.publish(staged, version)
