"""Faces that were seen, made up: what tests of sightings and of strangers have in common."""

import time

import numpy as np

from familiar.knowing import Status, normalise
from familiar.records import passes, people, sightings
from familiar.records.engine import Database

DIM = 16


def face(number: int) -> np.ndarray:
    """Return the embedding float32[DIM] of somebody; those of two numbers are hardly alike."""
    return normalise(np.random.default_rng(number).standard_normal(DIM))


def seen(
    number: int = 0, *, ago_s: float = 0.0, camera: str | None = "door", person: str | None = None, weight: float = 0.5,
    request: str = "", of_face: int = 0, others: tuple[str, ...] = (), crop: bytes = b"crop",
) -> passes.Seen:  # fmt: skip
    """Return a face of somebody, seen so long ago."""
    return passes.Seen(
        captured_at=time.time() - ago_s,
        camera=camera,
        status=Status.KNOWN if person else Status.UNKNOWN,
        person_id=person,
        score=0.9 if person else None,
        candidates=[(each, 0.5) for each in (*filter(None, [person]), *others)],
        head_version=1,
        backbone_version=1,
        vector=face(number),
        alike=0.9,
        weight=weight,
        request_id=request or f"{number}-{ago_s}-{weight}",
        face=of_face,
        box=(0.0, 0.0, 9.0, 9.0),
        quality={"sharpness": 3.0},
        crop=lambda: crop,
    )


def keep(database: Database, *faces: passes.Seen) -> None:
    """Keep faces, each as it would be alone."""
    for each in faces:
        database.retry(lambda session, each=each: passes.keep(session, [each]))


def everybody(database: Database, **wanted: object) -> list[sightings.Sighting]:
    """Return the sightings that fit, the newest first."""
    with database.read() as session:
        return sightings.page(session, sightings.Wanted(**wanted), 10_000)  # type: ignore[arg-type]


def enrolled(database: Database, name: str) -> str:
    """Return the id of a new person."""
    with database.write() as session:
        return people.add(session, name).id
