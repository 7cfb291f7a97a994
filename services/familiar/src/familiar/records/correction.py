"""Correction: what somebody may put right, and how long it can be undone."""

from enum import StrEnum
from typing import Any, Protocol


class CorrectionKind(StrEnum):
    """What was put right."""

    ADD = "add"
    """Pictures were added to somebody enrolled."""
    MOVE = "move"
    """Samples went to another person, or to nobody."""
    SPLIT = "split"
    """Samples of one person became a new one."""
    MERGE = "merge"
    """A person turned out to be another one."""


class CorrectionStatus(StrEnum):
    """Whether a correction can be undone."""

    OPEN = "open"
    UNDONE = "undone"
    FINAL = "final"
    """The time is over, or a person or an enrolment that it is about was deleted."""


class _Stored(Protocol):
    """Of the row of a correction."""

    undoable_until: Any
    undone_at: Any
    final: Any


def status_of(row: _Stored, now: float) -> CorrectionStatus:
    """Return how a correction stands at a time, in seconds since 1970."""
    if row.undone_at is not None:
        return CorrectionStatus.UNDONE
    return CorrectionStatus.FINAL if row.final or now >= row.undoable_until else CorrectionStatus.OPEN
