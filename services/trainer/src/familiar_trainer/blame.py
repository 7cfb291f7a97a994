"""Blame: who of several is the cause that something fails, found without trying each."""

from collections.abc import Callable, Collection, Sequence


def culprits(several: Sequence[str], works_without: Callable[[Collection[str]], bool]) -> list[str]:
    """Return those of ``several`` that it does not work with, where it works without all and fails with all of them.

    Half of them are tried at a time, beside those that have been cleared; so one among n costs about 2 log2 n tries.

    Args:
        several: those who may be to blame, at least one.
        works_without: whether it works with all but these.
    """
    found: list[str] = []
    left_out = set(several)
    waiting = _halves(several)
    while waiting:
        some = waiting.pop()
        others = left_out.difference(some)
        if others and works_without(others):
            left_out = others
        elif len(some) == 1:
            found += some
        else:
            waiting += _halves(some)
    return found


def _halves(several: Sequence[str]) -> list[Sequence[str]]:
    """Return the second half and the first one; of a single one that alone."""
    middle = len(several) // 2
    return [half for half in (several[middle:], several[:middle]) if half]
