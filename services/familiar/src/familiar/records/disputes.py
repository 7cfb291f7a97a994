"""Disputes: heads that named one face as two people while it was before a camera.

Frames of one face with two names are two sightings, so a sighting alone does not tell that the same face was taken for
somebody else on another frame.
"""

from collections.abc import Callable

from sqlalchemy import select
from sqlalchemy.orm import Session, undefer

from familiar.knowing import from_blob
from familiar.records.passes import PASS_S
from familiar.records.schema import SightedFace, Sighting


def frames(session: Session, sighting: Sighting, person_id: str, alike: Callable[[int], float]) -> int:
    """Return how many frames named somebody else than ``person_id`` where the face may have been the sighting's.

    Those are of sightings before the same camera, at the same time or within a pass of it, whose face is as like this
    one as the cosine that ``alike`` returns for the backbone version. Two faces of one picture are two people, however
    alike.
    """
    near = select(Sighting).options(undefer(Sighting.vector)).where(
        Sighting.id != sighting.id,
        Sighting.camera.is_not_distinct_from(sighting.camera),
        Sighting.backbone_version == sighting.backbone_version,
        Sighting.last_at >= sighting.captured_at - PASS_S,
        Sighting.captured_at <= sighting.last_at + PASS_S,
        Sighting.person_id.is_not(None),
        Sighting.person_id != person_id,
    )  # fmt: skip
    rows = session.scalars(near).all()
    if not rows:
        return 0
    vector, least = from_blob(sighting.vector), alike(sighting.backbone_version)
    others = {row.id: row.frames for row in rows if float(from_blob(row.vector) @ vector) >= least}
    its = select(SightedFace.request_id).where(SightedFace.sighting_id == sighting.id)
    beside = select(SightedFace.sighting_id).where(SightedFace.sighting_id.in_(others), SightedFace.request_id.in_(its))
    return sum(others[each] for each in others.keys() - set(session.scalars(beside)))
