"""The system's own way from bytes to an embedding, and the whole-frame way of the original idea."""

from __future__ import annotations

import hashlib
import inspect
from collections.abc import Callable, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.errors import InvalidInput
from familiar.seeing import Detector, Frame, Observation, Observer, Quality, align, decode, detectors
from familiar_trainer.backbones import Backbone
from familiar_trainer.evaluation.sight import Float32, Sight
from familiar_trainer.tf_runtime import freeze, load_tensorflow

_BATCH = 16
_FACES = 64
"""Most faces looked at in one picture, as the system's default."""

Chooser = Callable[[Frame, Sequence[Observation]], Observation]


class Embedder:
    """A backbone as the frozen graph that is exported, so that its answers are those of Serving."""

    def __init__(self, backbone: Backbone) -> None:
        self.meta = backbone.meta
        self._backbone = backbone
        self._function: Any = None

    def embed(self, chips: NDArray[np.uint8]) -> Float32:
        """Return float32[N, D] of ``chips`` uint8[N, S, S, 3]; the graph is built at the first call."""
        tf = load_tensorflow()
        if self._function is None:
            size = self.meta.input_px
            predict = tf.function(self._backbone.build().embed, autograph=False)
            self._function = freeze(predict.get_concrete_function(tf.TensorSpec((None, size, size, 3), tf.uint8)))
        rows = [np.zeros((0, self.meta.dim), np.float32)]
        for start in range(0, len(chips), _BATCH):
            answer = self._function(tf.constant(chips[start : start + _BATCH]))
            rows.append((answer[0] if isinstance(answer, list | tuple) else answer).numpy())
        return np.concatenate(rows)


class AlignedFaces:
    """Decode, find, align, judge, embed: what happens to a picture in the system."""

    def __init__(
        self, embedder: Embedder, detector: Detector | None = None, subject: str = "central", judged: bool = True
    ) -> None:
        """Put the parts together.

        Args:
            embedder: the backbone.
            detector: the product's if not given.
            subject: whose face a picture with several shows: the ``central`` one or the ``largest``.
            judged: whether quality is kept; it is no matter of a backbone that is only compared with.
        """
        self._embedder = embedder
        self._observer = Observer(detector or detectors.create("yunet"))
        self._choose: Chooser = {"central": central, "largest": largest}[subject]
        self._judged = judged
        meta, found = embedder.meta, self._observer.detector
        self.name = f"{meta.name}, aligned faces"
        judges = (inspect.getmodule(Quality),) if judged else ()
        self.identity = _digest(
            "aligned",
            meta.to_json(),
            found.name,
            subject,
            *_sources(decode, inspect.getmodule(align), Observer, type(found).__mro__[-2], central, largest, *judges),
        )
        self.dim = meta.dim

    def see(self, pictures: Sequence[bytes]) -> list[Sight]:
        """Return a sight for each picture; one that cannot be decoded shows no face."""
        return self.see_frames([_decode(data) for data in pictures])

    def see_frames(self, frames: Sequence[Frame | None]) -> list[Sight]:
        """Return a sight for each frame uint8[H, W, 3]."""
        found = [self.observe(frame) if frame is not None else (0, None) for frame in frames]
        chips = [face.chip for _, face in found if face is not None]
        embeddings = iter(self._embedder.embed(np.stack(chips)) if chips else ())
        return [
            Sight(faces, face.quality if self._judged else None, next(embeddings))
            if face is not None
            else Sight(faces, None, None)
            for faces, face in found
        ]

    def observe(self, frame: Frame) -> tuple[int, Observation | None]:
        """Return how many faces there are, and the subject's."""
        faces = self._observer.observe(frame, self._embedder.meta.input_px, _FACES)
        return len(faces), self._choose(frame, faces) if faces else None


class WholeFrames:
    """The original idea: the whole frame, scaled to the backbone's input; no face is looked for."""

    def __init__(self, embedder: Embedder) -> None:
        self._embedder = embedder
        self.name = f"{embedder.meta.name}, whole frames"
        self.identity = _digest("frames", embedder.meta.to_json(), *_sources(decode))
        self.dim = embedder.meta.dim

    def see(self, pictures: Sequence[bytes]) -> list[Sight]:
        """Return a sight for each picture."""
        frames = [_decode(data) for data in pictures]
        side = self._embedder.meta.input_px
        chips = [cv2.resize(frame, (side, side), interpolation=cv2.INTER_AREA) for frame in frames if frame is not None]
        embeddings = iter(self._embedder.embed(np.stack(chips).astype(np.uint8)) if chips else ())
        return [Sight(1, None, next(embeddings)) if frame is not None else Sight(0, None, None) for frame in frames]


def central(frame: Frame, faces: Sequence[Observation]) -> Observation:
    """Return the face nearest to the middle of ``frame``."""
    height, width = frame.shape[:2]
    return min(
        faces,
        key=lambda face: np.hypot(
            face.face.box.x_min + face.face.box.x_max - width, face.face.box.y_min + face.face.box.y_max - height
        ),
    )


def largest(_: Frame, faces: Sequence[Observation]) -> Observation:
    """Return the first face: they come the largest first."""
    return faces[0]


def _decode(data: bytes) -> Frame | None:
    try:
        return decode(data)
    except InvalidInput:
        return None


def _sources(*parts: Any) -> list[str]:
    return [inspect.getsource(part) for part in parts]


def _digest(*parts: str) -> str:
    return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:32]
