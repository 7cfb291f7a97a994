"""Keeping: what stays of a picture that was looked at, and what results tell of that."""

from sqlalchemy.orm import Session

from familiar.photos.looking import Looked
from familiar.photos.places import Place
from familiar.records import photos


def keep(session: Session, job_id: str, digest: str, looked: Looked) -> None:
    """Keep the faces of a picture with that SHA-256; of the picture nothing else stays but its size."""
    faces = [
        photos.FoundFace(
            box=face.box,
            quality=face.observation.quality.to_dict(),
            weight=face.weight,
            crop=face.crop,
            backbone_version=looked.backbone_version,
            vector=face.vector,
            status=face.decision.status,
            person_id=face.decision.person_id,
            score=face.decision.score,
        )
        for face in looked.faces
    ]
    photos.add_photo(session, job_id, photos.SeenPhoto(digest, looked.width, looked.height, looked.orientation), faces)


def place_of(region: photos.Region) -> Place:
    """Return a region as results tell it."""
    return Place(
        region.path, region.width, region.height, region.orientation, region.box, region.name, region.said, region.score
    )
