"""Quality: is this face good enough to learn from or to put a name to, and if not, what should the person change."""

from dataclasses import asdict, dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.alignment import TEMPLATE
from familiar.detection import Face
from familiar.image import Frame

# Depth of the five landmarks of an average face in units of the template (positive towards the camera); with the
# template's x and y a rough head, good for telling "turned" from "frontal".
_DEPTH = np.array([0.0, 0.0, 0.19, 0.03, 0.03], np.float64)
_HEAD = np.column_stack([TEMPLATE.astype(np.float64), _DEPTH])
_HEAD_CENTRED = _HEAD - _HEAD.mean(axis=0)
_HEAD_INVERSE = np.linalg.pinv(_HEAD_CENTRED)


class Reason(StrEnum):
    """Why a face or a frame was refused; the words are part of the API."""

    TOO_SMALL = "too_small"
    BLURRED = "blurred"
    TOO_DARK = "too_dark"
    TOO_BRIGHT = "too_bright"
    TURNED_AWAY = "turned_away"
    CUT_OFF = "cut_off"
    NO_FACE = "no_face"
    SEVERAL_FACES = "several_faces"
    NEAR_COPY = "near_copy"


@dataclass(frozen=True)
class QualityLimits:
    """What a face must reach. Defaults lose under 1 % of LFW's press pictures; ``docs/evaluation.md`` has the table."""

    min_eye_distance_px: float = 18.0
    min_sharpness: float = 0.5
    min_brightness: float = 35.0
    max_brightness: float = 225.0
    max_yaw_deg: float = 50.0
    max_pitch_deg: float = 35.0
    min_share_within: float = 0.85


@dataclass(frozen=True)
class Quality:
    """What was measured on one face.

    Attributes:
        eye_distance_px: distance of the eyes in pixels of the frame.
        sharpness: share of the contrast, in percent, that lies in fine lines.
        brightness: mean grey level of the chip's inner part, 0 to 255.
        yaw_deg: head turned to its own left (+) or right (-).
        pitch_deg: head raised (+) or lowered (-).
        roll_deg: head tilted in the picture plane.
        share_within: share of the box that lies within the frame.
    """

    eye_distance_px: float
    sharpness: float
    brightness: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    share_within: float

    def reasons(self, limits: QualityLimits) -> tuple[Reason, ...]:
        """Return why the face is refused under ``limits``, the most helpful first; empty if it is good enough."""
        turned = abs(self.yaw_deg) > limits.max_yaw_deg or abs(self.pitch_deg) > limits.max_pitch_deg
        checks = (
            (self.share_within < limits.min_share_within, Reason.CUT_OFF),
            (self.eye_distance_px < limits.min_eye_distance_px, Reason.TOO_SMALL),
            (self.brightness < limits.min_brightness, Reason.TOO_DARK),
            (self.brightness > limits.max_brightness, Reason.TOO_BRIGHT),
            (turned, Reason.TURNED_AWAY),
            (self.sharpness < limits.min_sharpness, Reason.BLURRED),
        )
        return tuple(reason for failed, reason in checks if failed)

    def to_dict(self) -> dict[str, float]:
        """Return the measurements rounded for people and storage."""
        return {name: round(value, 2) for name, value in asdict(self).items()}


def measure(frame: Frame, face: Face, chip: Frame) -> Quality:
    """Measure ``face`` of ``frame`` uint8[H, W, 3], whose aligned chip uint8[S, S, 3] is given."""
    eyes = face.landmarks[1] - face.landmarks[0]
    yaw, pitch, roll = pose(face.landmarks)
    side = chip.shape[0]
    # The inner part is skin, eyes and mouth; hair and background say nothing about focus or light on the face.
    inner = chip[side // 5 : side * 4 // 5, side // 5 : side * 4 // 5]
    grey = cv2.cvtColor(np.ascontiguousarray(inner), cv2.COLOR_RGB2GRAY).astype(np.float32)
    return Quality(
        eye_distance_px=float(np.hypot(*eyes)),
        sharpness=_sharpness(grey, side),
        brightness=float(grey.mean()),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        share_within=face.box.share_within(frame.shape[1], frame.shape[0]),
    )


def _sharpness(grey: NDArray[np.float32], side_px: int) -> float:
    """Return the share, in percent, of a face's contrast that lies in its fine lines: lids, lips, nostrils.

    The difference of two Gaussians rather than the Laplacian: in a dim or enlarged picture the latter measures noise
    and the edges of compression blocks, and calls a blurred face sharp.
    """
    fine = cv2.GaussianBlur(grey, (0, 0), side_px / 150)
    coarse = cv2.GaussianBlur(grey, (0, 0), side_px / 60)
    # The constant keeps a flat picture, which has no contrast to share, from being called sharp.
    return 100.0 * float(((fine - coarse) ** 2).mean() / (grey.var() + 25.0))


def pose(landmarks: NDArray[np.float32]) -> tuple[float, float, float]:
    """Return (yaw, pitch, roll) in degrees from five ``landmarks`` float32[5, 2].

    Pose from orthography and scaling (DeMenthon and Davis, 1995) with an average head: the affine map from the head's
    points to the picture's, its two rows made orthonormal. Good to some 10 degrees, enough to coach with.
    """
    points = np.asarray(landmarks, np.float64)
    rows = (_HEAD_INVERSE @ (points - points.mean(axis=0))).T
    across, down = rows
    scale = np.linalg.norm(across) + np.linalg.norm(down)
    if scale < 1e-6:
        return 0.0, 0.0, 0.0
    across = across / max(float(np.linalg.norm(across)), 1e-9)
    down = down - across * (down @ across)
    down = down / max(float(np.linalg.norm(down)), 1e-9)
    forward = np.cross(across, down)
    yaw = np.degrees(np.arctan2(across[2], np.hypot(across[0], across[1])))
    pitch = np.degrees(np.arctan2(-down[2], forward[2]))
    roll = np.degrees(np.arctan2(points[1, 1] - points[0, 1], points[1, 0] - points[0, 0]))
    return float(yaw), float(pitch), float(roll)
