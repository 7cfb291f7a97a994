"""Letting go: faces in quarantine that are removed, and what becomes of what was said of them."""

import time
from collections.abc import Collection, Sequence

from sqlalchemy import Text, cast, delete, or_, select, update
from sqlalchemy.orm import Session

from familiar.records import erasures
from familiar.records.engine import MOST_VARIABLES
from familiar.records.schema import Feedback, QuarantinedFace
from familiar.records.verdict import Standing, Verdict

UNSAID = ~select(Feedback.id).where(Feedback.face_id == QuarantinedFace.id, Feedback.ended_at.is_(None)).exists()
"""Of a face: nobody has said anything of it that is in force."""
UNSPOKEN = QuarantinedFace.sighting_id.not_in(select(Feedback.sighting_id).where(Feedback.ended_at.is_(None)))
"""Of a face: nor has anybody of another frame of the same sighting."""


def remove(session: Session, face_ids: Sequence[str]) -> int:
    """Remove faces; what was said of them is said of nothing any more, and ends. The files are to be cleaned."""
    if not face_ids:
        return 0
    for start in range(0, len(face_ids), MOST_VARIABLES):
        some = face_ids[start : start + MOST_VARIABLES]
        its = Feedback.face_id.in_(some)
        session.execute(update(Feedback).where(its, Feedback.ended_at.is_(None)).values(ended_at=time.time()))
        session.execute(update(Feedback).where(its).values(face_id=None))
        session.execute(delete(QuarantinedFace).where(QuarantinedFace.id.in_(some)))
    erasures.begin(session, erasures.PRUNED_FACES, in_heads=False)
    return len(face_ids)


def forget_samples(session: Session, sample_ids: Collection[str]) -> None:
    """Remove the faces of which samples were made that are deleted: of the picture nothing is to be left."""
    faces: list[str] = []
    for start in range(0, len(ids := list(sample_ids)), MOST_VARIABLES):
        of_them = QuarantinedFace.sample_id.in_(ids[start : start + MOST_VARIABLES])
        faces += session.scalars(select(QuarantinedFace.id).where(of_them))
    remove(session, faces)


def forget_sightings(session: Session, sighting_ids: Collection[str]) -> None:
    """Remove the faces of sightings that are deleted, but for those that somebody has said something of."""
    for start in range(0, len(ids := list(sighting_ids)), MOST_VARIABLES):
        its = QuarantinedFace.sighting_id.in_(ids[start : start + MOST_VARIABLES])
        query = select(QuarantinedFace.id).where(its, QuarantinedFace.standing != Standing.LEARNED, UNSAID)
        remove(session, list(session.scalars(query)))


def forget_person(session: Session, ids: Collection[str], sighting_ids: Sequence[str]) -> None:
    """Remove what was said about a person, by all their ids, with the faces that are theirs or were taken for theirs.

    Theirs are those of their sightings, too, whatever was said of them before. Of a face that is somebody else's, or a
    stranger's, only whom it was taken for is forgotten.
    """
    theirs = Feedback.ended_at.is_(None) & Feedback.person_id.in_(ids)
    bare = Feedback.ended_at.is_(None) & (Feedback.verdict == Verdict.WRONG) & Feedback.person_id.is_(None)
    said = select(Feedback.face_id).where(or_(theirs, bare & Feedback.named_id.in_(ids)))
    taken_for = QuarantinedFace.named_id.in_(ids) & UNSAID
    doomed = list(session.scalars(select(QuarantinedFace.id).where(or_(QuarantinedFace.id.in_(said), taken_for))))
    session.execute(delete(Feedback).where(Feedback.face_id.in_(doomed)))
    remove(session, doomed)
    for start in range(0, len(sighting_ids), MOST_VARIABLES):
        some = sighting_ids[start : start + MOST_VARIABLES]
        session.execute(delete(Feedback).where(Feedback.sighting_id.in_(some)))
        remove(session, session.scalars(select(QuarantinedFace.id).where(QuarantinedFace.sighting_id.in_(some))).all())
    ended = Feedback.ended_at.is_not(None)
    mentioned = or_(*(column.in_(ids) for column in (Feedback.person_id, Feedback.named_id, Feedback.was_id)))
    session.execute(delete(Feedback).where(ended, mentioned))
    for column in (Feedback.named_id, Feedback.was_id):
        session.execute(update(Feedback).where(column.in_(ids)).values({column: None}))
    session.execute(update(QuarantinedFace).where(QuarantinedFace.named_id.in_(ids)).values(named_id=None))
    for each in ids:
        told = cast(Feedback.conflict, Text).contains(each)
        session.execute(update(Feedback).where(told).values(conflict=None))
    session.flush()
