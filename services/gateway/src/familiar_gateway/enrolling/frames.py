"""Frames: how somebody's pictures come in, and what is said of each."""

import hashlib
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Self

from familiar.seeing import Choice, Decoder, Frame, Quality


class CutOff(Exception):
    """The rest of what was sent cannot be looked at; those who yield shots raise it after the last one."""


@dataclass(frozen=True)
class Shot:
    """One frame as it was sent: what tells it from others, and how to unpack it for as long as it is looked at.

    ``choice`` is the face that is meant, None for the only one.
    """

    digest: str
    unpack: Callable[[], AbstractContextManager[Frame]]

    choice: Choice | None = None

    @classmethod
    def of_picture(cls, data: bytes, decoder: Decoder, choice: Choice | None = None) -> Self:
        """Return the shot of an encoded picture, of which one face may be meant; another choice is another shot."""
        digest = hashlib.sha256(data)
        if choice is not None:
            digest.update(f" face {choice}".encode())
        return cls(digest.hexdigest(), lambda: decoder.frame(data), choice)


@dataclass(frozen=True)
class Verdict:
    """What was said of one frame; ``index`` counts the frames of its enrolment.

    ``quality`` is what was measured of its face; None if there is none, or if it was said by an earlier request.
    """

    index: int
    reasons: tuple[str, ...]
    quality: Mapping[str, float] | None = None

    @property
    def accepted(self) -> bool:
        """Whether the frame was kept to learn from."""
        return not self.reasons


class Verdicts(list[Verdict]):
    """What was said of the frames of one request, in their order.

    Attributes:
        cut_off: whether more frames were sent, which there was no time to look at.
    """

    cut_off = False


@dataclass(frozen=True)
class SeenFace:
    """A face that was found and cut out before: the crop as JPEG, what was measured of it then, and when that was."""

    crop: bytes
    quality: Quality
    captured_at: float
