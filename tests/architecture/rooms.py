"""The rooms of the house: what ``docs/architecture.md`` says of them, and what the code does."""

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "architecture.md"
WORDS = "familiar"
"""The room of the modules beside the rooms of the library, which every room may import."""

_ROW = re.compile(r"^\| `([a-z_.]+)` \|([^|]+)\|([^|]*)\|([^|]*)\|$", re.M)
_WORD = re.compile(r"`([a-z_.0-9]+)`")


@dataclass(frozen=True)
class Room:
    """A row of the table of rooms: ``imports`` are rooms, ``packages`` what it knows beside the standard library."""

    name: str
    sentence: str
    imports: frozenset[str]
    packages: frozenset[str]


@dataclass(frozen=True)
class Import:
    """One name that a module takes from another one; of ``import x`` the name is empty."""

    line: int
    module: str
    name: str


@cache
def rooms() -> dict[str, Room]:
    """Return the rooms of the table in ``docs/architecture.md`` by name."""
    return {
        name: Room(name, sentence.strip(), frozenset(_WORD.findall(imports)), frozenset(_WORD.findall(packages)))
        for name, sentence, imports, packages in _ROW.findall(PAGE.read_text())
    }


@cache
def modules() -> dict[str, Path]:
    """Return the file of every module of ours; generated code and migrations are left out."""
    found = {}
    for path in sorted(ROOT.glob("services/*/src/**/*.py")):
        parts = path.with_suffix("").relative_to(ROOT).parts[3:]  # without services/<name>/src
        if "migrations" not in parts and not path.stem.endswith("_pb2"):
            found[".".join(parts).removesuffix(".__init__")] = path
    return found


def room_of(module: str) -> str:
    """Return the room that a module, or a package of ours, lies in: the longest name of the table that it begins with.

    Raises:
        LookupError: it lies in none.
    """
    parts = module.split(".")
    for length in range(len(parts), 0, -1):
        if (name := ".".join(parts[:length])) in rooms():
            return name
    raise LookupError(f"{module} lies in no room of {PAGE.name}")


def is_ours(module: str) -> bool:
    """Whether a module is one of this project."""
    return module.split(".")[0].startswith("familiar")


def imports_of(module: str) -> Iterator[Import]:
    """Yield what a module imports from outside the standard library, also what it imports only later."""
    for node in ast.walk(ast.parse(modules()[module].read_text())):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}:{node.lineno}: imports are absolute here"
            taken = [(node.module or "", alias.name) for alias in node.names]
        elif isinstance(node, ast.Import):
            taken = [(alias.name, "") for alias in node.names]
        else:
            continue
        for source, name in taken:
            if source.split(".")[0] not in sys.stdlib_module_names:
                yield Import(node.lineno, source, name)


def exports_of(room: str) -> set[str]:
    """Return what a room lets out, the names of its ``__all__``; an asterisk for a room that has none."""
    tree = ast.parse(modules()[room].read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", None) == "__all__":
            return set(ast.literal_eval(node.value))
    return {"*"}


def sentence_of(room: str) -> str:
    """Return the first sentence of a room's ``__init__``, without the name of the room before it and the full stop."""
    text = ast.get_docstring(ast.parse(modules()[room].read_text())) or ""
    sentence = re.split(r"\.(?:\s|$)", text, maxsplit=1)[0].replace("\n", " ")
    return sentence.partition(": ")[2] or sentence
