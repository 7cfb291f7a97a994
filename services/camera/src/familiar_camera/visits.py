"""Visits: somebody is named once several frames agree, and once a visit rather than once a frame."""

from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

_LONGER = 2
"""Whoever is unknown has to be so in as many frames more: a frame in which nobody can be told is nothing special."""


@dataclass(frozen=True)
class Visit:
    """Somebody who has come: a person of the server's, or None for somebody unknown; the best score so far."""

    person: Mapping[str, Any] | None
    score: float | None


class Visits:
    """Who is before a camera, as far as several frames agree."""

    def __init__(self, agree: int, forget_s: float) -> None:
        """Have somebody come when ``agree`` frames of about the last twice as many have them.

        Whoever has not been seen for ``forget_s`` seconds comes anew.
        """
        self._agree = agree
        self._forget_s = forget_s
        self._frames = 0
        self._seen: dict[str | None, deque[tuple[int, float | None]]] = {}
        self._here: dict[str | None, float] = {}

    def note(self, answer: Mapping[str, Any], now: float) -> list[Visit]:
        """Note what the server says of a frame; return who has come."""
        self._frames += 1
        self._here = {key: last for key, last in self._here.items() if now - last <= self._forget_s}
        came = []
        for person, score in _faces(answer):
            key = None if person is None else str(person["id"])
            needed = self._agree if person else self._agree * _LONGER
            seen = self._seen.setdefault(key, deque(maxlen=needed))
            seen.append((self._frames, score))
            if key in self._here:
                self._here[key] = now
            elif len(seen) == needed and self._frames - seen[0][0] < 2 * needed:
                self._here[key] = now
                came.append(Visit(person, max((each for _, each in seen if each is not None), default=None)))
        return came


def _faces(answer: Mapping[str, Any]) -> list[tuple[Mapping[str, Any] | None, float | None]]:
    """Return the people of a frame with their scores, each once, and the unknown as one."""
    found: dict[str | None, tuple[Mapping[str, Any] | None, float | None]] = {}
    for face in answer.get("faces", []):
        if face["status"] == "rejected":
            continue
        person = face.get("person") if face["status"] == "known" else None
        found.setdefault(None if person is None else person["id"], (person, face.get("score")))
    return list(found.values())
