"""Search: past sightings of the face on a picture, known or not, the most alike first."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from flask import Blueprint, g, request

from familiar.knowing import Float32
from familiar.records import Database, sightings
from familiar.scope import Scope
from familiar.serving import Models
from familiar.settings import Settings
from familiar_gateway.recognizing import Recognizer, show_face
from familiar_gateway.remembering import queries
from familiar_gateway.remembering.notebook import likeness
from familiar_gateway.remembering.sightings import show_all
from familiar_gateway.web import Json, asks_for, payload, pictures, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    models: Models
    recognizer: Recognizer


blueprint = Blueprint("search", __name__)

_LIMIT = (20, 1, 100)
_SAME_PERSON = 0.002
"""So many of two strangers are as alike as two sightings must be to be taken for one person's."""


@blueprint.post("/v1/search")
@asks_for(Scope.SIGHTINGS)
@payload.reads_query(*queries.NARROWING, "limit")
def search() -> Json:
    """Find the sightings that are most like the largest face on a picture."""
    its = services(_Needs)
    sent = pictures.read_burst(request, its.settings.max_image_bytes, 1, (*queries.NARROWING, "limit"))
    limit, wanted = queries.read_number("limit", sent.says.get("limit"), *_LIMIT), queries.read_wanted(sent.says)
    answer = its.recognizer.recognize(sent.pictures[0])
    face = answer.faces[0] if answer.faces else None
    found: list[tuple[float, str]] = []
    searched = 0
    with its.database.read() as session:
        total = sightings.count(session, wanted)
        if face is not None and face.embedding is not None:
            for scored in _scored(sightings.vectors(session, answer.backbone_version, wanted), face.embedding):
                searched += len(scored)
                found = sorted([*found, *scored], reverse=True)[:limit]
        rows = sightings.several(session, [sighting_id for _, sighting_id in found])
        shown = {each["id"]: each for each in show_all(session, list(rows.values()))}
    return {
        "request_id": g.request_id,
        "face": None if face is None else show_face(face, answer.names),
        "alike_from": round(likeness(its.models, answer.backbone_version, _SAME_PERSON), 4),
        "searched": searched,
        "not_searched": total - searched,
        "sightings": [{"score": round(score, 4), "sighting": shown[each]} for score, each in found if each in shown],
    }


def _scored(parts: Iterator[tuple[list[str], Float32]], embedding: Float32) -> Iterator[list[tuple[float, str]]]:
    for ids, rows in parts:
        yield list(zip(np.clip(rows @ embedding, -1, 1).tolist(), ids, strict=True))
