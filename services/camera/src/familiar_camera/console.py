"""Console: where the commands write, for a person, a log or a script, and how they wait and ask.

Results go to standard output; progress, advice and waiting go to standard error.
"""

import io
import sys
from collections.abc import Mapping

from rich.console import Console
from rich.prompt import Prompt

from familiar_camera.errors import EnrollmentFailed, NeedsAnswer

_GIVE_UP = "quit"


def results() -> Console:
    """Return the console for results."""
    return Console(highlight=False, emoji=False)


def remarks() -> Console:
    """Return the console for everything that is not a result."""
    return Console(stderr=True, highlight=False, emoji=False)


def bear_any_letter() -> None:
    """Have letters replaced that standard output or error cannot write, as in a terminal that knows Latin ones only."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


class Waiting:
    """Says once that the server or a camera is away or busy, not at every attempt."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._said = ""

    def __call__(self, why: str, _wait_s: float) -> None:
        """Say why we wait, if it is another reason than before."""
        if why != self._said:
            self._said = why
            self._console.print(f"{why}; trying again ...", markup=False, soft_wrap=True)


def ask_a_person(question: str, answers: Mapping[str, str]) -> str:
    """Ask at the terminal.

    Raises:
        NeedsAnswer: there is no terminal to ask at.
        EnrollmentFailed: the person gives up.
    """
    if not (sys.stdin.isatty() and sys.stderr.isatty()):
        raise NeedsAnswer(f"{question} Say so by --if-known add or --if-known new")
    console = remarks()
    keys = [*answers, _GIVE_UP]
    console.print(f"\n{question}", markup=False)
    for number, text in enumerate([*answers.values(), "give up"], start=1):
        console.print(f"  {number}  {text}", markup=False)
    choice = keys[int(Prompt.ask("Which", console=console, choices=[str(n + 1) for n in range(len(keys))])) - 1]
    if choice == _GIVE_UP:
        raise EnrollmentFailed("given up; nothing was stored")
    return choice
