"""Decision: what is said of one face, from the head's answer and from who is enrolled now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum


class Status(StrEnum):
    """What a face turned out to be; ``rejected`` faces were never asked about, their picture was too bad."""

    KNOWN = "known"
    UNKNOWN = "unknown"
    REJECTED = "rejected"


@dataclass(frozen=True)
class Candidate:
    """Somebody the face is like; ``score`` is cosine times length of the prototype, greater is more alike."""

    person_id: str
    score: float


@dataclass(frozen=True)
class Decision:
    """The answer for one face; ``person_id`` is set if, and only if, the status is known."""

    status: Status
    person_id: str | None = None
    score: float | None = None
    candidates: tuple[Candidate, ...] = ()


REJECTED = Decision(Status.REJECTED)


def decide(
    index: Sequence[int],
    score: Sequence[float],
    known: bool,
    labels: Sequence[str],
    enrolled: Mapping[str, str],
) -> Decision:
    """Turn one row of a head's answer into a decision.

    Args:
        index: positions in ``labels``, best first, -1 where padded.
        score: scores beside ``index``, each the cosine times the length, 1 at most, of the prototype.
        known: whether the head names the best candidate.
        labels: person ids of the very head version that answered.
        enrolled: by label, ids of the people who are enrolled at this moment; two labels mean one person where two were
            merged. Somebody deleted after the head was trained is neither named nor shown; the next best does not move
            up into the place of a deleted person, because the head has not said that it knows that one.
    """
    pairs = [(labels[i], float(s)) for i, s in zip(index, score, strict=True) if 0 <= i < len(labels)]
    best: dict[str, float] = {}
    for label, its_score in pairs:
        if label in enrolled:
            best.setdefault(enrolled[label], its_score)
    candidates = tuple(Candidate(person_id, its_score) for person_id, its_score in best.items())
    if known and pairs and pairs[0][0] in enrolled:
        return Decision(Status.KNOWN, enrolled[pairs[0][0]], pairs[0][1], candidates)
    return Decision(Status.UNKNOWN, None, candidates[0].score if candidates else None, candidates)
