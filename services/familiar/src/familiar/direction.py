"""Direction: where a face looks, in a word."""

from enum import StrEnum

# Landmarks of a head held level read some degrees low, because cameras look from above and the head is an average one:
# the median over 200 press pictures is 5 degrees down.
_LEVEL_PITCH_DEG = -5.0
_TURNED_DEG = 12.0
_TILTED_DEG = 8.0


class Direction(StrEnum):
    """Where a face looks; left and right are the person's own."""

    STRAIGHT = "straight"
    LEFT = "left"
    RIGHT = "right"
    UP = "up"
    DOWN = "down"


def direction_of(yaw_deg: float, pitch_deg: float) -> Direction:
    """Return where a face looks, by its more marked turn."""
    turned, tilted = yaw_deg / _TURNED_DEG, (pitch_deg - _LEVEL_PITCH_DEG) / _TILTED_DEG
    if max(abs(turned), abs(tilted)) < 1:
        return Direction.STRAIGHT
    if abs(turned) >= abs(tilted):
        return Direction.LEFT if turned > 0 else Direction.RIGHT
    return Direction.UP if tilted > 0 else Direction.DOWN
