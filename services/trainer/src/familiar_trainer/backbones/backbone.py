"""What every backbone has in common."""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeAlias

from familiar.errors import FamiliarError
from familiar.servable import BackboneMeta

if TYPE_CHECKING:
    import tensorflow as tf

Embedder: TypeAlias = "Callable[[tf.Tensor], tf.Tensor]"
"""``image uint8[N,S,S,3] RGB -> embedding float32[N,D]``, L2-normalised, preprocessing included."""


class BackboneError(FamiliarError):
    """A backbone is unknown, or its weights are absent or not what they should be."""

    code = "backbone_unusable"


@dataclass(frozen=True)
class Looks:
    """The ways in which a backbone looks at faces.

    Attributes:
        embed: as closely as it can.
        glance: at the face alone, in less time, where ``embed`` takes the mean, brought to length 1, of that and of the
            same for its mirror image; None if it does not.
    """

    embed: Embedder
    glance: Embedder | None = None


@dataclass(frozen=True)
class Backbone:
    """A frozen feature extractor: what it says of itself, and how to build it (which imports TensorFlow)."""

    meta: BackboneMeta
    build: Callable[[], Looks]


def normalised(rows: Any) -> tf.Tensor:
    """Return ``rows`` float32[N,D] scaled to length 1 inside the graph; a row of zeros stays zeros."""
    import tensorflow as tf

    return tf.math.l2_normalize(rows, axis=-1)


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, or of all files of a folder with their relative names, in hexadecimal."""
    if path.is_file():
        with path.open("rb") as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    digest = hashlib.sha256()
    for file_path in sorted(p for p in path.rglob("*") if p.is_file()):
        digest.update(f"{file_path.relative_to(path).as_posix()}\0{sha256_of(file_path)}\n".encode())
    return digest.hexdigest()
