"""Recognition: who is on a picture; and without names, which faces are, and whether two pictures show one person."""

import time
from typing import Protocol

from flask import Blueprint, g, request

from familiar.errors import InvalidInput
from familiar.records import clean_name
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.recognizing import answering, burst, comparison, representations
from familiar_gateway.recognizing.recognition import Recognizer
from familiar_gateway.web import Json, asks_for, payload, pictures, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    recognizer: Recognizer


_FAR_AHEAD_S = 60.0
"""A camera's clock may be fast; by more than this, what it says is no time."""

blueprint = Blueprint("recognition", __name__)


@blueprint.post("/v1/recognize")
@asks_for(Scope.RECOGNIZE)
@payload.reads_query("camera", "captured_at")
def recognize() -> Json:
    """Say who is on a picture, or on a burst of them."""
    most_bytes = services(_Needs).settings.max_image_bytes
    sent = pictures.read_burst(request, most_bytes, burst.MOST_FRAMES, ("camera", "captured_at"))
    named = clean_name(sent.says["camera"]) if "camera" in sent.says else None
    when = answering.occasion(named, _captured_at(sent.says.get("captured_at")))
    if len(sent.pictures) == 1:
        shown = representations.recognition(answering.recognize(sent.pictures[0], when))
    else:
        shown = representations.burst(answering.recognize_burst(sent.pictures, when))
    return {"request_id": g.request_id, **shown}


@blueprint.post("/v1/detect")
@asks_for(Scope.RECOGNIZE)
def detect() -> Json:
    """Say which faces are on a picture, how good they are, and nobody's name."""
    its = services(_Needs)
    (picture,) = pictures.read_burst(request, its.settings.max_image_bytes, 1).pictures
    faces, timings_ms = its.recognizer.detect(picture)
    return {"request_id": g.request_id, **representations.detection(faces, timings_ms)}


@blueprint.post("/v1/verify")
@asks_for(Scope.RECOGNIZE)
def verify() -> Json:
    """Say whether two pictures show one person."""
    its = services(_Needs)
    first, second = pictures.read_named(request, ("first", "second"), its.settings.max_image_bytes)
    made = comparison.compare(its.recognizer, first, second, its.settings.far_target)
    return {"request_id": g.request_id, **representations.comparison(made, its.settings.far_target)}


def _captured_at(text: str | None) -> float:
    now = time.time()
    when = now if text is None else payload.read_time("captured_at", text)
    if not 0 <= when <= now + _FAR_AHEAD_S:
        raise InvalidInput(f"{text!r:.50} has not come yet", code="invalid_field", field="captured_at")
    return min(when, now)
