"""Looking: from the bytes of a picture to its faces, cut out, embedded, and named as far as the head in service can."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from familiar.errors import InvalidInput, ModelNotFound, ServingRejected, ServingUnavailable
from familiar.knowing import Decision, Float32, decide, decision
from familiar.seeing import (
    CROP_PX,
    Decoder,
    Observation,
    Observer,
    align,
    decode,
    encode_jpeg,
    orientation,
    resize,
    weigh,
)
from familiar.serving import HeadAnswer, Models

_ATTEMPTS = 3

Meant = Callable[[Collection[str]], Mapping[str, str]]
"""Whom the labels of a head mean at this moment, if anybody who is enrolled."""


@dataclass(frozen=True)
class LookedAt:
    """One face of a picture.

    Attributes:
        box: left, top, width and height as shares of the upright picture.
        observation: what was seen, without the picture.
        weight: how good it is, 0 to 1.
        crop: as JPEG.
        vector: float32[D]; None where the face is too bad to ask about.
        decision: what is said of it.
    """

    box: tuple[float, float, float, float]
    observation: Observation
    weight: float
    crop: bytes
    vector: Float32 | None
    decision: Decision


@dataclass(frozen=True)
class Looked:
    """A picture as it was seen: upright, its size in pixels; ``orientation`` is how it is stored."""

    width: int
    height: int
    orientation: int
    backbone_version: int
    faces: tuple[LookedAt, ...]


@dataclass(frozen=True)
class Named:
    """What one head says of many faces.

    Attributes:
        backbone_version: that the head was made for.
        decisions: one for each face.
    """

    backbone_version: int
    decisions: tuple[Decision, ...]


class Looker:
    """Looks at pictures as recognition does; threads may share it."""

    def __init__(self, decoder: Decoder, observer: Observer, models: Models, max_faces: int) -> None:
        self._decoder = decoder
        self._observer = observer
        self._models = models
        self._max_faces = max_faces

    def look(self, data: bytes, meant: Meant) -> Looked:
        """Return what is on a picture.

        Raises:
            InvalidImage, TooLarge: it cannot be used.
            Unavailable: a part is away; nothing is known of the picture then.
        """
        picture = self._decoder.look_over(data)
        for _ in range(_ATTEMPTS):
            version = self._models.newest_head().meta.backbone_version
            with self._decoder.unpacked(picture) as frame:
                height, width = frame.shape[:2]
                seen = self._observer.observe(frame, self._models.backbone(version).input_px, self._max_faces)
                crops = [encode_jpeg(align(frame, each.face.landmarks, CROP_PX)) for each in seen]
            good = [each.chip for each in seen if not each.reasons]
            try:
                vectors = (
                    self._models.embed(np.asarray(good, np.uint8), version) if good else _none(self._models, version)
                )
                named = self.name(vectors, meant)
            except (ModelNotFound, ServingRejected):
                continue  # the backbone was replaced in between
            if named.backbone_version == version:
                rows, decisions = iter(vectors), iter(named.decisions)
                faces = tuple(
                    LookedAt(
                        _shares(each, width, height),
                        each,
                        float(weigh([each.quality])[0]),
                        crop,
                        None if each.reasons else next(rows),
                        decision.REJECTED if each.reasons else next(decisions),
                    )
                    for each, crop in zip(seen, crops, strict=True)
                )
                return Looked(width, height, orientation(picture.data), version, faces)
        raise ServingUnavailable("the models are being replaced; no head and backbone that fit answered together")

    def name(self, vectors: Float32, meant: Meant) -> Named:
        """Return whom the newest head names for embeddings float32[N, D] by the backbone that it was made for."""
        answer = self._models.identify(vectors)
        candidates = {answer.labels[place] for place in np.unique(answer.index).tolist() if place >= 0}
        return Named(answer.meta.backbone_version, _decisions(answer, meant(candidates)))

    def backbone_version(self) -> int:
        """Return the backbone version that the newest head was made for."""
        return self._models.newest_head().meta.backbone_version

    def see_again(self, crops: Mapping[str, bytes], version: int) -> dict[str, Float32 | None]:
        """Return what another backbone version makes of stored crops, float32[D] by face; None where it sees none."""
        size_px = self._models.backbone(version).input_px
        chips: dict[str, NDArray[np.uint8]] = {}
        for face_id, crop in crops.items():
            try:
                chips[face_id] = resize(decode(crop, self._decoder.limits), size_px)
            except InvalidInput:
                continue
        if not chips:
            return dict.fromkeys(crops)
        vectors = self._models.embed(np.stack(list(chips.values())), version)
        found = dict(zip(chips, vectors, strict=True))
        return {face_id: found.get(face_id) for face_id in crops}


def _none(models: Models, version: int) -> Float32:
    return np.zeros((0, models.backbone(version).dim), np.float32)


def _decisions(answer: HeadAnswer, enrolled: Mapping[str, str]) -> tuple[Decision, ...]:
    rows: Sequence[tuple[list[int], list[float], bool]] = list(
        zip(answer.index.tolist(), answer.score.tolist(), answer.known.tolist(), strict=True)
    )
    return tuple(decide(index, score, known, answer.labels, enrolled) for index, score, known in rows)


def _shares(seen: Observation, width: int, height: int) -> tuple[float, float, float, float]:
    box = seen.face.box
    return (
        round(box.x_min / width, 5), round(box.y_min / height, 5),
        round(box.width / width, 5), round(box.height / height, 5),
    )  # fmt: skip
