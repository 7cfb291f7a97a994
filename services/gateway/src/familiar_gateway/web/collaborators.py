"""The collaborators of the application that serves a request."""

from typing import TypeVar, cast

from flask import current_app

KEY = "familiar"
T = TypeVar("T")


def services(needs: type[T]) -> T:
    """Return what ``create_app`` was given, as somebody sees it who ``needs`` only a part of it."""
    return cast(T, current_app.extensions[KEY])
