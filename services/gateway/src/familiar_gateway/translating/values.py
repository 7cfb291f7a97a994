"""Values: how clients of others write numbers, and what they expect to read."""

import math

from familiar.seeing import Box
from familiar_gateway.web import Json


def share(text: str) -> float | None:
    """Return the number from 0 to 1 that a text is, None if it is none."""
    try:
        value = float(text)
    except ValueError:
        return None
    return value if math.isfinite(value) and 0.0 <= value <= 1.0 else None


def pixels(box: Box) -> Json:
    """Show a rectangle in whole pixels, none of which is left of or above the picture."""
    return {name: max(0, round(getattr(box, name))) for name in ("x_min", "y_min", "x_max", "y_max")}
