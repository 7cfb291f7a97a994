"""Availability first: decide which version of a model is loaded or unloaded next."""

from __future__ import annotations

from collections.abc import Collection
from enum import Enum, auto
from typing import Protocol, TypeVar


class Stage(Enum):
    """Where the server stands with a version it manages."""

    NEW = auto()
    LOADING = auto()
    READY = auto()
    UNLOADING = auto()
    FAILED = auto()


class Candidate(Protocol):
    """A managed version, as far as the decision needs it."""

    @property
    def version(self) -> int:
        """Its number."""
        ...

    @property
    def stage(self) -> Stage:
        """How far it has come."""
        ...

    @property
    def aspired(self) -> bool:
        """Whether it should be served."""
        ...


C = TypeVar("C", bound=Candidate)


def to_unload(versions: Collection[C]) -> C | None:
    """Pick the lowest ready version that is no longer wanted, if serving goes on without it."""
    surplus = [v for v in versions if v.stage is Stage.READY and not v.aspired]
    wanted = [v for v in versions if v.aspired]
    replaced = any(v.stage is Stage.READY for v in wanted)
    if surplus and (not wanted or replaced or len(surplus) > 1):
        return min(surplus, key=lambda v: v.version)
    return None


def to_load(versions: Collection[C]) -> C | None:
    """Pick the highest wanted version that was not tried yet."""
    new = [v for v in versions if v.stage is Stage.NEW and v.aspired]
    return max(new, key=lambda v: v.version, default=None)
