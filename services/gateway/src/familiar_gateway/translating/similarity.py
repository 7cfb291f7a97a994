"""Similarity: a score of ours on the scale that clients of others expect, on which a number of theirs is the threshold.

They choose a threshold themselves, and most leave what their client came with: 0.4 to 0.7. Ours is calibrated anew by
every training, so it is no number that anybody could set. It lies at the same place here, whatever it is: who is named
has ``NAMED`` or more, whoever is not has less than ``NOT_NAMED``, and nothing lies between. So every threshold between
the two gives our decision, and a higher one is stricter than that.
"""

from familiar.learning import Likeness

NAMED = 0.8
NOT_NAMED = 0.4
_NEARLY = 0.999


def of_named(score: float | None, threshold: float) -> float:
    """Return how like somebody is who was named, by the score of that and the threshold of the head.

    It rises evenly from ``NAMED`` at the threshold to 1. A head that is not calibrated names people below the threshold
    that it states: they are at ``NAMED``.
    """
    above = ((score or 0.0) - threshold) / (1.0 - threshold) if threshold < 1.0 else 0.0
    return round(NAMED + (1.0 - NAMED) * min(max(above, 0.0), 1.0), 5)


def of_match(likeness: Likeness | None) -> float:
    """Return how like two faces are; below the threshold it rises from 0 to less than ``NOT_NAMED``.

    It is 0 where that cannot be told, as of a face that is too bad.
    """
    if likeness is None:
        return 0.0
    if likeness.same:
        return of_named(likeness.score, likeness.threshold)
    below = likeness.score / likeness.threshold if likeness.threshold > 0.0 else 0.0
    return round(NOT_NAMED * min(max(below, 0.0), _NEARLY), 5)
