"""Verdict: what somebody may say of a recognition, and how a sample came to be one."""

from enum import StrEnum


class Verdict(StrEnum):
    """What somebody says of whom a face was taken for."""

    RIGHT = "right"
    """It is that person."""
    WRONG = "wrong"
    """It is not that person."""
    STRANGER = "stranger"
    """It is nobody who is enrolled."""

    @property
    def is_negative(self) -> bool:
        """Whether it says who a face is not."""
        return self is not Verdict.RIGHT


class Origin(StrEnum):
    """How a sample came to be somebody's."""

    HUMAN = "human"
    """Somebody gave it: it was captured, added, or named."""
    CONFIRMED = "confirmed"
    """It was seen, and somebody said whose it is."""
    AUTOMATIC = "automatic"
    """It was seen, and taken without anybody having looked at it."""


class Standing(StrEnum):
    """How a face in quarantine stands."""

    WAITING = "waiting"
    """Nobody has said whose it is, or what was said is not learned yet."""
    LEARNED = "learned"
    """It is a sample."""
    OUT = "out"
    """It is not to be learned: it was taken back, refused, or there is one like it already."""
