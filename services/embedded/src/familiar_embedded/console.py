"""The console: the lines of all services in one stream, each with the time and the name of who says it."""

import os
import re
import time
from collections.abc import Iterable
from typing import TextIO

SUPERVISOR = "familiar"

_COLOURS = ("36", "33", "32", "35", "34", "96", "93", "92")
_LONGEST_LINE = 16_384

# Every line has our time already: the one that Python's logging or Redis put in front says nothing more.
_OWN_TIME = re.compile(
    r"\[?\d{4}-\d\d-\d\d \d\d:\d\d:\d\d(?:[.,]\d+)?(?: [+-]\d{4})?\]? "
    r"|\d+:[A-Z] \d\d \w{3} \d{4} \d\d:\d\d:\d\d\.\d+ "
)
# TensorFlow's C++ libraries say these at every start, whatever log level they are given.
_NOISE = ("WARNING: All log messages before absl::InitializeLog()", "I0000 00:00:")


class Console:
    """Writes prefixed lines; in colour only to a terminal, and not where NO_COLOR asks otherwise."""

    def __init__(self, stream: TextIO, names: Iterable[str]) -> None:
        self._stream = stream
        self._coloured = stream.isatty() and not os.environ.get("NO_COLOR")
        names = [SUPERVISOR, *names]
        self._width = max(map(len, names))
        self._colours = {name: _COLOURS[i % len(_COLOURS)] for i, name in enumerate(names[1:])}

    def line(self, name: str, text: str) -> None:
        """Write one line of ``name``."""
        if text.startswith(_NOISE):
            return
        if own := _OWN_TIME.match(text):
            text = text[own.end() :]
        prefix = f"{time.strftime('%H:%M:%S')} {name:<{self._width}} |"
        if self._coloured:
            prefix = f"\x1b[{self._colours.get(name, '1')}m{prefix}\x1b[0m"
        self._write(f"{prefix} {text}\n" if text else f"{prefix}\n")

    def say(self, text: str) -> None:
        """Write what the supervisor itself has to say, one line or several."""
        for line in text.splitlines():
            self.line(SUPERVISOR, line)

    def _write(self, text: str) -> None:
        try:
            self._stream.write(text)
            self._stream.flush()
        except OSError:  # nobody reads any more; the services are worth more than their lines
            return


class LineBuffer:
    """Cuts what a service writes into lines."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> list[str]:
        """Return the lines that are complete now; the end of the stream (no data) completes the last one."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        if self._rest and (not data or len(self._rest) > _LONGEST_LINE):
            lines.append(self._rest)
            self._rest = b""
        return [line.rstrip(b"\r").decode("utf-8", "replace") for line in lines]
