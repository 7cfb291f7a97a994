"""Workers: who is at the queue, at what, and what each says of itself.

Whoever reaches Redis may write there, so nothing that stands there is believed to have a form.
"""

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

from familiar.disk import Disk

ABOUT = "familiar"
"""The field of a worker's entry in Redis where it says more of itself than RQ asks for."""

_MOST_CHARACTERS = 4_000


@dataclass(frozen=True)
class About:
    """What a worker says of itself: what it is made of, and how much room the models have, None if it cannot tell."""

    software: Mapping[str, str] = field(default_factory=dict)
    models: Disk | None = None

    def to_json(self) -> str:
        """Return it as it stands in Redis."""
        return json.dumps({"software": dict(self.software), "models": asdict(self.models) if self.models else None})

    @classmethod
    def from_json(cls, text: str) -> Self:
        """Read what stands in Redis; what cannot be understood says nothing."""
        try:
            told = json.loads(text[:_MOST_CHARACTERS])
            software = {str(name): str(version) for name, version in told["software"].items()}
            models = told["models"]
            return cls(software, None if models is None else Disk(**{key: int(models[key]) for key in models}))
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
            return cls()


@dataclass(frozen=True)
class WorkerState:
    """One worker.

    Attributes:
        name: its own, which no other has.
        state: in RQ's words: ``started``, ``idle``, ``busy``, ``suspended``.
        training_id: what it is at; None while it waits.
        since: when it came to the queue, in UTC seconds since 1970; None if that is not known.
        seen: when it last gave a sign of life.
        about: what it says of itself.
    """

    name: str
    state: str
    training_id: str | None
    since: float | None
    seen: float | None
    about: About


def text_of(value: Any) -> str:
    """Return what Redis gave as text."""
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value or "")
