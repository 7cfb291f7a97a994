"""Senders: what a way of telling is handed, and what it says became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from familiar.records import EventKind
from familiar_gateway.web import Json


@dataclass(frozen=True)
class Message:
    """An event on its way; ``body`` is what is told."""

    number: int
    id: str
    kind: EventKind
    body: Json


@dataclass(frozen=True)
class Line:
    """Messages of one camera, '' for those of none, in their order; ``today``: so many people have come this day."""

    camera: str
    messages: Sequence[Message]
    today: int = 0


@dataclass(frozen=True)
class Result:
    """What became of a line.

    Attributes:
        told: so many of its messages, from the first on, have arrived.
        problem: why no more have, without an address or a secret; None if all have, or there was no time.
        again_s: so long the other side asks to be left alone.
        shown: which event is shown under which topic from now on.
    """

    told: int
    problem: str | None = None
    again_s: float = 0.0
    shown: Mapping[str, str] = field(default_factory=dict)


class Sender(Protocol):
    """A way of telling one destination; it is used by one thread."""

    def send(self, lines: Sequence[Line], until: float) -> list[Result]:
        """Tell what is on each line, in order; nothing is begun after ``until`` by the monotonic clock."""

    def clear(self, topics: Sequence[str]) -> None:
        """Have nothing shown under these topics any more.

        Raises:
            OSError: that cannot be said at this moment.
        """

    def recount(self, today: Mapping[str, int], topics: Sequence[str]) -> None:
        """Show that we are here, and how many have come today, by camera, where one of these topics shows it.

        Raises:
            OSError: that cannot be said at this moment.
        """

    def close(self) -> None:
        """Let go of all connections."""
