"""Places: where a named face is on a file, and how that reads for programs that turn pictures themselves."""

from dataclasses import dataclass

Box = tuple[float, float, float, float]
"""Left, top, width and height, as shares of the picture."""


@dataclass(frozen=True)
class Place:
    """One named face on one file.

    Attributes:
        path: of the file, from the folder on, with slashes.
        width, height: of the upright picture, in pixels.
        orientation: how it is stored, EXIF 1 to 8.
        box: on the upright picture.
        name: who it is.
        said: whether somebody has said so, or the head thinks so, with which ``score``.
    """

    path: str
    width: int
    height: int
    orientation: int
    box: Box
    name: str
    said: bool
    score: float | None

    @property
    def stored_size(self) -> tuple[int, int]:
        """Width and height as the picture is stored."""
        return (self.height, self.width) if self.orientation >= _ON_ITS_SIDE else (self.width, self.height)

    @property
    def stored_box(self) -> Box:
        """The box on the picture as it is stored, within it."""
        left, top = (min(max(side, 0.0), 1.0) for side in self.box[:2])
        right, bottom = (min(max(at + size, 0.0), 1.0) for at, size in zip(self.box[:2], self.box[2:], strict=True))
        corners = [_as_stored(x, y, self.orientation) for x, y in ((left, top), (right, bottom))]
        (x_min, x_max), (y_min, y_max) = (sorted(axis) for axis in zip(*corners, strict=True))
        return x_min, y_min, x_max - x_min, y_max - y_min


_ON_ITS_SIDE = 5
"""From this orientation on, width and height are exchanged."""


def _as_stored(x: float, y: float, orientation: int) -> tuple[float, float]:
    """Return where a point of the upright picture is stored, both as shares of the sides."""
    return {
        1: (x, y),
        2: (1 - x, y),
        3: (1 - x, 1 - y),
        4: (x, 1 - y),
        5: (y, x),
        6: (y, 1 - x),
        7: (1 - y, 1 - x),
        8: (1 - y, x),
    }[orientation]
