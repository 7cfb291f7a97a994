"""Events: the words for what others are told."""

from enum import StrEnum


class EventKind(StrEnum):
    """What happened; the words are part of the API."""

    PERSON_SEEN = "person_seen"
    """Somebody known came before a camera."""
    UNKNOWN_SEEN = "unknown_seen"
    """Somebody unknown did, and stayed for so many frames."""
    PERSON_ENROLLED = "person_enrolled"
    """Somebody was learned, and is recognised from now on."""
