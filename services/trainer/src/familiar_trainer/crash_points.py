"""Named points of a training at which a test may let the process die, as a power cut would end it.

``FAMILIAR_CRASH_AT=<point>`` in the environment makes the process kill itself with SIGKILL when it gets there. Nobody
sets the variable in production; without it, passing a point costs one look into a dictionary.
"""

import os
import signal

ENV = "FAMILIAR_CRASH_AT"

CLAIMED = "claimed"
READ = "read"
LEARNED = "learned"
COMPARED = "compared"
RECORDED = "recorded"
WRITTEN = "written"
CHECKED = "checked"
PUBLISHED = "published"
AVAILABLE = "available"
LIVE = "live"
REMOVED = "removed"
FORGOTTEN = "forgotten"

LOOKED = "looked"
KEPT = "kept"
SORTED = "sorted"
WRITING = "writing"

POINTS = (CLAIMED, READ, LEARNED, COMPARED, RECORDED, WRITTEN, CHECKED, PUBLISHED, AVAILABLE, LIVE)
"""In the order in which a training passes them."""

GROUPED = "grouped"
"""Strangers have been told apart, and nothing of it is committed."""

TAKEN = "taken"
"""Faces became samples, and a training of them was asked for."""

ERASURE_POINTS = (REMOVED, FORGOTTEN)
"""Passed after them, if somebody is to be forgotten."""

PHOTO_POINTS = (LOOKED, KEPT, SORTED, WRITING)
"""Passed by the sorting of photos: the first two once for each picture."""


def reached(point: str) -> None:
    """Die here if the environment says so."""
    if os.environ.get(ENV) == point:
        os.kill(os.getpid(), signal.SIGKILL)
