"""Trying again what a failed training should have done, with the enrolments that failed with it.

A training fails for what is no enrolment's fault: a model server that does not load, a disk, a defect. Those that
waited for it are still there, with their samples, and wait for the next one as if nothing had happened. Whoever was
refused for their pictures stays so; the same pictures would be refused again. One that was rejected has not failed.
"""

import time
from collections.abc import Sequence

from sqlalchemy import exists, func, select
from sqlalchemy.orm import Session

from familiar.errors import Conflict
from familiar.records import erasures, locked_cases, trainings
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.schema import Enrollment, HeadVersion, Sample, Training
from familiar.records.training import Stage, TrainingKind
from familiar.records.versions import HeadStatus, take_turns

_FELL_WITH_IT = (
    (Enrollment.status == EnrollmentStatus.FAILED)
    & (Enrollment.error_code == Training.error_code)
    & (Enrollment.error_message == Training.error_message)
    & exists().where(Sample.enrollment_id == Enrollment.id)
)
"""Of an enrolment and its training: it ended for the reason of the training, and there is something to learn yet."""


def worthwhile(session: Session, some: Sequence[Training]) -> set[str]:
    """Return the ids of those trainings that may be tried again.

    They have failed, and something waits yet to be done: enrolments that failed with one can be learned, or no later
    training has done the same since, or is about to.
    """
    failed = [training for training in some if training.stage == Stage.FAILED]
    learning = {training.id for training in failed if training.kind == TrainingKind.LEARN}
    returning = {training.source_version for training in failed if training.source_version is not None}
    waiting = _with_enrollments(session, learning) if learning else set()
    kept = _kept_heads(session, returning) if returning else set()
    done = _done_since(session) if failed else {}

    def waits(training: Training) -> bool:
        possible = training.kind == TrainingKind.LEARN or training.source_version in kept
        return possible and not any(_covers(what, at, training) for what, at in done.items())

    return {training.id for training in failed if training.id in waiting or waits(training)}


def ask(session: Session, training_id: str) -> Training:
    """Return a training that learns what a failed one should have learned, and give it what failed with that.

    Raises:
        NotFound: there is no training with that id.
        Conflict: nothing is left to be tried again.
    """
    training = take(session, training_id)
    asked = trainings.ask(session, backbone_version=training.backbone_version)
    fallen = select(Enrollment).join(Training, Training.id == Enrollment.training_id)
    for enrollment in session.scalars(fallen.where(Training.id == training_id, _FELL_WITH_IT)):
        enrollment.status = EnrollmentStatus.QUEUED
        enrollment.training_id = asked.id
        enrollment.error_code = enrollment.error_message = None
        enrollment.updated_at = time.time()
    session.flush()
    return asked


def take(session: Session, training_id: str) -> Training:
    """Return a failed training that may be tried again; nobody else does so before this transaction ends.

    Raises:
        NotFound: there is no training with that id.
        Conflict: nothing is left to be tried again.
    """
    take_turns(session)
    training = trainings.get(session, training_id)
    if training.id not in worthwhile(session, [training]):
        why = (
            "what it should have done was done since, or is about to be"
            if training.stage == Stage.FAILED
            else f"it has not failed: it is {training.stage}"
        )
        raise Conflict(f"there is nothing to try again of job {training.id}: {why}", code="nothing_to_retry")
    return training


_What = tuple[str, int | None, int | None]
"""What a training does: its kind, the backbone that was asked for, and the head that is to come back."""


def _done_since(session: Session) -> dict[_What, float]:
    """Return when everything was last asked for that has not failed."""
    what = (Training.kind, Training.backbone_version, Training.source_version)
    rows = session.execute(
        select(*what, func.max(Training.created_at)).where(Training.stage != Stage.FAILED).group_by(*what)
    )
    return {(kind, backbone, source): at for kind, backbone, source, at in rows}


def _covers(what: _What, at: float, training: Training) -> bool:
    """Whether what was asked for at that time makes a training unnecessary that had been asked for before."""
    kind, backbone, source = what
    if kind != training.kind or source != training.source_version or at <= training.created_at:
        return False
    return training.backbone_version is None or (backbone or 0) >= training.backbone_version


def _with_enrollments(session: Session, training_ids: set[str]) -> set[str]:
    rows = select(Training.id).join(Enrollment, Enrollment.training_id == Training.id).where(_FELL_WITH_IT)
    return set(session.scalars(rows.where(Training.id.in_(training_ids)).distinct()))


def _kept_heads(session: Session, versions: set[int]) -> set[int]:
    """Return which of these head versions may come back."""
    kept = select(HeadVersion).where(HeadVersion.version.in_(versions), HeadVersion.status == HeadStatus.SUPERSEDED)
    there = {row.version for row in session.scalars(kept) if not locked_cases.contradicts_what_was_said(session, row)}
    return there - erasures.tainted(session)
