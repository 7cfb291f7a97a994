"""Tables: who is where on which file, as CSV that a spreadsheet opens without calculating anything."""

import csv
import io
import re
from collections.abc import Iterable

from familiar.photos.places import Place

COLUMNS = ("file", "name", "left", "top", "width", "height", "picture_width", "picture_height", "said", "score")
"""``left`` to ``height`` are shares of the upright picture, whose size in pixels follows."""

_CALCULATES = re.compile(r"\s*[=+\-@\uff0b\uff0d\uff1d\uff20]|[\t\r\n]")


def to_csv(places: Iterable[Place]) -> str:
    """Return a line for each named face, below a line with the names of the columns."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for place in places:
        writer.writerow(
            [
                harmless(place.path), harmless(place.name), *(f"{each:.5f}" for each in place.box),
                place.width, place.height, "yes" if place.said else "no",
                "" if place.score is None else f"{place.score:.4f}",
            ]
        )  # fmt: skip
    return text.getvalue()


def harmless(text: str) -> str:
    """Return a text that a spreadsheet takes for one; what it would calculate gets an apostrophe before it."""
    return f"'{text}" if _CALCULATES.match(text) else text
