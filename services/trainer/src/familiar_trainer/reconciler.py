"""The reconciler: looks every second for work that was left behind by a crash, a flushed queue or a lost disk."""

import contextlib
import logging
import math
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path

from sqlalchemy.orm import Session

from familiar.errors import FamiliarError
from familiar.records import (
    TrainingKind,
    audit,
    captures,
    corrections,
    enrollments,
    erasures,
    locked_cases,
    photos,
    recent_errors,
    replays,
    trainings,
    versions,
)
from familiar.servable import HEAD
from familiar_trainer import scratch
from familiar_trainer.loading import could_not_load
from familiar_trainer.remembering import Memory
from familiar_trainer.stillness import Stillness
from familiar_trainer.trainer import Trainer
from familiar_trainer.use import Use

_log = logging.getLogger(__name__)
_PERIOD_S = 1.0
_PAUSE_AFTER_FAILURE_S = 30.0
"""Before a training that nobody asked for by hand is asked for again."""
_LOOKING_ON_S = 10.0
_SORTER_SILENT_S = 60.0
"""Longer than a picture takes, and than a wait for parts that are away between two tries."""
_AUDIT_EVERY_S, _DAY_S = 3600.0, 86_400.0
_SIGN_OF_LIFE = Path(tempfile.gettempdir()) / "familiar-trainer.alive"
"""Its age tells a health check whether the rounds are still made."""


class Reconciler:
    """Brings database, queue and disk together again; each duty is safe at any time and in several trainers at once."""

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        memory, use = Memory(trainer), Use(trainer)
        self._duties: tuple[Callable[[], None], ...] = (
            self.adopt_stranded_enrollments,
            self.give_up_abandoned_captures,
            self.settle_corrections,
            self.shorten_the_audit,
            self.ask_for_erasure,
            self.ask_for_the_far_target,
            self.put_open_trainings_on_the_queue,
            self.take_away_what_keeps_serving_away,
            self.restore_the_backbone,
            self.put_open_replays_on_the_queue,
            self.put_open_photo_jobs_on_the_queue,
            self.restore_the_live_head,
            self.replace_a_live_head_that_does_not_load,
            trainer.keep_house,
            memory.prune_sightings,
            memory.prune_events,
            memory.renew_sightings,
            memory.group_strangers,
            use.propose_faces,
            use.see_faces,
            use.learn_from_use,
            use.drop_refused,
            use.prune_quarantine,
        )
        self._complaints: dict[str, str] = {}
        self._captures = Stillness()
        self._photo_jobs = Stillness()
        self._target_was_met = False
        self._asked_for_target_at = -math.inf
        self._audit_is_short_until = -math.inf

    def start(self) -> threading.Thread:
        """Begin to look, in a thread that ends when the trainer is told to stop."""
        thread = threading.Thread(target=self._watch, name="reconciler", daemon=True)
        thread.start()
        return thread

    def run_once(self) -> None:
        """Do every duty; one that cannot be done now, or is broken, does not keep the others from theirs."""
        for duty in self._duties:
            name = duty.__name__
            try:
                duty()
            except (FamiliarError, OSError) as exc:
                self._complain(name, str(exc), exc)
            except Exception as exc:
                if self._complain(name, repr(exc), exc):
                    _log.exception("%s is broken", name)
            else:
                if self._complaints.pop(name, None):
                    _log.info("%s works again", name)

    def adopt_stranded_enrollments(self) -> None:
        """Give a new training to the enrolments whose own has ended without them."""
        with self._trainer.database.read() as session:
            if not enrollments.stranded(session):
                return

        def adopt(session: Session) -> int:
            stranded = enrollments.stranded(session)
            if stranded:
                training = trainings.ask(session)
                for enrollment in stranded:
                    enrollment.training_id = training.id
            return len(stranded)

        if count := self._trainer.database.retry(adopt):
            _log.warning("%d enrolments had no training; they have one now", count)

    def give_up_abandoned_captures(self) -> None:
        """Delete the captures that nobody has added to for long, with all that was captured.

        By the clock alone one could be old that was opened a minute ago, before the clock was set; so nobody adds to it
        either while we look on.
        """
        database = self._trainer.database
        with database.read() as session:
            old = captures.abandoned(session, self._trainer.settings.enroll_abandon_s)

        def give_up(session: Session) -> int:
            left = captures.abandoned(session, self._trainer.settings.enroll_abandon_s)
            doomed = [each for each, touched_at in left.items() if still.get(each) == touched_at]
            for enrollment_id in doomed:
                enrollments.discard(session, enrollments.get(session, enrollment_id, lock=True))
            return len(doomed)

        if (still := self._captures.of(old, _LOOKING_ON_S)) and (count := database.retry(give_up)):
            _log.info("%d captures that nobody went on with were given up", count)

    def settle_corrections(self) -> None:
        """Make final what can no longer be undone; what was moved to nobody is erased then."""
        with self._trainer.database.read() as session:
            due = corrections.due(session)
        for correction_id in due:
            self._trainer.database.retry(lambda session, its=correction_id: corrections.settle(session, its))

    def shorten_the_audit(self) -> None:
        """Delete the lines of the audit that are older than is wanted, once in an hour."""
        days = self._trainer.settings.audit_days
        if not days or time.monotonic() < self._audit_is_short_until:
            return
        if count := self._trainer.database.retry(lambda session: audit.shorten(session, days * _DAY_S)):
            _log.info("%d lines of the audit were older than %d days, and are deleted", count, days)
        self._audit_is_short_until = time.monotonic() + _AUDIT_EVERY_S

    def ask_for_erasure(self) -> None:
        """Ask for a training if the live head was made of something deleted since and none is to come."""
        with self._trainer.database.read() as session:
            tainted = erasures.tainted(session)
            live = versions.live_head(session) if tainted else None
            if live is None or live.version not in tainted:
                return
            if trainings.just_failed(session, _PAUSE_AFTER_FAILURE_S) or trainings.any_open(session):
                return
        self._trainer.database.retry(trainings.ask)
        _log.warning("the live head was made of what has been deleted; a training will make another one")

    def ask_for_the_far_target(self) -> None:
        """Ask for a training if, since this trainer started, the live head never promised what is set.

        Only since then: of two trainers with different settings neither may undo for ever what the other one has done.
        """
        if self._target_was_met:
            return
        target = self._trainer.settings.far_target
        with self._trainer.database.read() as session:
            live = versions.live_head(session)
        if live is None:
            return
        self._target_was_met = live.meta["far_target"] == target
        just_asked = time.monotonic() - self._asked_for_target_at < _PAUSE_AFTER_FAILURE_S
        if self._target_was_met or just_asked:
            return
        if self._trainer.database.retry(trainings.ask_if_none_is_open):
            self._asked_for_target_at = time.monotonic()
            _log.warning("the live head was made for another FAR_TARGET than %g; a training will follow", target)

    def put_open_trainings_on_the_queue(self) -> None:
        """Put trainings that nobody works on back on the queue."""
        silent = self._trainer.silent()
        with self._trainer.database.read() as session:
            waiting = [training.id for training in trainings.open_ones(session, silent)]
        for training_id in waiting:
            self._trainer.queue.put(training_id)

    def take_away_what_keeps_serving_away(self) -> None:
        """Take the live head and its backbone off the disk if they are damaged and Serving is away."""
        self._trainer.damage.take_away()

    def restore_the_backbone(self) -> None:
        """Export the backbone of the live head again if it is no longer on disk."""
        scratch.make_again()
        self._trainer.backbone_shelf.restore()

    def put_open_replays_on_the_queue(self) -> None:
        """Put replays that nobody has answered on the queue, unless they are there; one at work is answered once."""
        with self._trainer.database.read() as session:
            waiting = replays.open_ones(session)
        for replay_id in waiting:
            self._trainer.queue.put_replay(replay_id)

    def put_open_photo_jobs_on_the_queue(self) -> None:
        """Put photo jobs on their queue that nobody works on, or whose worker gives no sign of life any more."""
        with self._trainer.database.read() as session:
            waiting = photos.open_ones(session)
        silent = self._photo_jobs.of(waiting, _SORTER_SILENT_S)
        for job_id, (owner, _) in waiting.items():
            if owner is None or job_id in silent:
                self._trainer.queue.put_photos(job_id)

    def restore_the_live_head(self) -> None:
        """Export the live head again if it is no longer on disk."""
        self._trainer.shelf.restore()

    def replace_a_live_head_that_does_not_load(self) -> None:
        """Ask for the live head under a new number if Serving has given it up, as after its files were damaged.

        Under its own number it would not be tried again. One that contradicts what was put right is made anew.
        """
        with self._trainer.database.read() as session:
            live = versions.live_head(session)
            if live is None or trainings.any_open(session, tuple(TrainingKind)):
                return
            if trainings.just_failed(session, _PAUSE_AFTER_FAILURE_S):
                return
            version, contradicts = live.version, locked_cases.contradicts_what_was_said(session, live)
        if could_not_load(self._trainer.serving, HEAD, version):
            self._trainer.database.retry(
                lambda session: trainings.ask(session) if contradicts else trainings.ask_rollback(session, version)
            )
            _log.warning("Serving could not load the live head %d; it comes back under a new number", version)

    def _watch(self) -> None:
        while True:
            self.run_once()
            with contextlib.suppress(OSError):
                _SIGN_OF_LIFE.touch()
            if self._trainer.stop.wait(_PERIOD_S):
                with contextlib.suppress(OSError):
                    _SIGN_OF_LIFE.unlink()
                return

    def _complain(self, name: str, text: str, error: Exception) -> bool:
        """Log a complaint unless it is the same as a second ago; tell whether it was new."""
        if self._complaints.get(name) == text:
            return False
        self._complaints[name] = text
        _log.warning("%s: %s", name, text)
        self._trainer.recorder.note(name, *recent_errors.told(error))
        return True
