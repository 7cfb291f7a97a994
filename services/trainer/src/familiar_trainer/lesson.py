"""The lesson of a training: what a head is made from, as it was read, and what is said of the head that comes of it."""

import hashlib
import logging
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from functools import cached_property

from familiar.errors import TrainingFailed
from familiar.knowing import normalise
from familiar.learning import Cohort, Correction, Gallery, Learned, Negative, Row, site
from familiar.records import HeadVersion, SiteCorrection, locked_cases, samples, site_corrections, versions
from familiar.servable import BackboneMeta, HeadMeta
from familiar_trainer import reembedding
from familiar_trainer.journal import Journal, Moment
from familiar_trainer.trainer import Trainer

_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Lesson:
    """Everybody's samples as one backbone version sees them, what is known of strangers, and who faces are not.

    ``correction`` is what the site's own strangers taught, None if none were handed in. ``negatives`` are the locked
    cases, by the ids of the feedback that they come from. ``read_at`` is the moment
    before the samples were read: of what is deleted later they may hold a part, and what is put right later they do not
    know.
    """

    backbone_version: int
    backbone: BackboneMeta
    gallery: Gallery
    cohort: Cohort
    correction: Correction | None
    negatives: Sequence[Negative]
    read_at: Moment

    @cached_property
    def digest(self) -> str:
        """Digest of the gallery, and of the negatives if there are any."""
        digest = self.gallery.digest()
        if not self.negatives:
            return digest
        state = hashlib.sha256(digest.encode())
        for each in self.negatives:
            state.update(f"{each.id} {each.person_id}".encode() + each.vector.astype("<f4").tobytes())
        return state.hexdigest()[:16]

    def made(self, row: HeadVersion | HeadMeta, far_target: float) -> bool:
        """Whether a head was made from this."""
        meta = row if isinstance(row, HeadMeta) else HeadMeta.from_dict(row.meta)
        return (meta.data_digest, meta.backbone_version, meta.far_target, meta.correction) == (
            self.digest,
            self.backbone_version,
            far_target,
            self._corrected,
        )

    def describe(self, learned: Learned, far_target: float, **more: list[str]) -> HeadMeta:
        """Return what is said of a head that was made from this; ``more`` goes beside its metrics."""
        contradictions = [
            {"feedback": each.negative, "person": each.person_id, "sample": each.sample_id}
            for each in learned.conflicts
        ]
        told = {locked_cases.CONTRADICTIONS: contradictions} if contradictions else {}
        return HeadMeta(
            backbone_version=self.backbone_version,
            dim=self.backbone.dim,
            threshold=learned.threshold,
            data_digest=self.digest,
            far_target=far_target,
            people=len(learned.head.person_ids),
            samples=len(self.gallery),
            created_at=datetime.now(UTC).isoformat(timespec="seconds"),
            metrics={**learned.metrics, **told, **more},
            correction=self._corrected,
        )

    @property
    def _corrected(self) -> str:
        """Digest of the correction, "" for none."""
        return "" if self.correction is None else self.correction.digest()


class Lessons:
    """Reads the lesson of a training from the database."""

    def __init__(self, trainer: Trainer, journal: Journal) -> None:
        """Read for the training of this journal."""
        self._trainer = trainer
        self._journal = journal

    def read(self, without: Collection[str]) -> Lesson:
        """Read everybody's samples but those of some enrolments, after the backbone has seen what it had not seen yet.

        Raises:
            TrainingFailed: no backbone was ever exported.
            Unavailable: a part is away.
            Interrupted: the process is told to stop.
        """
        database, read_at = self._trainer.database, self._journal.moment()
        with database.read() as session:
            live = versions.live_head(session)
            recorded = {row.version: row.meta for row in versions.backbones(session)}
        if not recorded:
            raise TrainingFailed("no backbone has been exported; the bootstrap does that", code="no_backbone")
        # Never back to an older backbone than the one in service, even if a newer one was asked for first.
        version = max(self._journal.backbone_version or 0, live.backbone_version if live else 0) or max(recorded)
        count = reembedding.embed_missing(database, self._trainer.models, version, self._trainer.stop)
        if count:
            _log.info("backbone %d has embedded %d stored crops", version, count)
        reembedding.embed_spoken_of(database, self._trainer.models, version)
        backbone = BackboneMeta.from_dict(recorded[version])
        cohort = self._trainer.cohort(backbone.name, backbone.dim, backbone.metric)
        with database.read() as session:
            correction = correction_of(site_corrections.current(session), version, cohort)
            cases = locked_cases.in_force(session, version)
        negatives = [Negative(case.vector, case.person_id, case.id) for case in cases]
        gallery = self._gallery(version, backbone.dim, without)
        return Lesson(version, backbone, gallery, cohort, correction, negatives, read_at)

    def see_locked_cases(self) -> None:
        """Have the backbone in service see all faces of which somebody has said something."""
        with self._trainer.database.read() as session:
            live = versions.live_head(session)
        if live is not None:
            reembedding.embed_spoken_of(self._trainer.database, self._trainer.models, live.backbone_version)

    def again(self, lesson: Lesson, without: Collection[str]) -> Lesson:
        """Read the samples of a lesson once more, but those of some enrolments."""
        return replace(lesson, gallery=self._gallery(lesson.backbone_version, lesson.backbone.dim, without))

    def _gallery(self, backbone_version: int, dim: int, without: Collection[str]) -> Gallery:
        """Return the gallery; a sample whose stored embedding is none is passed over with a warning."""
        with self._trainer.database.read() as session:
            rows = samples.enrolled(session, backbone_version, self._journal.training_id)
        unusable = {row.sample_id for row in rows if row.vector.shape != (dim,) or not normalise(row.vector).any()}
        if unusable:
            _log.warning("the embeddings of %d samples are none, and left out: %s", len(unusable), sorted(unusable))
        return Gallery.from_rows(
            Row(row.person_id, row.enrollment_id, row.captured_at, row.vector, row.sample_id, row.direction)
            for row in rows
            if row.enrollment_id not in without and row.sample_id not in unusable
        )


def correction_of(stored: SiteCorrection | None, version: int, cohort: Cohort) -> Correction | None:
    """Return what is stored as far as it speaks of these embeddings and of this cohort."""
    if stored is None:
        return None
    correction = Correction.from_dict(stored.numbers)
    if (stored.backbone_version, correction.cohort) == (version, site.digest(cohort)):
        return correction
    _log.warning("the site's strangers were seen by another backbone or release: hand their pictures in again")
    return None
