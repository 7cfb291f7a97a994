"""Admission: with which of the enrolments that joined a training a head is made, and which are refused."""

import logging
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from familiar.errors import TrainingFailed
from familiar.learning import Gallery, Learned, Loss, Refusal, negatives
from familiar.records import versions
from familiar_trainer.blame import culprits
from familiar_trainer.export.errors import GateFailed, exporting
from familiar_trainer.journal import Journal, Refused
from familiar_trainer.lesson import Lesson, Lessons
from familiar_trainer.loading import LoadFailed
from familiar_trainer.shelf import Candidate
from familiar_trainer.trainer import Trainer

_log = logging.getLogger(__name__)


class Unlearnable(TrainingFailed):
    """No head can be computed from what there is to learn from."""


@dataclass(frozen=True)
class Admitted:
    """A head that may be published, what it was made from, and the enrolments that were left out of it.

    ``worse`` tells whom those would have cost how much.
    """

    learned: Learned
    lesson: Lesson
    refused: Sequence[Refused]
    worse: Sequence[str] = ()


class Admissions:
    """Who is admitted to the head of one try at a training.

    Enrolments with which no head can be computed, or none that the gate lets pass, are ``blamed``: they are refused
    beside those that others would pay for.
    """

    def __init__(self, trainer: Trainer, journal: Journal, lessons: Lessons) -> None:
        self._trainer = trainer
        self._journal = journal
        self._lessons = lessons
        self.blamed: dict[str, Refused] = {}

    def head_of(self, lesson: Lesson, gallery: Gallery) -> Learned:
        """Compute the head of a gallery, with what the lesson says of strangers and of who faces are not.

        Raises:
            Unlearnable: there is none.
        """
        far_target = self._trainer.settings.far_target
        try:
            return self._trainer.learner.learn(gallery, lesson.cohort, far_target, lesson.correction, lesson.negatives)
        except (ValueError, ArithmeticError) as exc:  # numpy's own for linear algebra is a ValueError
            raise Unlearnable(f"no head can be computed: {exc}") from exc

    def admit(self, learned: Learned, lesson: Lesson) -> Admitted:
        """Return the best head that can be made: ``learned``, or one without the enrolments that others would pay for.

        The enrolments are looked at one by one only where the live head is better for somebody, or cannot tell: its
        weights were erased, or it takes other embeddings.
        """
        losses = self._losses(learned, lesson)
        if losses == [] or not self._joined:
            if losses:
                _log.warning(
                    "training %s: no enrolment is to blame that the live head is better for %d people: %s",
                    self._journal.training_id, len(losses), "; ".join(map(str, losses)),
                )  # fmt: skip
            return Admitted(learned, lesson, [*self.blamed.values()])
        admission = self._trainer.learner.admit(
            list(self._joined.items()),
            (lesson.gallery, learned),
            lambda without: self._lessons.again(lesson, {*without, *self.blamed}).gallery,
            lambda gallery: self.head_of(lesson, gallery),
        )
        for refusal in admission.refused:
            _log.warning("enrolment %s is refused: %s", refusal.capture, "; ".join(map(str, refusal.losses)))
        refused = [*self.blamed.values(), *map(_refused, admission.refused)]
        worse = sorted({str(loss) for refusal in admission.refused for loss in refusal.losses})
        return Admitted(admission.learned, replace(lesson, gallery=admission.gallery), refused, worse)

    def _losses(self, learned: Learned, lesson: Lesson) -> list[Loss] | None:
        """Return what is lost by replacing the live head; None if that cannot be told."""
        with self._trainer.database.read() as session:
            row = versions.live_head(session)
            live = Candidate.stored(row) if row and row.backbone_version == lesson.backbone_version else None
        if live is None:
            return None
        # What strangers, of the site or said to be ones, cost is owed to nobody's pictures: compared is with the live
        # head at the same cost.
        moved = _raised_by(learned.metrics) - _raised_by(live.meta.metrics)
        head = replace(live.head, thresholds=live.head.thresholds + np.float32(moved))
        contradicting = {each.negative for each in learned.conflicts}
        head = negatives.bound(head, [each for each in lesson.negatives if each.id not in contradicting])
        return self._trainer.learner.worse_than(head, learned, lesson.gallery)

    def blame(self, why: GateFailed | LoadFailed | Unlearnable) -> None:
        """Find out with which enrolments there is no head, so that the others can be learned.

        Raises:
            TrainingFailed: it is the fault of none of them, or of all.
        """
        suspects = list(self._joined)
        failed = TrainingFailed(
            f"no head could be put into service, the previous one stays: {why.message}", code=why.code
        )
        if isinstance(why, LoadFailed) or len(suspects) < 2:  # what the gate lets pass is no enrolment's fault
            raise failed from why
        lesson = self._lessons.read(self.blamed)
        if not self._passes(lesson, suspects):
            raise failed from why
        found = culprits(suspects, lambda without: self._passes(lesson, without))
        if len(found) == len(suspects):
            raise failed from why
        message = f"with these pictures no head can be put into service: {why.message}; take new ones"
        self.blamed |= {one: Refused(one, code=why.code, message=message) for one in found}
        for one in found:
            _log.warning("enrolment %s is refused: no head with it can be put into service", one)

    def _passes(self, lesson: Lesson, without: Collection[str]) -> bool:
        """Whether a head can be made, and passes the gate, without these enrolments; it is not served."""
        try:
            tried = self._lessons.again(lesson, {*without, *self.blamed})
            learned = self.head_of(tried, tried.gallery)
            with exporting():
                self._trainer.shelf.prove(learned.head, tried.describe(learned, self._trainer.settings.far_target))
        except (GateFailed, Unlearnable):
            return False
        return True

    @property
    def _joined(self) -> dict[str, str]:
        """The enrolments that may be learned, with the ids of the people, the first one closed first."""
        return {one: person_id for one, person_id in self._journal.joined.items() if one not in self.blamed}


def _refused(refusal: Refusal) -> Refused:
    if refusal.alike is not None:
        message = (
            "the face cannot be told from that of somebody else who is enrolled: one would be named as the other; "
            "if they are one person, add the pictures to that one"
        )
        return Refused(refusal.capture, code="too_alike", message=message, alike=refusal.alike)
    message = (
        f"with these pictures {len(refusal.losses)} of those enrolled would be recognised less often than now; "
        "take new ones that show one person only, in good light"
    )
    return Refused(refusal.capture, code="head_worse", message=message)


def _raised_by(metrics: Mapping[str, Any]) -> float:
    """Return by how much the site's strangers raised a head's threshold."""
    told = metrics.get("site") or {}
    return float(told.get("raised_by", 0.0))
