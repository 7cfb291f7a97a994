"""Sightings: who was seen, from when to when, how often, and how surely."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

UNKNOWN = "unknown"


@dataclass
class Sighting:
    """What was seen of one person, or of all the unknown together.

    ``person_id`` is None for the unknown; times are in seconds, as ``time.time`` gives them.
    """

    person_id: str | None
    name: str
    first_seen: float
    last_seen: float
    count: int = 0
    best_score: float | None = None


class Sightings:
    """Collects the faces of many answers. Faces too bad to judge and frames refused are counted apart."""

    def __init__(self) -> None:
        self._by_person: dict[str | None, Sighting] = {}
        self.frames = 0
        self.refused = 0
        self.too_bad = 0

    def add(self, answer: Mapping[str, Any], seen_at: float) -> None:
        """Add the faces of one answer of the server."""
        self.frames += 1
        for face in answer.get("faces", []):
            if face["status"] == "rejected":
                self.too_bad += 1
                continue
            person = face.get("person") if face["status"] == "known" else None
            person_id = person["id"] if person else None
            sighting = self._by_person.get(person_id)
            if sighting is None:
                sighting = Sighting(person_id, "", first_seen=seen_at, last_seen=seen_at)
                self._by_person[person_id] = sighting
            sighting.name = person["name"] if person else UNKNOWN  # of the newest answer: people can be renamed
            sighting.last_seen = seen_at
            sighting.count += 1
            score = face.get("score")
            if score is not None:
                sighting.best_score = max(score, sighting.best_score if sighting.best_score is not None else score)

    def rows(self) -> list[Sighting]:
        """Return the sightings in the order of the first one, the unknown last."""
        return sorted(self._by_person.values(), key=lambda s: (s.person_id is None, s.first_seen))
