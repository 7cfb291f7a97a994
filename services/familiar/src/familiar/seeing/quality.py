"""Quality: is this face good enough to learn from or to put a name to, and if not, what should the person change."""

from dataclasses import asdict, dataclass
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from familiar.reason import Reason
from familiar.seeing.alignment import TEMPLATE
from familiar.seeing.detection import Face
from familiar.seeing.image import Frame

# Depth of the five landmarks of an average face in units of the template (positive towards the camera); with the
# template's x and y a rough head, good for telling "turned" from "frontal".
_DEPTH = np.array([0.0, 0.0, 0.19, 0.03, 0.03], np.float64)
_HEAD = np.column_stack([TEMPLATE.astype(np.float64), _DEPTH])
_HEAD_CENTRED = _HEAD - _HEAD.mean(axis=0)
_HEAD_INVERSE = np.linalg.pinv(_HEAD_CENTRED)

_WHITE = 250
# Sharpness is measured at one size, that of the default backbone's chip without its margin, whatever the chip's own.
_SHARPNESS_PX = 90


@dataclass(frozen=True)
class QualityLimits:
    """What a face must reach.

    The defaults are for asking who somebody is: they refuse what would not be recognised and little else, as measured
    in ``docs/evaluation.md``. ``ENROLMENT`` asks for more.
    """

    min_confidence: float = 0.7
    min_eye_distance_px: float = 8.0
    min_sharpness: float = 1.6
    min_brightness: float = 12.0
    max_brightness: float = 250.0
    max_overexposed: float = 0.78
    max_yaw_deg: float = 70.0
    max_pitch_deg: float = 35.0
    min_share_within: float = 0.78


ENROLMENT = QualityLimits(
    min_confidence=0.85,
    min_eye_distance_px=18.0,
    min_sharpness=1.9,
    min_brightness=30.0,
    max_yaw_deg=50.0,
    max_brightness=225.0,
    max_overexposed=0.3,
    min_share_within=0.85,
)
"""What a face must reach to be learned from: a bad sample harms every later recognition, another try costs little."""

# From here on nothing stands in the way of recognition, in the order and sense of the limits. Where the detector is
# not sure of a face whose measures are all within the limits, the one that is farthest from this is the reason.
_COMFORT = QualityLimits(0.92, 40.0, 3.0, 80.0, 170.0, 0.05, 15.0, 12.0, 1.0)
_COMFORT_ROLL_DEG, _MAX_ROLL_DEG = 10.0, 40.0


@dataclass(frozen=True)
class Quality:
    """What was measured on one face.

    Attributes:
        eye_distance_px: distance of the eyes in pixels of the frame.
        sharpness: how much finer lines there are than a blurred face has, in the direction where they are fewest; a
            sharp face has 2 to 6, motion and lack of focus leave less.
        brightness: mean grey level of the chip's inner part, 0 to 255.
        yaw_deg: head turned to its own left (+) or right (-).
        pitch_deg: head raised (+) or lowered (-).
        roll_deg: head tilted in the picture plane.
        share_within: share of the box that lies within the frame.
        overexposed: share of the chip's inner part that is white.
        confidence: the detector's, 0 to 1; of all measures the one that best foretells a failure.
    """

    eye_distance_px: float
    sharpness: float
    brightness: float
    yaw_deg: float
    pitch_deg: float
    roll_deg: float
    share_within: float
    overexposed: float = 0.0
    confidence: float = 1.0

    def reasons(self, limits: QualityLimits) -> tuple[Reason, ...]:
        """Return why the face is refused under ``limits``, the most helpful first; empty if it is good enough."""
        strains = self._strains(limits)
        beyond = tuple(dict.fromkeys(reason for reason, over, _ in strains if over))
        if beyond or self.confidence >= limits.min_confidence:
            return beyond
        reason, _, strain = max(strains, key=lambda item: item[2])
        return (reason,) if strain > 0 else (Reason.NO_FACE,)

    def _strains(self, limits: QualityLimits) -> list[tuple[Reason, bool, float]]:
        """Return, by measure, whether its limit is passed and how far it is from comfort (0) to the limit (1)."""
        ease = _COMFORT
        least = (
            (Reason.CUT_OFF, self.share_within, limits.min_share_within, ease.min_share_within),
            (Reason.TOO_SMALL, self.eye_distance_px, limits.min_eye_distance_px, ease.min_eye_distance_px),
            (Reason.TOO_DARK, self.brightness, limits.min_brightness, ease.min_brightness),
            (Reason.BLURRED, self.sharpness, limits.min_sharpness, ease.min_sharpness),
        )
        most = (
            (Reason.TOO_BRIGHT, self.brightness, limits.max_brightness, ease.max_brightness),
            (Reason.TOO_BRIGHT, self.overexposed, limits.max_overexposed, ease.max_overexposed),
            (Reason.TURNED_AWAY, abs(self.yaw_deg), limits.max_yaw_deg, ease.max_yaw_deg),
            (Reason.TURNED_AWAY, abs(self.pitch_deg), limits.max_pitch_deg, ease.max_pitch_deg),
        )
        # Tilt alone is undone by the alignment; it matters only where the detector is not sure.
        tilt = (abs(self.roll_deg) - _COMFORT_ROLL_DEG) / (_MAX_ROLL_DEG - _COMFORT_ROLL_DEG)
        return [
            *((reason, value < limit, (easy - value) / abs(easy - limit)) for reason, value, limit, easy in least),
            *((reason, value > limit, (value - easy) / abs(limit - easy)) for reason, value, limit, easy in most),
            (Reason.TURNED_AWAY, False, tilt),
        ]

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
        sharpness=_sharpness(grey),
        brightness=float(grey.mean()),
        yaw_deg=yaw,
        pitch_deg=pitch,
        roll_deg=roll,
        share_within=face.box.share_within(frame.shape[1], frame.shape[0]),
        overexposed=float((grey >= _WHITE).mean()),
        confidence=face.confidence,
    )


def _sharpness(grey: NDArray[np.float32]) -> float:
    """Return the energy of fine over that of coarse gradients, in the direction where this is least.

    In the logarithm of the picture, light and shade on the face divide out. Motion blurs in one direction only and
    leaves the lines along it, hence the least over all directions: the smaller generalised eigenvalue of the two
    structure tensors (of J. Bigun and G. Granlund, ICCV 1987).
    """
    side = _SHARPNESS_PX
    scaled = cv2.resize(grey, (side, side), interpolation=cv2.INTER_AREA if grey.shape[0] > side else cv2.INTER_LINEAR)
    logarithm = np.log(scaled + 12.0) * 40.0
    fine = _structure(cv2.GaussianBlur(logarithm, (0, 0), 1.5))
    coarse = _structure(cv2.GaussianBlur(logarithm, (0, 0), 4.0))
    # The constant keeps a flat picture, which has no lines at all, from being called sharp.
    return float(np.linalg.eigvals(np.linalg.solve(coarse + 0.02 * np.eye(2), fine)).real.min())


def _structure(picture: NDArray[np.floating[Any]]) -> NDArray[np.float64]:
    """Return the mean structure tensor float64[2, 2] of ``picture`` [H, W]."""
    across, down = cv2.Sobel(picture, cv2.CV_32F, 1, 0) / 8, cv2.Sobel(picture, cv2.CV_32F, 0, 1) / 8
    mixed = (across * down).mean()
    return np.array([[(across * across).mean(), mixed], [mixed, (down * down).mean()]], np.float64)


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
