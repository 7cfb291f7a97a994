"""An ageing camera: over the months its light gets less, its pane dirty, and its lens slips out of focus."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Sequence

import cv2
import numpy as np

from familiar.errors import InvalidInput
from familiar.seeing import Frame, decode
from familiar_trainer.evaluation.cache import SightCache
from familiar_trainer.evaluation.pictures import Picture
from familiar_trainer.evaluation.pipelines import AlignedFaces
from familiar_trainer.evaluation.sight import Sight, Sights

_LIGHT_LOST, _CONTRAST_LOST, _VEIL = 0.6, 0.4, 40.0
_BLUR_PX = 2.0
"""Of a frame of 250 pixels, whose eyes are some 40 apart."""
_NOISE = 3.0
_STEPS = 20
"""Ages that are told apart."""


def aged(frame: Frame, age: float) -> Frame:
    """Return ``frame`` as the camera shows it at an ``age`` from 0, new, to 1; the same for the same frame."""
    if age <= 0:
        return frame
    noise = np.random.default_rng(int(frame[::16, ::16].sum())).normal(0, _NOISE, frame.shape)
    soft = cv2.GaussianBlur(frame, (0, 0), _BLUR_PX * age * frame.shape[1] / 250).astype(np.float32)
    veiled = soft * (1 - _CONTRAST_LOST * age) + _VEIL * age
    return np.clip(np.rint(veiled * (1 - _LIGHT_LOST * age) + noise), 0, 255).astype(np.uint8)


def look(pipeline: AlignedFaces, cache: SightCache, pictures: Sequence[Picture], ages: Sequence[float]) -> Sights:
    """Return what ``pipeline`` sees on each of ``pictures``, taken by the camera at the age beside it."""
    source = inspect.getsource(sys.modules[__name__])
    identity = hashlib.sha256(f"{pipeline.identity}\0{source}".encode()).hexdigest()[:32]
    steps = [round(_STEPS * age) for age in ages]

    def see(wanted: list[int]) -> list[Sight]:
        return pipeline.see_frames([_frame(pictures[at].path.read_bytes(), steps[at] / _STEPS) for at in wanted])

    contents = [f"{picture.content} {step}" for picture, step in zip(pictures, steps, strict=True)]
    return Sights.of(pipeline, len(pictures), dict(enumerate(cache.recall(identity, contents, see))))


def _frame(data: bytes, age: float) -> Frame | None:
    try:
        return aged(decode(data), age)
    except InvalidInput:
        return None
