"""Observation: from a frame to faces cut out and judged; the same for enrolment, recognition and evaluation."""

from dataclasses import dataclass

from familiar.reason import Reason
from familiar.seeing.alignment import align
from familiar.seeing.detection import Detector, Face
from familiar.seeing.image import Frame
from familiar.seeing.quality import Quality, QualityLimits, measure


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


class Observer:
    """Finds, cuts out and judges faces."""

    def __init__(self, detector: Detector, limits: QualityLimits = QualityLimits()) -> None:
        self.detector = detector
        self.limits = limits

    def observe(self, frame: Frame, chip_px: int, max_faces: int) -> list[Observation]:
        """Return the largest ``max_faces`` faces of ``frame`` uint8[H, W, 3], RGB, the largest first."""
        return [
            self._judge(frame, face, chip_px)
            for face in self.detector.detect(frame)[:max_faces]
            if _spans_a_plane(face)
        ]

    def observe_one(self, frame: Frame, chip_px: int) -> tuple[Observation | None, tuple[Reason, ...]]:
        """Return the only face of ``frame`` and why it cannot be used; none or several is such a reason.

        Small faces in the background do not count: a person enrolling is not disturbed by a poster behind them.
        """
        faces = self.observe(frame, chip_px, max_faces=3)
        if not faces:
            return None, (Reason.NO_FACE,)
        first = faces[0]
        if any(face.face.box.height > _RIVAL_SHARE * first.face.box.height for face in faces[1:]):
            return first, (Reason.SEVERAL_FACES,)
        return first, first.reasons

    def _judge(self, frame: Frame, face: Face, chip_px: int) -> Observation:
        chip = align(frame, face.landmarks, chip_px)
        quality = measure(frame, face, chip)
        return Observation(face, chip, quality, quality.reasons(self.limits))


_RIVAL_SHARE = 0.5


def _spans_a_plane(face: Face) -> bool:
    """Whether the landmarks can be aligned at all; a detector may give five points in one place for a smudge."""
    spread = face.landmarks.max(axis=0) - face.landmarks.min(axis=0)
    return bool(min(spread) > 1.0)
