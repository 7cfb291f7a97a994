"""Replays in the database: what another head, or another threshold, would have said of past sightings."""

import time
from collections.abc import Collection, Sequence
from enum import StrEnum
from typing import Any

from sqlalchemy import Text, cast, delete, func, select, update
from sqlalchemy.orm import Session, undefer

from familiar.errors import Busy, NotFound
from familiar.records import people, sightings
from familiar.records import person as rules
from familiar.records.schema import Replay

_MOST = 50
"""So many are kept, and of them so many may be open:"""
_MOST_OPEN = 10


class ReplayStage(StrEnum):
    """How far a replay is."""

    QUEUED = "queued"
    DONE = "done"
    FAILED = "failed"


def ask(session: Session, asked: dict[str, Any]) -> Replay:
    """Return a new replay; the oldest beyond a few dozen go.

    Raises:
        Busy: many are open already.
    """
    waiting = select(func.count()).select_from(Replay).where(Replay.stage == ReplayStage.QUEUED)
    if (session.scalar(waiting) or 0) >= _MOST_OPEN:
        raise Busy(f"{_MOST_OPEN} replays are open; try again when one of them is done")
    row = Replay(id=rules.new_id(), stage=ReplayStage.QUEUED, asked=asked, created_at=time.time())
    session.add(row)
    session.flush()
    newest = select(Replay.id).order_by(Replay.created_at.desc(), Replay.id).limit(_MOST)
    session.execute(delete(Replay).where(Replay.id.not_in(list(session.scalars(newest)))))
    return row


def get(session: Session, replay_id: str) -> Replay:
    """Return a replay with its answer.

    Raises:
        NotFound: there is none with that id (any more).
    """
    row = session.get(Replay, replay_id, options=[undefer(Replay.answer)])
    if row is None:
        raise NotFound(f"there is no replay {replay_id}", code="replay_not_found")
    return row


def recent(session: Session, limit: int) -> Sequence[Replay]:
    """Return the last ones, the newest first, without their answers."""
    return session.scalars(select(Replay).order_by(Replay.created_at.desc(), Replay.id).limit(limit)).all()


def open_ones(session: Session) -> Sequence[str]:
    """Return the ids of those that are not answered yet, the oldest first."""
    waiting = select(Replay.id).where(Replay.stage == ReplayStage.QUEUED)
    return session.scalars(waiting.order_by(Replay.created_at, Replay.id)).all()


def answer(session: Session, replay_id: str, told: dict[str, Any]) -> None:
    """Record what came out, unless that was done already; who was deleted meanwhile is left out.

    If somebody was merged meanwhile it is no answer: the replay stays open.
    """
    sightings.take_turns(session)
    row = session.get(Replay, replay_id, with_for_update=True)
    if row is None or row.stage != ReplayStage.QUEUED:
        return
    named = {each["person"] for each in told["people"]}
    meant = people.meant(session, named)
    if any(known.id != label for label, known in meant.items()):
        return
    gone = named - meant.keys()
    row.answer = {
        **told,
        "people": [each for each in told["people"] if each["person"] not in gone],
        "changes": [each for each in told["changes"] if not gone & {each["from"], each["to"]}],
    }
    row.stage, row.ended_at = ReplayStage.DONE, time.time()
    session.flush()


def ask_again(session: Session, person_ids: Collection[str]) -> None:
    """Open answered replays again that tell of people who are others since."""
    for person_id in person_ids:
        told = cast(Replay.answer, Text).contains(person_id)
        anew = {"stage": ReplayStage.QUEUED, "answer": None, "ended_at": None}
        session.execute(update(Replay).where(told).values(anew))


def fail(session: Session, replay_id: str, code: str, message: str) -> None:
    """Record that nothing came out, unless something has."""
    row = session.get(Replay, replay_id, with_for_update=True)
    if row is not None and row.stage == ReplayStage.QUEUED:
        row.stage, row.ended_at = ReplayStage.FAILED, time.time()
        row.error_code, row.error_message = code, message
        session.flush()
