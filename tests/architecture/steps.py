"""Steps of a walk: the names of what is entered, in order."""

from collections.abc import Sequence

_LONGEST_ROUND = 40


def without_repeats(modules: Sequence[str]) -> list[str]:
    """Return a walk in which a round that is walked again at once, as in a loop or while waiting, is there once."""
    walked: list[str] = []
    for module in modules:
        walked.append(module)
        for length in range(1, _LONGEST_ROUND + 1):
            if len(walked) >= 2 * length and walked[-length:] == walked[-2 * length : -length]:
                del walked[-length:]
                break
    return walked


def without_doubles(steps: Sequence[str]) -> list[str]:
    """Return the steps without those that stay where the one before had come to."""
    return [step for place, step in enumerate(steps) if place == 0 or steps[place - 1] != step]


def steps_back(steps: Sequence[str]) -> int:
    """Return how often a walk enters what it had entered before and left."""
    entered = without_doubles(steps)
    return len(entered) - len(set(entered))
