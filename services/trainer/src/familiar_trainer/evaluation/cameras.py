"""Cameras: the same pictures as worse cameras would take them, of whose faces nobody has fitted anything."""

from __future__ import annotations

import hashlib
import inspect
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from familiar.errors import InvalidInput
from familiar.seeing import Frame, decode
from familiar_trainer.evaluation.cache import SightCache
from familiar_trainer.evaluation.pictures import People
from familiar_trainer.evaluation.pipelines import AlignedFaces
from familiar_trainer.evaluation.sight import Sight, Sights

_MOST_PICTURES = 30
_LEAST_PICTURES = 11
_STRANGERS = 1_200

_TINT = (1.15, 1.0, 0.7)
_DARK, _NOISE = 0.35, 3.0
_CONTRAST, _GREY = 0.4, 80.0


def tinted(frame: Frame) -> Frame:
    """Return ``frame`` under a lamp whose yellow the camera does not take off."""
    return _pixels(frame * np.array(_TINT, np.float32))


def dark(frame: Frame) -> Frame:
    """Return ``frame`` in a third of the light, with a sensor's noise; the same for the same frame."""
    noise = np.random.default_rng(int(frame[::16, ::16].sum())).normal(0, _NOISE, frame.shape)
    return _pixels(frame * _DARK + noise)


def low_contrast(frame: Frame) -> Frame:
    """Return ``frame`` as through a dirty pane."""
    return _pixels(frame * _CONTRAST + _GREY)


CAMERAS: Mapping[str, Callable[[Frame], Frame]] = {"tinted": tinted, "dark": dark, "low contrast": low_contrast}


def chosen(people: People) -> list[int]:
    """Return places of pictures that suffice: all of people who can be enrolled, and one each of many strangers."""
    able = [mine for mine in people.of.values() if _LEAST_PICTURES <= len(mine) <= _MOST_PICTURES]
    others = [mine[0] for mine in people.of.values() if len(mine) < _LEAST_PICTURES]
    return sorted([place for mine in able for place in mine] + others[:: max(1, len(others) // _STRANGERS)])


def look(pipeline: AlignedFaces, cache: SightCache, people: People, places: Sequence[int], camera: str) -> Sights:
    """Return what ``pipeline`` sees on the pictures of ``people`` at ``places``, as ``camera`` shows them."""
    source = inspect.getsource(sys.modules[__name__])
    identity = hashlib.sha256(f"{pipeline.identity}\0{camera}\0{source}".encode()).hexdigest()[:32]
    pictures = [people.pictures[place] for place in places]

    def see(wanted: list[int]) -> list[Sight]:
        return pipeline.see_frames([_frame(pictures[at].path.read_bytes(), CAMERAS[camera]) for at in wanted])

    sights = cache.recall(identity, [picture.content for picture in pictures], see)
    return Sights.of(pipeline, len(people.pictures), dict(zip(places, sights, strict=True)))


def _frame(data: bytes, change: Callable[[Frame], Frame]) -> Frame | None:
    try:
        return change(decode(data))
    except InvalidInput:
        return None


def _pixels(values: NDArray[np.floating[Any]]) -> Frame:
    return np.clip(np.rint(values), 0, 255).astype(np.uint8)
