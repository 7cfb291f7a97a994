"""Observation: from a frame to faces cut out and judged; the same for enrolment, recognition and evaluation."""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Self

from familiar.reason import Reason
from familiar.seeing.alignment import align
from familiar.seeing.detection import Detector, Face, largest_first
from familiar.seeing.image import Frame
from familiar.seeing.quality import Quality, QualityLimits, measure

Choice = int | tuple[float, float]
"""Which face of a frame is meant: its index among all, the largest first, or a point on it, x and y in pixels."""


@dataclass(frozen=True)
class Observation:
    """One face of a frame.

    Attributes:
        face: where it is.
        chip: uint8[S, S, 3], RGB, aligned, at the backbone's input size.
        quality: what was measured.
        reasons: why it is too bad to use; empty if it is good enough.
    """

    face: Face
    chip: Frame
    quality: Quality
    reasons: tuple[Reason, ...]


class Observations(tuple[Observation, ...]):
    """The faces of a frame that were looked at closely, the largest first.

    Attributes:
        found: how many faces there are in all.
    """

    found: int

    def __new__(cls, faces: Iterable[Observation], found: int) -> Self:
        """Put together what was seen and how much there was to see."""
        made = super().__new__(cls, faces)
        made.found = found
        return made


class Observer:
    """Finds, cuts out and judges faces."""

    def __init__(self, detector: Detector, limits: QualityLimits = QualityLimits()) -> None:
        self.detector = detector
        self.limits = limits

    def observe(self, frame: Frame, chip_px: int, max_faces: int) -> Observations:
        """Return the largest ``max_faces`` faces of ``frame`` uint8[H, W, 3], RGB, the largest first."""
        found = self._find(frame)
        faces = self._settle(frame, found[:max_faces])
        return Observations((self._judge(frame, face, chip_px) for face in faces), len(found))

    def faces(self, frame: Frame) -> list[Face]:
        """Return the largest faces of ``frame``, a hundred at most, in the order in which ``observe`` has them."""
        return self._settle(frame, self._find(frame)[:_MOST_TO_CHOOSE_AMONG])

    def observe_one(
        self, frame: Frame, chip_px: int, choice: Choice | None = None
    ) -> tuple[Observation | None, tuple[Reason, ...]]:
        """Return the only face of ``frame``, or the one chosen, and why it cannot be used.

        None or several is such a reason, as is that there is no such face to choose. Small faces in the background do
        not count: a person enrolling is not disturbed by a poster behind them.
        """
        if choice is not None:
            chosen = _chosen(self.faces(frame), choice)
            if chosen is None:
                return None, (Reason.NO_FACE,)
            seen = self._judge(frame, chosen, chip_px)
            return seen, seen.reasons
        largest = self._settle(frame, self._find(frame, _RIVAL_SHARE)[:_CONTENDERS])
        if not largest:
            return None, (Reason.NO_FACE,)
        first = self._judge(frame, largest[0], chip_px)
        if any(face.box.height > _RIVAL_SHARE * largest[0].box.height for face in largest[1:]):
            return first, (Reason.SEVERAL_FACES,)
        return first, first.reasons

    def _find(self, frame: Frame, least_share: float = 0.0) -> list[Face]:
        return [face for face in self.detector.search(frame, least_share) if _spans_a_plane(face)]

    def _settle(self, frame: Frame, faces: Sequence[Face]) -> list[Face]:
        """Return ``faces`` as a closer look shows them, the largest first; one that it spoils stays as it was."""
        looks = zip(faces, self.detector.settle(frame, faces), strict=True)
        return largest_first(closely if _spans_a_plane(closely) else afar for afar, closely in looks)

    def _judge(self, frame: Frame, face: Face, chip_px: int) -> Observation:
        chip = align(frame, face.landmarks, chip_px)
        quality = measure(frame, face, chip)
        return Observation(face, chip, quality, quality.reasons(self.limits))


_MOST_TO_CHOOSE_AMONG = 100
_RIVAL_SHARE = 0.5
_CONTENDERS = 3


def _chosen(faces: Sequence[Face], choice: Choice) -> Face | None:
    """Return the face at an index, or of those that a point lies on the one whose middle is nearest to it."""
    if isinstance(choice, int):
        return faces[choice] if 0 <= choice < len(faces) else None
    on_it = [face for face in faces if face.box.holds(*choice)]
    return min(on_it, key=lambda face: math.dist(face.box.middle, choice), default=None)


def _spans_a_plane(face: Face) -> bool:
    """Whether the landmarks can be aligned at all; a detector may give five points in one place for a smudge."""
    spread = face.landmarks.max(axis=0) - face.landmarks.min(axis=0)
    return bool(min(spread) > 1.0)
