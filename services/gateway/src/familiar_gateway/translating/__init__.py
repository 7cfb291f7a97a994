"""Translating: answering clients of other systems in the words of those; it decides nothing itself."""

from flask import Blueprint

from familiar.errors import MisconfiguredError
from familiar_gateway.translating import compreface, deepstack

_DOORS = {"compreface": compreface.blueprint, "deepstack": deepstack.blueprint}

WITH_PICTURES = (
    "compreface.recognize",
    "compreface.detect",
    "compreface.verify",
    "compreface.verify_stored",
    "compreface.add_face",
    "deepstack.detect",
    "deepstack.recognize",
    "deepstack.register",
    "deepstack.match",
)
"""The endpoints that take a picture, or several that are together no larger than one may be."""


def doors(setting: str) -> list[Blueprint]:
    """Return the routes of the doors that a setting names, with commas between.

    Raises:
        MisconfiguredError: there is no such door.
    """
    names = dict.fromkeys(name.strip() for name in setting.split(",") if name.strip())
    for name in names:
        if name not in _DOORS:
            raise MisconfiguredError(f"DOORS={setting!r}: {name!r} is no door; there are {', '.join(_DOORS)}")
    return [_DOORS[name] for name in names]


__all__ = ["WITH_PICTURES", "doors"]
