"""The shelf: the head versions on disk, which must be those that the database says."""

import contextlib
import logging
import threading
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Self

from familiar.knowing import Head
from familiar.records import Database, HeadStatus, HeadVersion, trainings, versions
from familiar.servable import HeadMeta
from familiar_trainer import crash_points
from familiar_trainer.export.errors import VersionExists
from familiar_trainer.export.head_export import head_servable
from familiar_trainer.export.publish import ModelFolder
from familiar_trainer.export.release import Examiner, prove, release
from familiar_trainer.stopwatch import Stopwatch

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Candidate:
    """A head version with all that its export needs."""

    version: int
    head: Head
    meta: HeadMeta

    @classmethod
    def stored(cls, row: HeadVersion) -> Self | None:
        """Return a version as the database keeps it, None if its weights were erased."""
        if row.weights is None:
            return None
        return cls(row.version, Head.from_bytes(row.weights), HeadMeta.from_dict(row.meta))


class HeadShelf:
    """Puts head versions where Serving finds them and takes them away; threads may share it."""

    def __init__(self, database: Database, folder: ModelFolder, gate: Examiner, keep_versions: int) -> None:
        self.folder = folder
        self._database = database
        self._gate = gate
        self._keep_versions = keep_versions
        # A sweep in one thread must not take for abandoned what another one is about to write.
        self._lock = threading.Lock()

    def highest(self) -> int:
        """Return a version that no version on disk exceeds, unfinished and retired ones included; 0 for none."""
        return self.folder.next_version() - 1

    def put(self, candidate: Candidate, watch: Stopwatch | None = None) -> None:
        """Export ``candidate``, let it prove itself and publish it, unless it is there already.

        Raises:
            GateFailed: it does not answer as the head does.
            ExportFailed: it could not be written.
        """
        if candidate.version in self.folder.versions():
            return
        with self._lock, contextlib.suppress(VersionExists):  # another trainer was faster with the same weights
            servable = head_servable(candidate.head, candidate.meta)
            release(servable, self.folder, candidate.version, self._gate, watch=watch)
        crash_points.reached(crash_points.PUBLISHED)

    def prove(self, head: Head, meta: HeadMeta) -> None:
        """Let a head prove itself that is not to be published.

        Raises:
            GateFailed: it does not answer as it should.
            ExportFailed: it could not be written.
        """
        with self._lock:
            prove(head_servable(head, meta), self.folder, self._gate)

    def restore(self) -> bool:
        """Export the live head once more if it is not on disk, as when a volume was lost; tell whether that was so."""
        with self._database.read() as session:
            row = versions.live_head(session)
            if row is None or row.version in self.folder.versions():
                return False  # without reading its weights: this is asked every second
            candidate = Candidate.stored(row)
        if candidate is None:
            return False
        _log.info("head %d is not on disk: exporting it from its weights in the database", candidate.version)
        self.put(candidate)
        return True

    def remove(self, doomed: Iterable[int]) -> None:
        """Take these versions off the disk, at once."""
        with self._lock:
            for version in doomed:
                self.folder.retire(version)

    def sweep(self) -> None:
        """Delete what dead processes left unfinished."""
        with self._lock:
            self.folder.sweep()

    def tidy(self) -> list[int]:
        """Retire what must not, or need not, be served, delete what dead processes left, and return what was retired.

        Nothing happens while a version is being written.
        """
        if not self._lock.acquire(blocking=False):
            return []
        try:
            with self._database.read() as session:
                known, alone = versions.statuses(session), not trainings.under_way(session)
            retired = surplus(self.folder.versions(), known, self._keep_versions)
            for version in retired:
                self.folder.retire(version)
            if alone:  # whoever trains in another process, or on another host, has unfinished versions here
                self.folder.sweep()
            return retired
        finally:
            self._lock.release()

    def prune(self, keep_weights: int) -> None:
        """Delete the weights of all but the last few head versions that served, never of one that is kept on disk."""
        keep = max(keep_weights, self._keep_versions)
        with self._database.read() as session:
            if not versions.prunable(session, keep):
                return
        if pruned := self._database.retry(lambda session: versions.prune(session, keep)):
            _log.info("the weights of %d head versions of long ago were thrown away", len(pruned))


def surplus(on_disk: Iterable[int], known: Mapping[int, HeadStatus], keep_versions: int) -> list[int]:
    """Return which versions on disk have to go.

    The live one, those on their way and the last few that were live stay. One that the database does not know of, as
    after a backup was restored, would be served in place of the live one, if its number is higher.
    """
    present = sorted(on_disk, reverse=True)
    served = [v for v in present if known.get(v) in (HeadStatus.LIVE, HeadStatus.SUPERSEDED)]
    coming = [v for v in present if known.get(v) is HeadStatus.PUBLISHED]
    live = [v for v in served if known[v] is HeadStatus.LIVE]
    stay = {*served[:keep_versions], *live, *coming}
    return sorted(v for v in present if v not in stay)
