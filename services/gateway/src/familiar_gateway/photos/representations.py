"""What the API shows of photo jobs, as JSON values."""

from collections.abc import Mapping, Sequence

from familiar.records import PhotoFace, PhotoFile, photo_faces, photos
from familiar_gateway.web import Json, error, reference, time


def job(told: photos.Summary) -> Json:
    """Show a job with what it has come to; ``progress`` is None until it is known how many pictures there are."""
    row = told.job
    return {
        "id": row.id,
        "folder": row.folder,
        "uploaded": row.uploaded,
        "status": row.stage,
        "progress": min(told.files / row.found, 1.0) if row.found else None if row.found is None else 1.0,
        "pictures": row.found,
        "files": told.files,
        "broken": told.broken,
        "photos": told.photos,
        "faces": told.faces,
        "people": told.people,
        "strangers": told.strangers,
        "write": row.wanted,
        "written": row.written,
        "error": error(row.error_code, row.error_message),
        "created_at": time(row.created_at),
        "ended_at": time(row.ended_at),
    }


def person(group: photo_faces.Group) -> Json:
    """Show somebody known who is on the pictures; ``face`` is their best one."""
    assert group.name is not None  # those of people have one
    return {"person": reference(group.id, {group.id: group.name}), **_counts(group)}


def stranger(group: photo_faces.Group) -> Json:
    """Show somebody whom nobody has named."""
    return {"id": group.id, **_counts(group)}


def face(row: PhotoFace, files: Sequence[str], names: Mapping[str, str]) -> Json:
    """Show a face with the files it is on; the box is in shares of the upright picture."""
    left, top, width, height = row.box
    named = row.person_id is not None and row.person_id in names
    return {
        "id": row.id,
        "files": list(files),
        "box": {"left": left, "top": top, "width": width, "height": height},
        "status": row.status,
        "person": reference(row.person_id or "", names) if named else None,
        "said": row.said,
        "score": None if row.score is None else round(row.score, 4),
        "stranger": row.stranger_id,
        "quality": row.quality,
    }


def file(row: PhotoFile) -> Json:
    """Show a file, with why it was not looked at, if it was not."""
    return {"path": row.path, "code": row.code}


def _counts(group: photo_faces.Group) -> Json:
    return {"faces": group.faces, "photos": group.photos, "face": group.face_id}
