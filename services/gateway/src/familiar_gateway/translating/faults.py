"""Faults: what went wrong, decided and counted as everywhere, and said in the words of another system."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, Response, jsonify

from familiar.errors import InvalidInput
from familiar.reason import Reason
from familiar_gateway.web import Json, errors

Say = Callable[[Json, int], tuple[Json, int]]
"""From our error, as the one error body has it, and our status to the body and the status of another system."""

_SENTENCES = {
    Reason.NO_FACE: "No face is found in the given image",
    Reason.SEVERAL_FACES: "Found more than one face in the given image",
    Reason.TOO_SMALL: "The face in the given image is too small",
    Reason.BLURRED: "The face in the given image is blurred",
    Reason.TOO_DARK: "The face in the given image is too dark",
    Reason.TOO_BRIGHT: "The face in the given image is too bright",
    Reason.TURNED_AWAY: "The face in the given image is turned away",
    Reason.CUT_OFF: "The face in the given image is cut off",
    Reason.NEAR_COPY: "The given image is nearly the same as another one",
}


class Unfit(InvalidInput):
    """A picture that cannot be used, for a ``reason`` that our API answers as a verdict and others as a fault."""

    def __init__(self, reason: str) -> None:
        said = _SENTENCES.get(Reason(reason)) if reason in set(Reason) else None
        super().__init__(said or "The given image cannot be used", reason=reason)


def translate(blueprint: Blueprint, say: Say) -> None:
    """Have every failure of these routes answered as ``say`` puts it."""

    def answer(error: Exception) -> Response:
        ours = errors.respond(error)
        told: Any = ours.get_json(silent=True)
        if told is None:  # a redirect
            return ours
        body, status = say(told["error"], ours.status_code)
        theirs = jsonify(body)
        theirs.status_code = status
        for name in ("Retry-After", "Allow"):
            if name in ours.headers:
                theirs.headers[name] = ours.headers[name]
        return theirs

    blueprint.register_error_handler(Exception, answer)
