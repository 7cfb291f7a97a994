"""The best-known peer, side by side: the calls that ``face_recognition`` makes to dlib, where dlib is installed."""

from __future__ import annotations

from collections.abc import Sequence
from importlib import metadata
from typing import Any

import numpy as np

from familiar.errors import InvalidInput
from familiar.seeing import decode
from familiar_trainer.evaluation.sight import Sight

_MODELS = "face_recognition_models"


class FaceRecognition:
    """``face_recognition`` 1.3 with its defaults: HOG detector, enlarged once; five landmarks; one 128-d encoding.

    The package itself is a page of calls to dlib; they are made here directly, since importing it needs a module that
    setuptools no longer ships.
    """

    name = "face_recognition (dlib)"
    dim = 128

    def __init__(self) -> None:
        """Load dlib's models.

        Raises:
            ImportError: dlib is not installed.
        """
        import dlib  # type: ignore[import-not-found, import-untyped, unused-ignore]

        self._detect: Any = dlib.get_frontal_face_detector()
        self._landmarks: Any = dlib.shape_predictor(_model("shape_predictor_5_face_landmarks.dat"))
        self._encoder: Any = dlib.face_recognition_model_v1(_model("dlib_face_recognition_resnet_model_v1.dat"))
        self.identity = f"face_recognition-dlib-{dlib.__version__}"

    def see(self, pictures: Sequence[bytes]) -> list[Sight]:
        """Return a sight for each picture; of several faces the one nearest to the middle is taken."""
        return [self._see(data) for data in pictures]

    def _see(self, data: bytes) -> Sight:
        try:
            frame = decode(data)
        except InvalidInput:
            return Sight(0, None, None)
        boxes = self._detect(frame, 1)
        if not boxes:
            return Sight(0, None, None)
        height, width = frame.shape[:2]
        box = min(boxes, key=lambda b: np.hypot(b.left() + b.right() - width, b.top() + b.bottom() - height))
        encoding = self._encoder.compute_face_descriptor(frame, self._landmarks(frame, box), 1)
        return Sight(len(boxes), None, np.asarray(encoding, np.float32))


def _model(name: str) -> str:
    return str(metadata.distribution(_MODELS).locate_file(f"{_MODELS}/models/{name}"))
