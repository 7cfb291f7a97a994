"""Weight: how much a frame counts among several of one face."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from familiar.seeing.quality import Quality

_FULL_SHARPNESS = 3.0
_FULL_CONFIDENCE = 0.92
_FULL_EYE_DISTANCE_PX = 30.0
_LEAST_WEIGHT = 0.05


def weigh(qualities: Sequence[Quality]) -> NDArray[np.float32]:
    """Return float32[F]: how much each frame counts, from 0.05 to 1; sharp, near and frontal ones count more."""
    return np.array(
        [
            max(
                min(quality.sharpness / _FULL_SHARPNESS, 1.0)
                * min(quality.eye_distance_px / _FULL_EYE_DISTANCE_PX, 1.0)
                * min(quality.confidence / _FULL_CONFIDENCE, 1.0) ** 4
                * max(float(np.cos(np.radians(quality.yaw_deg)) * np.cos(np.radians(quality.pitch_deg))), 0.0),
                _LEAST_WEIGHT,
            )
            for quality in qualities
        ],
        np.float32,
    )
