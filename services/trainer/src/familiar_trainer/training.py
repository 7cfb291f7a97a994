"""A training from beginning to end: claim, read, learn, compare, export, check, publish, wait, go live.

What is done stands in the database, so any step may be the last one of this process: the next try goes on from what it
finds there. ``Training`` has the steps in the order in which they run.
"""

import logging
from collections.abc import Sequence
from dataclasses import replace

from familiar.errors import DatabaseUnavailable, TrainingFailed, Unavailable
from familiar.learning import Learned
from familiar.records import (
    HeadStatus,
    Stage,
    TrainingKind,
    corrections,
    locked_cases,
    people,
    recent_errors,
    trainings,
    versions,
)
from familiar.servable import HEAD, HeadMeta
from familiar_trainer import crash_points
from familiar_trainer.admission import Admissions, Unlearnable
from familiar_trainer.export.errors import GateFailed, exporting
from familiar_trainer.journal import Journal, Outdated, Reason
from familiar_trainer.lease import LeaseLost
from familiar_trainer.lesson import Lesson, Lessons
from familiar_trainer.loading import Interrupted, LoadFailed, highest_seen, wait_until_available
from familiar_trainer.shelf import Candidate
from familiar_trainer.stopwatch import Stopwatch
from familiar_trainer.trainer import Trainer

_log = logging.getLogger(__name__)
_MOST_REFUSALS = 2
_MOST_SURPRISES = 3
LOCKED_CASE_FAILED = "locked_case_failed"
"""The code of a training whose head names a face as who it was said not to be."""


def run(trainer: Trainer, training_id: str) -> str:
    """Bring a training to its end, or leave it open for another try; return in a few words what came of it.

    May be called at any time, by any number of trainers, for a training in any state.
    """
    lease_s = trainer.settings.training_lease_s
    claimed = Journal.claim(
        trainer.database, training_id, trainer.owner, lease_s, trainer.silent(),
        tells_events=trainer.settings.tells_events,
    )  # fmt: skip
    if claimed is None:
        return "nothing to do"
    crash_points.reached(crash_points.CLAIMED)
    journal, lease = claimed
    pause_s = min(0.25 * 2 ** min(journal.attempts, 10), trainings.LONGEST_PAUSE_S)
    with lease:
        try:
            Training(trainer, journal).finish()
            outcome = "done"
        except LeaseLost:
            return "taken over by another trainer"
        except Interrupted:
            lease.give_back()
            return "given back"
        except (Unavailable, OSError) as exc:
            _log.warning("training %s: %s; next try in %.1f s", training_id, exc, pause_s)
            _note(trainer, exc)
            lease.give_back(pause_s)
            return "to be tried again"
        except TrainingFailed as exc:
            outcome = _fail(journal, code=exc.code, message=exc.message)
        except Exception as exc:
            _log.exception("training %s: try %d ended unexpectedly", training_id, journal.attempts)
            _note(trainer, exc)
            if journal.attempts < _MOST_SURPRISES:
                lease.give_back(pause_s)
                return "to be tried again"
            message = "the training broke off; the trainer's log tells where"
            outcome = _fail(journal, code="internal", message=message)
    try:
        trainer.keep_house()
    except (DatabaseUnavailable, OSError) as exc:
        _log.warning("after training %s: %s; the reconciler goes on with it", training_id, exc)
    return outcome


def _note(trainer: Trainer, error: Exception) -> None:
    trainer.recorder.note("training", *recent_errors.told(error))


def _fail(journal: Journal, *, code: str, message: str) -> str:
    _log.error("training %s failed: %s", journal.training_id, message)
    try:
        journal.fail(code, message)
    except (LeaseLost, DatabaseUnavailable):
        return "to be tried again"
    return "failed"


def _of_locked_cases(failed: Sequence[str]) -> Reason:
    which = ", ".join(failed)
    message = f"the head would name faces as people of whom somebody has said that it is not them: feedback {which}"
    return Reason(LOCKED_CASE_FAILED, message)


class Training:
    """One try at a training that we hold the lease of."""

    def __init__(self, trainer: Trainer, journal: Journal) -> None:
        self._trainer = trainer
        self._journal = journal
        self._lessons = Lessons(trainer, journal)
        self._watch = Stopwatch()
        self._admissions = Admissions(trainer, journal, self._lessons)

    def finish(self) -> None:
        """Bring the training to its end.

        Raises:
            TrainingFailed: no head can be had; the training is still open.
            Unavailable, OSError: a part is away or the disk is full; worth another try later.
            LeaseLost: another trainer has taken over.
            Interrupted: the process is told to stop.
        """
        while True:
            try:
                candidate = self._roll_back() if self._journal.kind is TrainingKind.ROLLBACK else self._learn()
                if candidate is not None:
                    self._publish(candidate)
                    self._wait_for_serving(candidate)
                    self._go_live(candidate)
            except Outdated:
                _log.info("training %s: starting over, for what has changed meanwhile", self._journal.training_id)
                self._withdraw(HeadStatus.ABANDONED)
            except (GateFailed, LoadFailed, Unlearnable) as exc:
                _log.warning("training %s: %s", self._journal.training_id, exc)
                self._withdraw(HeadStatus.FAILED)
                if isinstance(exc, Unlearnable) or self._journal.refusals() >= _MOST_REFUSALS:
                    self._admissions.blame(exc)
            else:
                return

    def _learn(self) -> Candidate | None:
        """Return the head to publish, an earlier try's or a new one; None if the training has ended without."""
        far_target = self._trainer.settings.far_target
        with self._watch.step("read"):
            lesson = self._lessons.read(self._admissions.blamed)
        crash_points.reached(crash_points.READ)
        earlier = self._journal.recorded()
        if earlier is not None and lesson.made(earlier.meta, far_target):
            return earlier
        self._withdraw(HeadStatus.ABANDONED)
        if not self._admissions.blamed and self._journal.end_unchanged(lambda live: lesson.made(live, far_target)):
            _log.info("training %s: the live head knows everybody already", self._journal.training_id)
            return None

        with self._watch.step("learn"):
            learned = self._admissions.head_of(lesson, lesson.gallery)
        crash_points.reached(crash_points.LEARNED)
        with self._watch.step("compare"):
            self._journal.enter(Stage.EVALUATING)
            admitted = self._admissions.admit(learned, lesson)
        crash_points.reached(crash_points.COMPARED)
        if admitted.refused and self._live_is(admitted.lesson):
            meta = lesson.describe(learned, far_target, worse=admitted.worse)
            self._journal.reject(learned.head, meta, learned.people, self._highest(), admitted.refused, lesson.read_at)
            return None
        learned, lesson = admitted.learned, admitted.lesson
        meta = lesson.describe(learned, far_target)
        if failed := self._failed_cases(learned, meta):
            self._journal.reject(
                learned.head, replace(meta, metrics={**meta.metrics, "failed_cases": failed}), learned.people,
                self._highest(), admitted.refused, lesson.read_at, _of_locked_cases(failed),
            )  # fmt: skip
            return None
        candidate = self._journal.record(
            learned.head, meta, learned.people, self._highest(), admitted.refused, lesson.read_at
        )
        crash_points.reached(crash_points.RECORDED)
        return candidate

    def _failed_cases(self, learned: Learned, meta: HeadMeta) -> list[str]:
        """Return the feedback whose locked case a head fails; it must not serve then, whoever made it."""
        with self._trainer.database.read() as session:
            return locked_cases.failing(session, learned.head, meta.backbone_version, meta.metrics)

    def _live_is(self, lesson: Lesson) -> bool:
        with self._trainer.database.read() as session:
            live = versions.live_head(session)
        return live is not None and lesson.made(live, self._trainer.settings.far_target)

    def _roll_back(self) -> Candidate:
        """Return an earlier version's weights, and what was said of them, under a new number."""
        earlier = self._journal.recorded()
        if earlier is not None:
            return earlier
        self._withdraw(HeadStatus.ABANDONED)
        source_version = self._journal.source_version
        assert source_version is not None
        read_at = self._journal.moment()
        self._lessons.see_locked_cases()
        with self._trainer.database.read() as session:
            row, live = versions.head(session, source_version), versions.live_head(session)
            source, report = Candidate.stored(row), row.report
            contradicts = corrections.contradict(session, row)
            strange = len(people.meant(session, row.person_ids)) < len(row.person_ids)
            failed = locked_cases.failed_by(session, row)
        if source is None:
            message = f"head {source_version} was made of a person or a sample that was deleted; it is gone"
            raise TrainingFailed(message, code="head_erased")
        if contradicts or strange:
            message = f"head {source_version} would name people as others than a person has said since"
            raise TrainingFailed(message, code="head_corrected")
        if failed:
            raise TrainingFailed(_of_locked_cases(failed).message, code=LOCKED_CASE_FAILED)
        if live is not None and live.backbone_version != source.meta.backbone_version:
            raise TrainingFailed(
                f"head {source_version} was made for backbone {source.meta.backbone_version}, "
                f"in service is {live.backbone_version}",
                code="backbone_changed",
            )
        return self._journal.record(source.head, source.meta, report, self._highest(), read_at=read_at)

    def _highest(self) -> int:
        """Return a version that none exceeds which is on disk, or which Serving has ever seen."""
        return max(self._trainer.shelf.highest(), highest_seen(self._trainer.serving, HEAD))

    def _publish(self, candidate: Candidate) -> None:
        with exporting():
            self._trainer.shelf.put(candidate, self._watch)

    def _wait_for_serving(self, candidate: Candidate) -> None:
        settings = self._trainer.settings
        with self._watch.step("load"):
            self._journal.enter(Stage.LOADING)
            wait_until_available(
                self._trainer.serving, HEAD, candidate.version, settings.load_timeout_s, self._trainer.stop
            )
        crash_points.reached(crash_points.AVAILABLE)

    def _go_live(self, candidate: Candidate) -> None:
        with self._watch.step("promote"):
            self._journal.go_live(candidate)
        crash_points.reached(crash_points.LIVE)
        meta = candidate.meta
        _log.info(
            "head %d live: %d people, %s samples; %s", candidate.version, meta.people, f"{meta.samples:,}", self._watch
        )

    def _withdraw(self, status: HeadStatus) -> None:
        """Give the version that was recorded up, if there is one, and take it off the disk at once."""
        version = self._journal.withdraw(status)
        if version is not None:
            self._trainer.shelf.remove([version])
