"""The kinds of pictures that are read, and the outline of each, walked through in bounded steps."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager

from familiar.errors import FamiliarError, InvalidImage, TooLarge
from familiar.seeing.formats import foreign, jpeg, png, webp
from familiar.seeing.outline import ImageLimits, Outline

log = logging.getLogger(__name__)


def outline(data: bytes, limits: ImageLimits) -> Outline:
    """Return the outline of a JPEG, PNG or WebP; it takes time in proportion to its bytes, and little of it.

    Raises:
        InvalidImage: empty, of another kind, damaged, cut short, or too small to show a face.
        TooLarge: more bytes, pixels or passes over them than ``limits``.
    """
    if not data:
        raise InvalidImage("the picture is empty (0 bytes)")
    if len(data) > limits.max_bytes:
        raise TooLarge(f"the picture has {len(data)} bytes; at most {limits.max_bytes} are taken")
    with nothing_escapes(data):
        if data[:2] == jpeg.START:
            return jpeg.outline(data, limits)
        if data[:8] == png.SIGNATURE:
            return png.outline(data, limits)
        if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
            return webp.outline(data, limits)
    what = foreign.name(data)
    raise InvalidImage("the bytes are not a JPEG, PNG or WebP picture" + ("" if what is None else f" but {what}"))


@contextmanager
def nothing_escapes(data: bytes) -> Iterator[None]:
    """Make a picture that cannot be read of one that nobody foresaw; the log tells, since that is a defect of ours.

    Raises:
        InvalidImage: instead of anything that is not an error of ours.
    """
    try:
        yield
    except FamiliarError:
        raise
    except Exception as exc:
        log.exception("defect: a picture of %d bytes, beginning with %s, was not foreseen", len(data), data[:64].hex())
        raise InvalidImage("the picture cannot be read") from exc
