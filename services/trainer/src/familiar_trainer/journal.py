"""The journal: every change that a training makes to the database, each in one transaction and under its lease."""

import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

from sqlalchemy.orm import Session

from familiar.knowing import Head
from familiar.records import (
    Database,
    EnrollmentStatus,
    HeadStatus,
    HeadVersion,
    Stage,
    TrainingKind,
    corrections,
    enrollments,
    erasures,
    events,
    feedback,
    locked_cases,
    people,
    samples,
    trainings,
    versions,
)
from familiar.records import Training as TrainingRow
from familiar.servable import HEAD, HeadMeta
from familiar_trainer.lease import Lease
from familiar_trainer.shelf import Candidate

_log = logging.getLogger(__name__)

Report = dict[str, Any] | None
"""What is told of each person, see ``familiar.learning.report``; None of a head made before there was such a thing."""


class Outdated(Exception):
    """What the head may be made of was deleted, or was said to be somebody else's, after it had been read."""


@dataclass(frozen=True)
class Moment:
    """What has happened so far to samples that were there: which deletions are not forgotten, how many corrections.

    And how often it was said of a face who it is not.
    """

    deleted: frozenset[str] = frozenset()
    corrections: int = 0
    feedback: int = 0


@dataclass(frozen=True)
class Reason:
    """Why a head must not serve."""

    code: str
    message: str


@dataclass(frozen=True)
class Refused:
    """An enrolment that is not learned, and why; ``alike`` is the person whom its own cannot be told from."""

    enrollment_id: str
    code: str
    message: str
    alike: str | None = None


class Journal:
    """One claimed training: what it is, which enrolments it settles, and what became of it.

    ``joined`` are the ids of those enrolments with the ids of the people, the first one closed first.

    Every method raises LeaseLost, and changes nothing, if another trainer has taken the training over.
    """

    def __init__(
        self, database: Database, lease: Lease, tells_events: bool, training: TrainingRow, joined: Mapping[str, str]
    ) -> None:
        self._database = database
        self._tells_events = tells_events
        self._lease = lease
        self.joined = joined
        self.training_id = training.id
        self.kind = TrainingKind(training.kind)
        self.backbone_version = training.backbone_version
        self.source_version = training.source_version
        self.attempts = training.attempts

    @classmethod
    def claim(
        cls, database: Database, training_id: str, owner: str, lease_s: float, silent: Mapping[str, trainings.Sign],
        *, tells_events: bool,
    ) -> tuple[Self, Lease] | None:  # fmt: skip
        """Take a training, with every enrolment that waits at this moment; None if there is nothing to take.

        ``silent`` are the last signs of those whose trainings may be taken over; ``tells_events``: others are told of
        whoever is recognised from now on.
        """

        def take(session: Session) -> tuple[TrainingRow, dict[str, str]] | None:
            training = trainings.claim(session, training_id, owner, lease_s, silent)
            if training is None:
                return None
            learns = training.kind == TrainingKind.LEARN
            return training, enrollments.join(session, training) if learns else {}

        taken = database.retry(take)
        if taken is None:
            return None
        lease = Lease(database, training_id, owner, lease_s)
        return cls(database, lease, tells_events, *taken), lease

    def enter(self, stage: Stage) -> None:
        """Show that the training has come to ``stage``."""

        def enter(session: Session) -> None:
            self._lease.training(session).stage = stage

        self._database.retry(enter)

    def moment(self) -> Moment:
        """Return what has been deleted and put right so far; to be asked before anything is read."""
        with self._database.read() as session:
            return _moment(session)

    def record(
        self, head: Head, meta: HeadMeta, report: Report, floor: int, refused: Iterable[Refused] = (),
        read_at: Moment | None = None,
    ) -> Candidate:  # fmt: skip
        """Give a head a version number above ``floor`` that nothing ever had, and keep its weights and report.

        The enrolments that are ``refused`` end here, so that another try does not learn them again.

        Raises:
            Outdated: something was deleted or put right after the head's material was ``read_at``, if that is given.
        """

        def record(session: Session) -> Candidate:
            versions.take_turns(session)
            training = self._lease.training(session)
            _require_everything(session, head, read_at)
            _refuse(session, refused)
            return _add(session, training, head, meta, report, floor, HeadStatus.PUBLISHED)

        return self._database.retry(record)

    def recorded(self) -> Candidate | None:
        """Return the head that an earlier try recorded, unless it was given up or its weights were erased."""
        with self._database.read() as session:
            version = trainings.get(session, self.training_id).head_version
            row = versions.head(session, version) if version else None
            return Candidate.stored(row) if row and row.status == HeadStatus.PUBLISHED else None

    def withdraw(self, status: HeadStatus) -> int | None:
        """Give the recorded version up, as ``status``, and return its number; None if there is none."""

        def withdraw(session: Session) -> int | None:
            training = self._lease.training(session)
            row = _published(session, training)
            training.head_version = None
            if row is None:
                return None
            _give_up(row, status)
            return row.version

        return self._database.retry(withdraw)

    def refusals(self) -> int:
        """Return how many versions of this training the gate or Serving refused."""
        with self._database.read() as session:
            return versions.failed_tries(session, self.training_id)

    def go_live(self, candidate: Candidate) -> None:
        """Make ``candidate`` the live head and end the training and its enrolments.

        Raises:
            Outdated: it was made of something deleted since, or contradicts what was put right since.
        """

        def go_live(session: Session) -> None:
            training = self._lease.training(session)
            row = _published(session, training)
            if row is None or candidate.version in erasures.tainted(session):
                raise Outdated
            if locked_cases.contradicts_what_was_said(session, row):
                raise Outdated
            if self.kind is TrainingKind.LEARN:
                feedback.note_conflicts(session, candidate.meta.metrics.get(locked_cases.CONTRADICTIONS, ()))
            previous = versions.live_head(session)
            versions.go_live(session, candidate.version)
            if previous is not None and previous.backbone_version != candidate.meta.backbone_version:
                samples.drop_vectors_but(session, [candidate.meta.backbone_version])
            self._succeed(session, training, candidate.version, candidate.head.person_ids)

        self._database.retry(go_live)

    def end_unchanged(self, is_current: Callable[[HeadVersion], bool]) -> bool:
        """End the training if the live head is the one it would make; tell whether that was so."""

        def end(session: Session) -> bool:
            training, live = self._lease.training(session), versions.live_head(session)
            if live is None or not is_current(live):
                return False
            self._succeed(session, training, live.version, live.person_ids)
            return True

        return self._database.retry(end)

    def reject(
        self, head: Head, meta: HeadMeta, report: Report, floor: int, refused: Sequence[Refused],
        read_at: Moment, reason: Reason | None = None,
    ) -> None:  # fmt: skip
        """Keep the report of a head that must not serve, and end the training with its enrolments.

        All of them are ``refused``, or there is another ``reason`` for which those that are not end as well.

        Raises:
            Outdated: something was deleted or put right after the head's material was ``read_at``, if that is given.
        """

        def reject(session: Session) -> None:
            versions.take_turns(session)
            training = self._lease.training(session)
            _require_everything(session, head, read_at)
            rejected = _add(session, training, head, meta, report, floor, HeadStatus.PUBLISHED)
            _give_up(versions.head(session, rejected.version), HeadStatus.REJECTED)
            _refuse(session, refused)
            why = reason or Reason(refused[0].code, refused[0].message)
            self._settle(session, list(self.joined), EnrollmentStatus.FAILED, code=why.code, message=why.message)
            trainings.end(training, Stage.REJECTED, code=why.code, message=why.message)

        self._database.retry(reject)

    def fail(self, code: str, message: str) -> None:
        """End the training and its enrolments for good; the live head stays as it is."""

        def fail(session: Session) -> None:
            training = self._lease.training(session)
            if row := _published(session, training):
                _give_up(row, HeadStatus.FAILED)
            self._settle(session, list(self.joined), EnrollmentStatus.FAILED, code=code, message=message)
            trainings.end(training, Stage.FAILED, code=code, message=message)

        self._database.retry(fail)

    def _succeed(self, session: Session, training: TrainingRow, version: int, known: Sequence[str]) -> None:
        learned: list[str] = []
        missing: list[str] = []
        everybody = {each.id for each in people.meant(session, known).values()}
        for enrollment in enrollments.queued(session):
            if enrollment.id in self.joined:
                (learned if enrollment.person_id in everybody else missing).append(enrollment.id)
        self._settle(session, learned, EnrollmentStatus.LIVE, version=version)
        if self._tells_events:
            events.enrolled(session, learned, version)
        message = "none of the pictures could be used any more; please enrol again"
        self._settle(session, missing, EnrollmentStatus.FAILED, code="no_samples", message=message)
        training.head_version = version
        trainings.end(training, Stage.LIVE)

    @staticmethod
    def _settle(
        session: Session, ids: Sequence[str], status: EnrollmentStatus, *, version: int | None = None,
        code: str | None = None, message: str | None = None,
    ) -> None:  # fmt: skip
        if ids:
            enrollments.settle(session, ids, status, head_version=version, code=code, message=message)


def _add(
    session: Session, training: TrainingRow, head: Head, meta: HeadMeta, report: Report, floor: int, status: HeadStatus
) -> Candidate:
    version = versions.issue(session, HEAD, floor)
    versions.add_head(
        session,
        version,
        training_id=training.id,
        backbone_version=meta.backbone_version,
        head=head,
        meta=meta.to_dict(),
        status=status,
        report=report,
    )
    training.head_version = version
    return Candidate(version, head, meta)


def _refuse(session: Session, refused: Iterable[Refused]) -> None:
    for each in refused:
        enrollments.settle(
            session, [each.enrollment_id], EnrollmentStatus.FAILED,
            code=each.code, message=each.message, alike=each.alike,
        )  # fmt: skip


def _published(session: Session, training: TrainingRow) -> HeadVersion | None:
    """Return the version that the training has recorded and that may still go live."""
    row = session.get(HeadVersion, training.head_version) if training.head_version else None
    return row if row is not None and row.status == HeadStatus.PUBLISHED else None


def _give_up(row: HeadVersion, status: HeadStatus) -> None:
    """Keep of a version that will never serve what is known of it, and not its weights."""
    row.status, row.weights = status, None


def _moment(session: Session) -> Moment:
    return Moment(
        frozenset(erasures.open_ones(session, in_heads=True)), corrections.changes(session), feedback.changes(session)
    )


def _require_everything(session: Session, head: Head, read_at: Moment | None) -> None:
    if len(people.meant(session, head.person_ids)) < len(head.person_ids):
        raise Outdated
    now = _moment(session)
    if read_at is None:
        return
    said = (now.corrections, now.feedback) != (read_at.corrections, read_at.feedback)
    if said or now.deleted - read_at.deleted:
        raise Outdated
