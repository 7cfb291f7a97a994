"""The code keeps to the table of rooms in ``docs/architecture.md``."""

import importlib
import re
import subprocess
import sys
from graphlib import CycleError, TopologicalSorter

import pytest

from architecture.drawing import arrows, floors
from architecture.rooms import (
    ROOT,
    WORDS,
    exports_of,
    imports_of,
    is_ours,
    modules,
    room_of,
    rooms,
    sentence_of,
)

_DIVIDED = ("familiar", "familiar_gateway")
"""Packages whose sub-packages are rooms of their own; elsewhere the whole package is one room."""


def test_every_package_that_could_be_a_room_is_in_the_table_and_no_other() -> None:
    services = {path.name for path in ROOT.glob("services/*/src/*") if (path / "__init__.py").exists()}
    inside = {
        f"{name}.{path.parent.name}" for name in _DIVIDED for path in (modules()[name].parent).glob("*/__init__.py")
    }
    assert set(rooms()) == services | inside


@pytest.mark.parametrize("room", rooms())
def test_a_room_says_in_the_table_what_it_says_of_itself(room: str) -> None:
    assert rooms()[room].sentence == sentence_of(room)


@pytest.mark.parametrize("module", modules())
def test_a_module_imports_what_its_room_may(module: str) -> None:
    here = rooms()[room_of(module)]
    for each in imports_of(module):
        place = f"{module}:{each.line} imports {each.module} {each.name}"
        if not is_ours(each.module):
            assert each.module.split(".")[0] in here.packages, f"{place}, a package that {here.name} does not know"
            continue
        whole = f"{each.module}.{each.name}" if f"{each.module}.{each.name}" in modules() else each.module
        there = room_of(whole)
        if there in (here.name, WORDS):
            continue
        assert there in here.imports, f"{place}, but {here.name} may not import {there}"
        exported = exports_of(there)
        through_the_door = "*" in exported or whole == there or (each.module == there and each.name in exported)
        assert through_the_door, f"{place}: import it from {there}, whose __init__ lets out {sorted(exported)}"


@pytest.mark.parametrize("room", [name for name in rooms() if name.startswith("familiar.")])
def test_a_room_lets_out_what_others_use_and_nothing_else(room: str) -> None:
    exported = exports_of(room)
    door = importlib.import_module(room)
    for name in exported:
        assert hasattr(door, name) or importlib.import_module(f"{room}.{name}")
    taken = [each for module in modules() if room_of(module) != room for each in imports_of(module)]
    used = {each.name for each in taken if each.module == room}
    if any(f"{each.module}.{each.name}" == room for each in taken):  # taken as a whole, and asked by a dot
        outside = "".join(path.read_text() for module, path in modules().items() if room_of(module) != room)
        used |= set(re.findall(r"\.(\w+)", outside))
    assert exported - used == set()


def test_rooms_import_each_other_one_way() -> None:
    below = {room.name: room.imports for room in rooms().values()}
    assert set(TopologicalSorter(below).static_order()) == set(rooms())  # a circle raises CycleError, and is named


def test_a_circle_of_rooms_is_found() -> None:
    with pytest.raises(CycleError):
        floors({"a": {"b"}, "b": {"a"}})


@pytest.mark.parametrize("room", rooms())
def test_the_table_allows_no_more_than_is_used(room: str) -> None:
    assert rooms()[room].imports - arrows()[room] == set(), "nobody there imports this any more"
    known = {
        each.module.split(".")[0]
        for module in modules()
        if room_of(module) == room
        for each in imports_of(module)
        if not is_ours(each.module)
    }
    assert rooms()[room].packages - known == set(), "nobody there imports this any more"


def test_knowing_and_learning_bring_in_no_pixel_no_database_no_queue_and_no_socket() -> None:
    code = (
        "import sys, familiar.knowing, familiar.learning;"
        "found = {'cv2', 'sqlalchemy', 'redis', 'rq', 'grpc', 'flask', 'tensorflow'} & set(sys.modules);"
        "assert not found, found"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_the_library_never_brings_in_tensorflow() -> None:
    code = (
        "import sys, pkgutil, importlib, familiar;"
        "[importlib.import_module(m.name) for m in pkgutil.walk_packages(familiar.__path__, 'familiar.')"
        " if 'migrations' not in m.name];"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=120)
