"""Scopes: what a key may be used for; each route asks for one of them, or lets everybody in."""

from enum import StrEnum


class Scope(StrEnum):
    """One thing that a key may be used for."""

    RECOGNIZE = "recognize"
    ENROLL = "enroll"
    PEOPLE = "people"
    SIGHTINGS = "sightings"
    EVENTS = "events"
    OPERATE = "operate"
