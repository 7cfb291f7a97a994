"""Trainings in the database: asked for once, claimed by one worker at a time, safe to run twice.

Whether a worker still lives is seen by its lease being renewed, and judged by who looks, by a clock of its own: clocks
of machines differ, and are set.
"""

import time
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import func, select, update
from sqlalchemy.orm import Session

from familiar.errors import NotFound
from familiar.records.person import new_id
from familiar.records.schema import Training
from familiar.records.training import Stage, TrainingKind
from familiar.records.versions import take_turns

Sign = tuple[str, float]
"""What a worker shows of itself: its name, and when by its own clock the lease would end; that is a new one with each
sign of life, and says nothing else to others."""

LONGEST_PAUSE_S = 5.0
"""Longest time for which a training that was given back may be left alone."""

_ENDED = [stage.value for stage in Stage if stage.ended]


def ask(session: Session, *, backbone_version: int | None = None) -> Training:
    """Return the training that will learn everything stored by now: one that still waits, or a new one.

    So whoever comes while a training is under way shares the next one with all others who do.
    """
    waiting = session.scalars(
        select(Training).where(
            Training.kind == TrainingKind.LEARN,
            Training.stage == Stage.QUEUED,
            Training.backbone_version.is_(None)
            if backbone_version is None
            else Training.backbone_version == backbone_version,
        )
    ).first()
    return waiting or _add(session, TrainingKind.LEARN, backbone_version=backbone_version)


def ask_if_none_is_open(session: Session) -> Training | None:
    """Return a new training, or None if one that learns is open; of all who ask at the same time one gets it."""
    take_turns(session)
    return None if any_open(session) else ask(session)


def ask_rollback(session: Session, source_version: int) -> Training:
    """Return a new training that puts the weights of ``source_version`` into service again."""
    return _add(session, TrainingKind.ROLLBACK, source_version=source_version)


def get(session: Session, training_id: str) -> Training:
    """Return a training.

    Raises:
        NotFound: there is none with that id.
    """
    training = session.get(Training, training_id)
    if training is None:
        raise NotFound(f"there is no job {training_id}", code="job_not_found")
    return training


def recent(session: Session, limit: int = 100) -> Sequence[Training]:
    """Return the last ``limit`` trainings, the newest first."""
    return session.scalars(select(Training).order_by(Training.created_at.desc(), Training.id).limit(limit)).all()


def failures(session: Session, limit: int = 100) -> Sequence[Training]:
    """Return the last ``limit`` trainings that failed, the last one to end first."""
    failed = select(Training).where(Training.stage == Stage.FAILED)
    return session.scalars(failed.order_by(Training.ended_at.desc(), Training.id).limit(limit)).all()


def leases(session: Session) -> dict[str, Sign]:
    """Return the last sign of life of whoever works on a training, by the training's id."""
    query = select(Training.id, Training.lease_owner, Training.lease_until).where(
        Training.stage.not_in(_ENDED), Training.lease_owner.is_not(None)
    )
    return {training_id: (owner or "", until or 0.0) for training_id, owner, until in session.execute(query)}


def claim(
    session: Session, training_id: str, owner: str, lease_s: float, silent: Mapping[str, Sign] | None = None
) -> Training | None:
    """Take a training that nobody works on, in the order asked for; None if there is nothing to take.

    One training runs at a time: a later one, or one whose worker still lives, is left alone. ``silent`` are the last
    signs of those that have fallen silent; one that has stirred since lives.
    """
    take_turns(session)  # locking only its own row would let two claim different ones
    training = session.get(Training, training_id, with_for_update=True)
    if training is None or Stage(training.stage).ended:
        return None
    silent = silent or {}
    if any(sign[0] != owner and silent.get(held) != sign for held, sign in leases(session).items()):
        return None
    now = time.time()
    training.lease_owner, training.lease_until = owner, now + lease_s
    training.started_at = now
    training.attempts += 1
    training.stage = Stage.TRAINING
    session.flush()
    return training


def renew(session: Session, training_id: str, owner: str, lease_s: float) -> bool:
    """Prolong the lease; False if somebody else has taken the training over."""
    changed = session.execute(
        update(Training)
        .where(Training.id == training_id, Training.lease_owner == owner, Training.stage.not_in(_ENDED))
        .values(lease_until=time.time() + lease_s)
    )
    return bool(changed.rowcount)  # type: ignore[attr-defined]


def held(session: Session, training_id: str, owner: str) -> Training | None:
    """Return a training, locked, if ``owner`` still has the lease; None if it ended or was taken over."""
    training = session.get(Training, training_id, with_for_update=True)
    if training is None or training.lease_owner != owner or Stage(training.stage).ended:
        return None
    return training


def give_back(training: Training, after_s: float = 0.0) -> None:
    """Leave a claimed training to whoever claims it next; it will be proposed in ``after_s`` seconds, 5 at most."""
    training.stage = Stage.QUEUED
    training.lease_owner = None
    training.lease_until = time.time() + min(after_s, LONGEST_PAUSE_S) if after_s else None


def under_way(session: Session) -> bool:
    """Whether a training has been claimed and has neither ended nor been given back."""
    started = Training.stage.not_in([*_ENDED, Stage.QUEUED])
    return session.scalars(select(Training.id).where(started)).first() is not None


def any_open(session: Session, kinds: Collection[TrainingKind] = (TrainingKind.LEARN,)) -> bool:
    """Whether a training of these ``kinds``, one that learns, has been asked for and has not ended."""
    these = select(Training.id).where(Training.kind.in_(kinds), Training.stage.not_in(_ENDED))
    return session.scalars(these).first() is not None


def just_failed(session: Session, within_s: float) -> bool:
    """Whether a training has failed in the last ``within_s`` seconds; one that will fail, by this clock, has not."""
    last = session.scalar(select(func.max(Training.ended_at)).where(Training.stage == Stage.FAILED))
    return last is not None and 0 <= time.time() - last < within_s


def open_ones(session: Session, silent: Mapping[str, Sign] | None = None) -> Sequence[Training]:
    """Return the trainings that nobody works on and that have not ended, the oldest first.

    ``silent`` are the last signs of those who have fallen silent. A pause that is longer than any that is made, by the
    clock of this moment, is none: one of the clocks was set.
    """
    now, silent = time.time(), silent or {}
    held = {training_id for training_id, sign in leases(session).items() if silent.get(training_id) != sign}
    pausing = Training.lease_owner.is_(None) & Training.lease_until.between(now, now + LONGEST_PAUSE_S)
    rows = session.scalars(
        select(Training)
        .where(Training.stage.not_in(_ENDED), Training.lease_until.is_(None) | ~pausing)
        .order_by(Training.created_at, Training.id)
    )
    return [training for training in rows if training.id not in held]


def longest_open_s(session: Session) -> float:
    """Return how long ago the oldest training was asked for that has not ended, in seconds; 0 if there is none.

    One from the future, by the clock of this moment, is new.
    """
    first = session.scalar(select(func.min(Training.created_at)).where(Training.stage.not_in(_ENDED)))
    return 0.0 if first is None else max(0.0, time.time() - first)


def end(training: Training, stage: Stage, *, code: str | None = None, message: str | None = None) -> None:
    """Record how a training ended."""
    training.stage = stage
    training.error_code, training.error_message = code, message
    training.lease_owner = training.lease_until = None
    training.ended_at = time.time()


def _add(
    session: Session,
    kind: TrainingKind,
    *,
    backbone_version: int | None = None,
    source_version: int | None = None,
) -> Training:
    training = Training(
        id=new_id(),
        kind=kind,
        stage=Stage.QUEUED,
        backbone_version=backbone_version,
        source_version=source_version,
        attempts=0,
        created_at=time.time(),
    )
    session.add(training)
    session.flush()
    return training
