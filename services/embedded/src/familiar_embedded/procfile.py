"""The Procfile: which programs make up the system, one ``name: command`` a line."""

import re
import shlex
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from string import Template

from familiar_embedded.errors import EmbeddedError

_LINE = re.compile(r"(?P<name>[A-Za-z0-9_-]+):\s*(?P<command>\S.*)")
_PREPARE = "prepare-"


@dataclass(frozen=True)
class Entry:
    """One line: a name and the words of its command, in which ``$NAMES`` are still to be filled in.

    A step runs to its end before the services start.
    """

    name: str
    words: tuple[str, ...]
    is_step: bool

    def argv(self, env: Mapping[str, str]) -> list[str]:
        """Return the command with its names filled in; a value is one word whatever it holds.

        Raises:
            EmbeddedError: a name is not in ``env``.
        """
        try:
            return [Template(word).substitute(env) for word in self.words]
        except (KeyError, ValueError) as exc:
            raise EmbeddedError(f"Procfile, {self.name}: cannot fill in {exc}") from exc


def read(path: Path) -> tuple[Entry, ...]:
    """Read a Procfile; the order is that of starting.

    Raises:
        EmbeddedError: it is missing, has a line that is not ``name: command``, or a name twice.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError as exc:
        raise EmbeddedError(
            f"{path}: {exc.strerror}; run from the repository's folder, or name it by --procfile"
        ) from exc
    entries: dict[str, Entry] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise EmbeddedError(f"{path}:{number}: 'name: command' expected, not {line.strip()!r}")
        if match["name"] in entries:
            raise EmbeddedError(f"{path}:{number}: there are two lines named {match['name']!r}")
        words = tuple(shlex.split(match["command"]))
        name = match["name"].removeprefix(_PREPARE)
        entries[match["name"]] = Entry(name, words, is_step=name != match["name"])
    return tuple(entries.values())
