"""The pictures in ``docs/architecture`` are what the code gives; where one is not, ``make rooms`` draws it anew."""

import json

from architecture.drawing import arrows, floors, rooms_picture, walks_picture
from architecture.rooms import PAGE, modules
from architecture.steps import steps_back, without_repeats

_FOLDER = PAGE.with_suffix("")


def test_the_picture_of_the_rooms_is_true() -> None:
    true = (_FOLDER / "rooms.svg").read_text() == rooms_picture()
    assert true, "rooms, modules or imports have changed: run `make rooms`"


def test_the_picture_of_the_walks_shows_the_walks() -> None:
    walks = json.loads((_FOLDER / "walks.json").read_text())
    assert (_FOLDER / "walks.svg").read_text() == walks_picture(walks), "run `make rooms`"
    assert {module for steps in walks.values() for module in steps} <= set(modules()) | {
        f"{module}.__init__" for module in modules()
    }


def test_every_room_stands_above_all_that_it_imports() -> None:
    height = {name: -number for number, level in enumerate(floors(arrows())) for name in level}
    assert all(height[name] > height[other] for name, others in arrows().items() for other in others)


def test_a_round_walked_again_at_once_counts_once() -> None:
    assert without_repeats("xabcabcabcy") == list("xabcy")
    assert without_repeats("aabb") == list("ab")
    assert steps_back("abca") == 1
    assert steps_back("aab") == 0
