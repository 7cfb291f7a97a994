"""Locked cases in the database: faces of which it was said who they are not, which every head has to pass."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, NamedTuple

import numpy as np
from sqlalchemy import select
from sqlalchemy.orm import Session

from familiar.knowing import Float32, Head, from_blob
from familiar.records import corrections, people
from familiar.records.schema import Feedback, HeadVersion, QuarantinedFace
from familiar.records.verdict import Verdict

CONTRADICTIONS = "contradictions"
"""Under this the metrics of a head name the feedback that it does not keep to, since it contradicts samples."""


class LockedCase(NamedTuple):
    """A face float32[D] that is not ``person_id``'s, or nobody's where that is None; ``id`` is the feedback's."""

    id: str
    person_id: str | None
    vector: Float32
    contradicts: bool


def in_force(session: Session, backbone_version: int) -> list[LockedCase]:
    """Return all locked cases of people who are enrolled, as a backbone version sees them, the first one said first."""
    rows = session.execute(
        select(Feedback.id, Feedback.verdict, Feedback.named_id, Feedback.conflict, QuarantinedFace.vector)
        .join(QuarantinedFace, QuarantinedFace.id == Feedback.face_id)
        .where(
            Feedback.ended_at.is_(None),
            Feedback.verdict != Verdict.RIGHT,
            QuarantinedFace.backbone_version == backbone_version,
            QuarantinedFace.vector.is_not(None),
        )
        .order_by(Feedback.number)
    ).all()
    meant = people.meant(session, {row.named_id for row in rows if row.named_id})
    cases = []
    for row in rows:
        everybody = row.verdict == Verdict.STRANGER
        if everybody or row.named_id in meant:
            who = None if everybody else meant[row.named_id].id
            cases.append(LockedCase(row.id, who, from_blob(row.vector), row.conflict is not None))
    return cases


def failing(session: Session, head: Head, backbone_version: int, metrics: Mapping[str, Any]) -> list[str]:
    """Return the ids of the feedback whose locked case a head fails, but for what is known to contradict samples.

    ``metrics`` are the head's. Its people are who they are now, as far as some were merged since.
    """
    told = {each["feedback"] for each in metrics.get(CONTRADICTIONS, ())}
    cases = [case for case in in_force(session, backbone_version) if case.id not in told and not case.contradicts]
    fitting = [case for case in cases if case.vector.shape == (head.dim,)]
    if not fitting:
        return []
    meant = people.meant(session, head.person_ids)
    now = tuple(meant[label].id if label in meant else label for label in head.person_ids)
    wrong = replace(head, person_ids=now).misnames(
        np.stack([case.vector for case in fitting]), [case.person_id for case in fitting]
    )
    return [fitting[i].id for i in np.flatnonzero(wrong >= 0).tolist()]


def failed_by(session: Session, row: HeadVersion) -> list[str]:
    """Return ``failing`` of a stored head; nothing of one whose weights are gone."""
    if row.weights is None:
        return []
    return failing(session, Head.from_bytes(row.weights), row.backbone_version, row.meta.get("metrics", {}))


def contradicts_what_was_said(session: Session, row: HeadVersion) -> bool:
    """Whether a head must not come back: it names somebody as who they are not, by samples or by what was seen."""
    return corrections.contradict(session, row) or bool(failed_by(session, row))
