"""Comparison: whether the faces of two pictures are one person's, whoever that is; no head is asked."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar import learning
from familiar.learning import Likeness
from familiar.seeing import Observation, decode, resize
from familiar_gateway.recognizing.recognition import Recognizer, Stopwatch


@dataclass(frozen=True)
class Match:
    """A face of a picture, and how like the one that is looked for it is.

    ``likeness`` is None if one of the two is missing or too bad, or if nothing is known of strangers before this
    backbone.
    """

    face: Observation
    likeness: Likeness | None


@dataclass(frozen=True)
class Comparison:
    """A face compared with those of a picture.

    Attributes:
        face: the one that is looked for, where it is on a picture that was sent; None where there is none.
        matches: the faces of the other picture, the largest first.
    """

    face: Observation | None
    matches: tuple[Match, ...]
    backbone_version: int
    timings_ms: Mapping[str, float]


def compare(recognizer: Recognizer, first: bytes, second: bytes, far_target: float, most: int = 1) -> Comparison:
    """Return how like the largest face of one picture the ``most`` largest of another one are.

    Of strangers the share ``far_target`` is taken for the same person.

    Raises:
        InvalidImage, TooLarge: one of the pictures cannot be used; ``details`` name its ``index``.
        Unavailable: a part is away.
    """
    watch = Stopwatch()
    with watch.stage("total"):
        version, (found, others) = recognizer.see([first, second], most, watch)
        face = found[0] if found else None
        chip = None if face is None or face.reasons else face.chip
        matches = _match(recognizer, chip, others, version, far_target, watch)
    return Comparison(face, matches, version, watch.stages_ms)


def compare_stored(recognizer: Recognizer, crop: bytes, picture: bytes, far_target: float, most: int) -> Comparison:
    """Return how like the face of a sample, of which the ``crop`` is stored, the ``most`` largest of a picture are.

    Raises as ``compare`` does.
    """
    watch = Stopwatch()
    with watch.stage("total"):
        version, (others,) = recognizer.see([picture], most, watch)
        chip = resize(decode(crop, recognizer.decoder.limits), recognizer.models.backbone(version).input_px)
        matches = _match(recognizer, chip, others, version, far_target, watch)
    return Comparison(None, matches, version, watch.stages_ms)


def _match(
    recognizer: Recognizer, chip: NDArray[np.uint8] | None, others: Sequence[Observation], version: int,
    far_target: float, watch: Stopwatch,
) -> tuple[Match, ...]:  # fmt: skip
    meta = recognizer.models.backbone(version)
    cohort = learning.cohort.load(meta.name, meta.dim, meta.metric)
    good = [face.chip for face in others if not face.reasons]
    if chip is None or not good or not cohort.fitted:
        return tuple(Match(face, None) for face in others)
    with watch.stage("embed"):
        first, *rows = recognizer.models.embed(np.stack([chip, *good]), version)
    with watch.stage("decide"):
        likenesses = iter([learning.compare(first, row, cohort, far_target) for row in rows])
    return tuple(Match(face, None if face.reasons else next(likenesses)) for face in others)
