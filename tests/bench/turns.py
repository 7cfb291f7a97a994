"""Turns: several asked about the same pictures, a few at a time each, so that whatever else happens happens to all."""

import time
from collections.abc import Callable, Mapping, Sequence
from typing import Generic, TypeVar

Answer = TypeVar("Answer")

_TURN = 10
_WARM_UP_TURNS = 2


class Taken(Generic[Answer]):
    """How long each picture took one of them, in milliseconds, and what was answered."""

    def __init__(self) -> None:
        self.took_ms: list[float] = []
        self.answers: list[Answer] = []


def in_turn(frames: Sequence[bytes], asked: Mapping[str, Callable[[bytes], Answer]]) -> dict[str, Taken[Answer]]:
    """Ask each of them about ten pictures, then the next one about the same ten, and so on until all are answered.

    Ten, since whoever has just been asked has what it needs in the processor's caches, as where a camera asks one
    system all the time; asked one by one, each would pay for what the one before it has thrown out.
    """
    taken: dict[str, Taken[Answer]] = {name: Taken() for name in asked}
    turns = [frames[start : start + _TURN] for start in range(0, len(frames), _TURN)]
    for number, turn in enumerate([*turns[:_WARM_UP_TURNS], *turns]):
        for name, ask in asked.items():
            for frame in turn:
                start = time.perf_counter()
                answer = ask(frame)
                if number >= _WARM_UP_TURNS:
                    taken[name].took_ms.append((time.perf_counter() - start) * 1000)
                    taken[name].answers.append(answer)
    return taken
