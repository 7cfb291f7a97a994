"""Photos and the faces on them, as a sorter has found them."""

import hashlib

import numpy as np

from familiar.knowing import Status
from familiar.records.photos import FoundFace, SeenPhoto


def face(seed: int, person_id: str | None = None, weight: float = 0.5) -> FoundFace:
    vector = np.random.default_rng(seed).standard_normal(8).astype(np.float32)
    status = Status.KNOWN if person_id else Status.UNKNOWN
    return FoundFace(
        (0.1, 0.2, 0.3, 0.4), {"yaw_deg": 1.0}, weight, b"crop%d" % seed, 1, vector, status, person_id, 0.9
    )


def photo(name: str) -> SeenPhoto:
    return SeenPhoto(hashlib.sha256(name.encode()).hexdigest(), 400, 300, 1)
