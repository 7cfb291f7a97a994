"""Choosing: which face of a picture a request means, by its index among all or by a point on it."""

import math
from collections.abc import Sequence
from typing import Any

from familiar.errors import Conflict, InvalidInput
from familiar.seeing import Box, Choice
from familiar_gateway.web import Json

_MOST = 1_000_000


def of(said: object) -> Choice | None:
    """Return what a form, a query or JSON says: an index, or a point as ``412,230`` or an object with ``x`` and ``y``.

    Raises:
        InvalidInput: it says something else.
    """
    return _of_text(said) if isinstance(said, str) else _of_value(said)


def _of_text(text: str) -> Choice:
    if text.isascii() and text.isdigit() and len(text) < 7:
        return int(text)
    try:
        x, y = (float(each) for each in text.split(","))
    except ValueError as exc:
        raise _unusable(text) from exc
    return _point(x, y, text)


def _of_value(value: Any) -> Choice | None:
    if value is None or (isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST):
        return value
    x, y = (value.get("x"), value.get("y")) if isinstance(value, dict) and len(value) == 2 else (None, None)
    if isinstance(x, bool) or isinstance(y, bool) or not isinstance(x, int | float) or not isinstance(y, int | float):
        raise _unusable(value)
    return _point(x, y, value)


def choose_one(boxes: Sequence[Box]) -> Conflict:
    """Return the error that a picture shows several faces of which one has to be chosen, and where they are."""
    return Conflict(
        f"the picture shows {len(boxes)} faces: send it again with face, the index of one of them or a point on it",
        code="several_faces",
        faces=[{"index": index, "box": _shown(box)} for index, box in enumerate(boxes)],
    )


def _shown(box: Box) -> Json:
    return {name: round(getattr(box, name), 1) for name in ("x_min", "y_min", "x_max", "y_max")}


def _point(x: float, y: float, said: object) -> Choice:
    if not (math.isfinite(x) and math.isfinite(y)):
        raise _unusable(said)
    return float(x), float(y)


def _unusable(said: object) -> InvalidInput:
    return InvalidInput(
        f"'face' must be the index of a face, counted from 0, or a point on it (x,y in pixels), got {said!r:.50}",
        code="invalid_field",
        field="face",
    )
