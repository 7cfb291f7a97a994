"""Witness: who is told of each face that was recognised, if somebody is to remember it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from familiar_gateway.recognizing.recognition import RecognizedFace


@dataclass(frozen=True)
class Occasion:
    """Where and when the pictures of one request were taken.

    ``captured_at`` is in UTC seconds since 1970; ``camera`` None if nobody said.
    """

    request_id: str
    camera: str | None
    captured_at: float


@dataclass(frozen=True)
class Look:
    """One good face of one picture; ``face`` is its place in the answer."""

    face: int
    recognized: RecognizedFace


class Witness(Protocol):
    """Whoever remembers faces."""

    def note(self, occasion: Occasion, looks: Sequence[Look], head_version: int, backbone_version: int) -> None:
        """Take note of what was recognised; this neither waits for anything nor fails."""
