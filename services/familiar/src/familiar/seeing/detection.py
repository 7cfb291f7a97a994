"""Detection: where the faces of a frame are. The detectors themselves are adapters in ``familiar.seeing.detectors``."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from familiar.seeing.image import Frame


@dataclass(frozen=True)
class Box:
    """A rectangle in pixels of the frame; it may reach beyond the frame's border."""

    x_min: float
    y_min: float
    x_max: float
    y_max: float

    @property
    def width(self) -> float:
        """Width in pixels."""
        return self.x_max - self.x_min

    @property
    def height(self) -> float:
        """Height in pixels."""
        return self.y_max - self.y_min

    @property
    def middle(self) -> tuple[float, float]:
        """The point in the middle, x and y in pixels."""
        return (self.x_min + self.x_max) / 2, (self.y_min + self.y_max) / 2

    def holds(self, x: float, y: float) -> bool:
        """Whether a point lies within it."""
        return self.x_min <= x <= self.x_max and self.y_min <= y <= self.y_max

    def share_within(self, width_px: int, height_px: int) -> float:
        """Return which share of the area, 0 to 1, lies within a frame of that size."""
        across = min(self.x_max, width_px) - max(self.x_min, 0.0)
        down = min(self.y_max, height_px) - max(self.y_min, 0.0)
        area = self.width * self.height
        return max(across, 0.0) * max(down, 0.0) / area if area > 0 else 0.0


@dataclass(frozen=True)
class Face:
    """One face found in a frame.

    Attributes:
        box: around the face, forehead to chin.
        landmarks: float32[5, 2], x and y in pixels: right eye, left eye, nose, right and left mouth corner
            (right and left are the person's own).
        confidence: the detector's own, 0 to 1; it says "a face", never "this person".
    """

    box: Box
    landmarks: NDArray[np.float32]
    confidence: float


class Detector(Protocol):
    """Finds faces. Implementations are safe to call from several threads."""

    @property
    def name(self) -> str:
        """A word recorded with each sample, since landmarks of different detectors differ."""

    def search(self, frame: Frame, least_share: float = 0.0) -> Sequence[Face]:
        """Return the faces of ``frame`` as one look over it shows them, the largest first.

        Args:
            frame: uint8[H, W, 3], RGB.
            least_share: faces less than this share as high as the highest may be missing, where that saves time.
        """

    def settle(self, frame: Frame, faces: Sequence[Face]) -> Sequence[Face]:
        """Return ``faces`` that were found in ``frame`` as a closer look shows each, in the same order.

        It costs much for each face, so choose first.
        """


def largest_first(faces: Iterable[Face]) -> list[Face]:
    """Return ``faces`` by the area of their boxes."""
    return sorted(faces, key=lambda face: -face.box.width * face.box.height)
