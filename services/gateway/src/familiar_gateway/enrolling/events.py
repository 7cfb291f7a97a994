"""What a stream tells of an enrolment: its state whenever that changes, until it has ended."""

from collections.abc import Callable, Iterator
from enum import StrEnum

from familiar.errors import NotFound
from familiar.records import EnrollmentStatus
from familiar_gateway.web import Json, Told


class Event(StrEnum):
    """What a stream tells of; the words are part of the API."""

    STATE = "state"
    """The enrolment as it is now."""
    DELETED = "deleted"
    """The enrolment is no more."""


class States:
    """The states of an enrolment, each told once, beginning with the one that is known already."""

    def __init__(self, first: Json, show: Callable[[], Json]) -> None:
        self._first: Json | None = first
        self._show = show
        self._shown: Json | None = None

    def news(self) -> Iterator[Told]:
        """Yield the state if it is another one than was told last."""
        try:
            state, self._first = self._first or self._show(), None
        except NotFound:
            yield Told(Event.DELETED, {}, is_last=True)
            return
        if state != self._shown:
            self._shown = state
            yield Told(Event.STATE, state, is_last=EnrollmentStatus(state["status"]).ended)
