"""The pictures of ``docs/architecture``: the rooms with what they import, and two walks through them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from graphlib import TopologicalSorter
from textwrap import wrap

from architecture.picture import ACCENT, INK, SOFT, Picture
from architecture.rooms import WORDS, imports_of, is_ours, modules, room_of, rooms
from architecture.steps import steps_back, without_repeats

_WIDTH, _MARGIN, _GAP = 1280.0, 16.0, 14.0
_LINE, _LETTER = 13.0, 5.6
_FILLS = {"familiar": "#ecfdf5", "familiar_gateway": "#eff6ff"}
_OTHER_FILL = "#f9fafb"
_LANE, _LANES_FROM = 19.0, 190.0


def arrows() -> dict[str, set[str]]:
    """Return for each room the others that its modules import, the words left out: they are everybody's."""
    found: dict[str, set[str]] = {name: set() for name in rooms()}
    for module in modules():
        for each in imports_of(module):
            if is_ours(each.module):
                whole = f"{each.module}.{each.name}"
                there = room_of(whole if whole in modules() else each.module)
                if there not in (room_of(module), WORDS):
                    found[room_of(module)].add(there)
    return found


def floors(below: Mapping[str, set[str]]) -> list[list[str]]:
    """Return rooms by floor, the top one first: each stands above all that it imports.

    Raises:
        CycleError: rooms import each other in a circle, which it names.
    """
    height: dict[str, int] = {}
    for name in TopologicalSorter(below).static_order():
        height[name] = 1 + max((height[other] for other in below[name]), default=0)
    height[WORDS] = height[WORDS] if below[WORDS] else 0
    return [[name for name in below if height[name] == level] for level in range(max(height.values()), -1, -1)]


def rooms_picture() -> str:
    """Draw the rooms, floor by floor; an arrow that others already imply is left out."""
    below = arrows()
    levels = [level for level in floors(below) if level]
    shown = {name: _unimplied(name, below) for name in below}
    cards = {
        name: _Card.of(name, (_WIDTH - 2 * _MARGIN + _GAP) / len(level) - _GAP) for level in levels for name in level
    }
    heights = [max(cards[name].height for name in level) for level in levels]
    picture = Picture(_WIDTH, sum(heights) + 44 * (len(levels) - 1) + 2 * _MARGIN, "The rooms and what they import")
    y = _MARGIN
    for level, height in zip(levels, heights, strict=True):
        for place, name in enumerate(level):
            cards[name].put(_MARGIN + place * (cards[name].width + _GAP), y, height)
        y += height + 44
    for name, others in shown.items():
        for other in sorted(others):
            picture.arrow(cards[name].foot(cards[other]), cards[other].top(cards[name]))
    for card in cards.values():
        card.draw(picture)
    return picture.render()


def _unimplied(name: str, below: Mapping[str, set[str]]) -> set[str]:
    def reach(start: str) -> set[str]:
        return set().union(*({other} | reach(other) for other in below[start]))

    return {other for other in below[name] if not any(other in reach(third) for third in below[name] - {other})}


@dataclass
class _Card:
    name: str
    width: float
    lines: list[str]
    x: float = 0.0
    y: float = 0.0
    floor_height: float = 0.0

    @classmethod
    def of(cls, name: str, width: float) -> "_Card":
        inside = [module.removeprefix(f"{name}.") for module in modules() if room_of(module) == name and module != name]
        packages = {each.partition(".")[0] for each in inside if "." in each}
        shown = [each + "/" * (each in packages) for each in inside if "." not in each and not each.startswith("__")]
        return cls(name, width, wrap(" · ".join(shown), int((width - 20) / _LETTER)))

    @property
    def height(self) -> float:
        return 30 + _LINE * len(self.lines)

    def put(self, x: float, y: float, floor_height: float) -> None:
        self.x, self.y, self.floor_height = x, y, floor_height

    def foot(self, to: "_Card") -> tuple[float, float]:
        return self._towards(to), self.y + self.floor_height

    def top(self, since: "_Card") -> tuple[float, float]:
        return self._towards(since), self.y

    def _towards(self, other: "_Card") -> float:
        middle, away = self.x + self.width / 2, other.x + other.width / 2 - self.x - self.width / 2
        return middle + max(-0.4, min(0.4, away / _WIDTH)) * self.width

    def draw(self, picture: Picture) -> None:
        picture.box(self.x, self.y, self.width, self.floor_height, _FILLS.get(self.name.split(".")[0], _OTHER_FILL))
        title = "words" if self.name == WORDS else self.name
        picture.text(self.x + 10, self.y + 19, title, 13, bold=True)
        for number, line in enumerate(self.lines):
            picture.text(self.x + 10, self.y + 35 + _LINE * number, line, 10.5, SOFT)


def walks_picture(walks: Mapping[str, Sequence[str]]) -> str:
    """Draw walks, each given by the modules it enters in order, as lines from room to room."""
    sheets = {name: without_repeats([room_of(module) for module in steps]) for name, steps in walks.items()}
    lanes = {name: list(dict.fromkeys(steps)) for name, steps in sheets.items()}
    height = sum(60 + _LANE * len(each) for each in lanes.values()) + _MARGIN
    picture = Picture(_WIDTH, height, "Two walks through the rooms")
    y = _MARGIN
    for name, steps in sheets.items():
        picture.text(_MARGIN, y + 16, f"{name}: {summary(walks[name])}", 14, bold=True)
        y += 32
        at = {room: y + _LANE * place + _LANE / 2 for place, room in enumerate(lanes[name])}
        for room, middle in at.items():
            picture.line([(_LANES_FROM, middle), (_WIDTH - _MARGIN, middle)], "#e5e7eb", 1)
            picture.text(_MARGIN, middle + 4, "words" if room == WORDS else room, 11, INK)
        pace = (_WIDTH - _MARGIN - _LANES_FROM - 10) / max(len(steps), 1)
        points = [(_LANES_FROM + 8 + pace * number, at[room]) for number, room in enumerate(steps)]
        picture.line(points, ACCENT, 1.2)
        for x, middle in points:
            picture.dot(x, middle)
        y += _LANE * len(at) + 28
    return picture.render()


def summary(steps: Sequence[str]) -> str:
    """Return how many modules and rooms a walk enters and how often it steps back into one it had left."""
    in_rooms = [room_of(module) for module in steps]
    return (
        f"{len(set(steps))} modules entered, {steps_back(steps)} steps back; "
        f"{len(set(in_rooms))} rooms entered, {steps_back(in_rooms)} steps back"
    )
