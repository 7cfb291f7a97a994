"""Coaching: what the person before the camera should do next, from what was kept and why the last frame was not."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from familiar.direction import Direction, direction_of
from familiar.reason import Reason

_SHARE_WANTED = 0.06
_LEAST_WANTED = 2


class Advice(StrEnum):
    """What to do next; the words are part of the API."""

    LOOK_STRAIGHT = "look_straight"
    TURN_LEFT = "turn_left"
    TURN_RIGHT = "turn_right"
    LOOK_UP = "look_up"
    LOOK_DOWN = "look_down"
    KEEP_MOVING = "keep_moving"
    COME_CLOSER = "come_closer"
    HOLD_STILL = "hold_still"
    MORE_LIGHT = "more_light"
    LESS_LIGHT = "less_light"
    FACE_CAMERA = "face_camera"
    MOVE_INTO_VIEW = "move_into_view"
    BE_ALONE = "be_alone"
    FINISH = "finish"


_HINTS: Mapping[Advice, str] = {
    Advice.LOOK_STRAIGHT: "look straight into the camera",
    Advice.TURN_LEFT: "turn your head to your left",
    Advice.TURN_RIGHT: "turn your head to your right",
    Advice.LOOK_UP: "raise your chin a little",
    Advice.LOOK_DOWN: "lower your chin a little",
    Advice.KEEP_MOVING: "turn your head slowly in a circle",
    Advice.COME_CLOSER: "come closer to the camera",
    Advice.HOLD_STILL: "hold still for a moment: the picture is blurred",
    Advice.MORE_LIGHT: "too dark: turn towards a light",
    Advice.LESS_LIGHT: "too bright: turn away from the light",
    Advice.FACE_CAMERA: "turned too far: turn back towards the camera",
    Advice.MOVE_INTO_VIEW: "move your whole face into the picture",
    Advice.BE_ALONE: "only one person may be in the picture",
    Advice.FINISH: "done: there is enough to learn from",
}

_REMEDY: Mapping[str, Advice] = {
    Reason.TOO_SMALL: Advice.COME_CLOSER,
    Reason.BLURRED: Advice.HOLD_STILL,
    Reason.TOO_DARK: Advice.MORE_LIGHT,
    Reason.TOO_BRIGHT: Advice.LESS_LIGHT,
    Reason.TURNED_AWAY: Advice.FACE_CAMERA,
    Reason.CUT_OFF: Advice.MOVE_INTO_VIEW,
    Reason.NO_FACE: Advice.MOVE_INTO_VIEW,
    Reason.SEVERAL_FACES: Advice.BE_ALONE,
}

_TOWARDS: Mapping[Direction, Advice] = {
    Direction.STRAIGHT: Advice.LOOK_STRAIGHT,
    Direction.LEFT: Advice.TURN_LEFT,
    Direction.RIGHT: Advice.TURN_RIGHT,
    Direction.UP: Advice.LOOK_UP,
    Direction.DOWN: Advice.LOOK_DOWN,
}


@dataclass(frozen=True)
class Coaching:
    """The next advice and its sentence, with how many samples look where."""

    advice: Advice
    hint: str
    poses: Mapping[str, int]


def spread(poses: Iterable[tuple[float, float]]) -> dict[str, int]:
    """Return how many of ``poses`` (yaw, pitch in degrees) look in each direction; all directions are named."""
    counts = Counter(direction_of(yaw, pitch) for yaw, pitch in poses)
    return {direction.value: counts[direction] for direction in Direction}


def coach(poses: Mapping[str, int], usable: int, wanted: int, last_reasons: Sequence[str]) -> Coaching:
    """Return what to do next.

    Args:
        poses: samples kept so far by direction, see ``spread``.
        usable: frames so far that showed a good face, near copies included.
        wanted: usable frames that make the capture complete.
        last_reasons: why the last frame was not kept; empty if it was, or if there was none.
    """
    advice = _advise(poses, usable, wanted, last_reasons)
    return Coaching(advice, _HINTS[advice], poses)


def _advise(poses: Mapping[str, int], usable: int, wanted: int, last_reasons: Sequence[str]) -> Advice:
    if usable >= wanted:
        return Advice.FINISH
    for reason in last_reasons:
        if reason in _REMEDY:
            return _REMEDY[reason]
    needed = max(_LEAST_WANTED, round(_SHARE_WANTED * wanted))
    for direction in Direction:  # straight first, then round
        if poses[direction] < needed:
            return _TOWARDS[direction]
    return Advice.KEEP_MOVING
