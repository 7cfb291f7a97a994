"""Outline: what the bytes of a picture state, held against the bytes that are there, before any pixel is made.

A decoder believes what it reads: it asks for the four gigabytes that a length states, goes over all pixels as often as
that is written down, and unpacks remarks that nobody will look at. So everything is walked through first, in steps that
are bounded, and the decoder is given no more than what makes the pixels.
"""

from dataclasses import dataclass

from familiar.errors import InvalidImage, TooLarge

# A picture of 20 MB in pieces of 1 kB has as many; each costs the walk through them a microsecond.
MAX_PIECES = 20_000
# What a camera notes beside its picture fits into a segment of a JPEG.
MAX_EXIF_BYTES = 65_535


@dataclass(frozen=True)
class ImageLimits:
    """What a picture may be at most and at least."""

    max_bytes: int = 20_000_000
    max_pixels: int = 40_000_000
    min_side_px: int = 16

    def check_size(self, width: int, height: int) -> None:
        """Refuse a picture of this size in pixels, if it is out of the limits.

        Raises:
            TooLarge, InvalidImage: too many pixels, or too few to show a face.
        """
        if width * height > self.max_pixels:
            raise TooLarge(f"the picture has {width}x{height} pixels; at most {self.max_pixels} in all are taken")
        if min(width, height) < self.min_side_px:
            raise InvalidImage(f"the picture is {width}x{height} pixels; each side needs {self.min_side_px} or more")


@dataclass(frozen=True)
class Outline:
    """A picture that may be decoded.

    Attributes:
        width: in pixels.
        height: in pixels.
        data: what a decoder needs of it.
    """

    width: int
    height: int
    data: bytes

    @property
    def pixels(self) -> int:
        """How many pixels it will unpack to."""
        return self.width * self.height


class Needed:
    """The bytes of a picture without those that a decoder does not need."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._kept: list[bytes] = []
        self._position = 0

    def leave_out(self, start: int, end: int) -> None:
        """Leave out these bytes, which lie behind those left out before."""
        self._kept.append(self._data[self._position : start])
        self._position = end

    def joined(self) -> bytes:
        """Return all others."""
        return b"".join([*self._kept, self._data[self._position :]]) if self._kept else self._data
