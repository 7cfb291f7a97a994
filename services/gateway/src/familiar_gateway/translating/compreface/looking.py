"""Looking: recognise faces, find them, and compare two."""

from typing import Protocol

from flask import request

from familiar.records import Database
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.recognizing import Recognizer, answering, comparison
from familiar_gateway.translating import faults
from familiar_gateway.translating.compreface import examples, options
from familiar_gateway.translating.compreface.door import blueprint
from familiar_gateway.translating.similarity import of_match, of_named
from familiar_gateway.web import Json, asks_for, payload, pictures, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    recognizer: Recognizer


@blueprint.post("/recognition/recognize")
@asks_for(Scope.RECOGNIZE)
@payload.reads_query(*options.NAMES)
def recognize() -> Json:
    """Say who is on a picture; of whom nobody would be named there are no subjects."""
    wanted = options.read()
    answer = answering.recognize(_picture(), answering.occasion())
    result = []
    for face in wanted.choose(answer.faces, lambda each: each.observation):
        person_id, named = face.decision.person_id, []
        if person_id is not None:
            named = [
                {"subject": answer.names[person_id], "similarity": of_named(face.decision.score, answer.threshold)}
            ]
        result.append({**wanted.show(face.observation, answer.timings_ms), "subjects": named})
    return {"result": result, **wanted.versions(answer.backbone_version)}


@blueprint.post("/detection/detect")
@asks_for(Scope.RECOGNIZE)
@payload.reads_query(*options.NAMES)
def detect() -> Json:
    """Say which faces are on a picture."""
    wanted = options.read()
    faces, timings_ms = services(_Needs).recognizer.detect(_picture())
    result = [wanted.show(each, timings_ms) for each in wanted.choose(faces, lambda each: each)]
    return {"result": result, **wanted.versions()}


@blueprint.post("/verification/verify")
@asks_for(Scope.RECOGNIZE)
@payload.reads_query(*options.NAMES)
def verify() -> Json:
    """Say how like the largest face of one picture those of another one are."""
    its, wanted = services(_Needs), options.read()
    source, target = _read("source_image", "target_image")
    settings = its.settings
    made = comparison.compare(its.recognizer, source, target, settings.far_target, settings.max_faces)
    if made.face is None:
        raise faults.Unfit("no_face")
    found = {"source_image_face": wanted.show(made.face, made.timings_ms), "face_matches": _matches(made, wanted)}
    return {"result": [{**found, **wanted.versions(made.backbone_version)}]}


@blueprint.post("/recognition/faces/<image>/verify")
@asks_for(Scope.RECOGNIZE)
@payload.reads_query(*options.NAMES)
def verify_stored(image: str) -> Json:
    """Say how like an example the faces of a picture are."""
    its, wanted = services(_Needs), options.read()
    picture = _picture()
    with its.database.read() as session:
        crop = examples.find(session, image)[0].crop
    settings = its.settings
    made = comparison.compare_stored(its.recognizer, crop, picture, settings.far_target, settings.max_faces)
    return {"result": _matches(made, wanted), **wanted.versions(made.backbone_version)}


def _matches(made: comparison.Comparison, wanted: options.Options) -> list[Json]:
    chosen = wanted.choose(made.matches, lambda each: each.face)
    return [{**wanted.show(each.face, made.timings_ms), "similarity": of_match(each.likeness)} for each in chosen]


def _picture() -> bytes:
    return _read("file")[0]


def _read(*names: str) -> list[bytes]:
    return pictures.read_named(request, names, services(_Needs).settings.max_image_bytes, alone=False)
