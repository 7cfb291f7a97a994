"""Embedding maths: rows are faces, compared by the cosine of the angle between them."""

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]


def normalise(rows: Float32) -> Float32:
    """Return ``rows`` [..., D] scaled to length 1; a row of zeros or non-finite values becomes zeros."""
    rows = np.asarray(rows, np.float32)
    length = np.linalg.norm(rows, axis=-1, keepdims=True)
    usable = np.isfinite(length) & (length > 0)
    return np.where(usable, rows / np.where(usable, length, 1.0), 0.0).astype(np.float32)


def class_mean(rows: Float32) -> Float32:
    """Return the direction float32[D] of the mean of ``rows`` [N, D], each row counting the same."""
    if len(rows) == 0:
        raise ValueError("a class mean needs at least one embedding")
    return normalise(normalise(rows).mean(axis=0))


def is_near_copy(row: Float32, others: Float32, threshold: float) -> bool:
    """Whether ``row`` [D] is closer than ``threshold`` (cosine) to any of ``others`` [N, D], all L2-normalised."""
    return len(others) > 0 and bool((others @ row).max() >= threshold)


def to_blob(row: Float32) -> bytes:
    """Return ``row`` [D] as little-endian float32 bytes, the form in the database."""
    return np.ascontiguousarray(row, dtype="<f4").tobytes()


def from_blob(blob: bytes) -> Float32:
    """Read what ``to_blob`` wrote."""
    return np.frombuffer(blob, dtype="<f4").astype(np.float32)
