"""DeepStack: its calls about faces, ``/v1/vision/face``, as its clients ask; each is a form with a key in it."""

from collections.abc import Mapping
from typing import Protocol

from flask import Blueprint, request

from familiar.errors import InvalidInput
from familiar.records import Database, clean_name, people
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.enrolling import teach
from familiar_gateway.people import forget_people
from familiar_gateway.recognizing import Recognizer, answering, comparison
from familiar_gateway.translating import faults, names, values
from familiar_gateway.translating.similarity import of_match, of_named
from familiar_gateway.web import Json, asks_for, pictures, services, takes_key


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    recognizer: Recognizer


blueprint = Blueprint("deepstack", __name__, url_prefix="/v1/vision/face")

_NOBODY = "unknown"
_SENTENCES = {
    "key_required": "Incorrect api key",
    "key_unknown": "Incorrect api key",
    "key_revoked": "Incorrect api key",
    "key_expired": "Incorrect api key",
    "invalid_image": "invalid image",
}
_TOLD_BY_STATUS = frozenset({401, 403, 413, 429})


def _say(error: Json, status: int) -> tuple[Json, int]:
    """Return an error as DeepStack has it: a sentence, and 400 for nearly all that clients do wrong."""
    sentence = "no face detected" if error["details"].get("reason") == "no_face" else _SENTENCES.get(error["code"])
    status = status if status >= 500 or status in _TOLD_BY_STATUS else 400
    return {"success": False, "error": sentence or error["message"]}, status


faults.translate(blueprint, _say)


def _form() -> Mapping[str, str]:
    """Return the texts of the form, which has room for one picture, or several that are no larger together."""
    request.max_content_length = services(_Needs).settings.max_image_bytes + pictures.FORM_OVERHEAD_BYTES
    return request.form


def _key() -> str | None:
    return _form().get("api_key")


@blueprint.post("", strict_slashes=False)
@asks_for(Scope.RECOGNIZE)
@takes_key(_key)
def detect() -> Json:
    """Say which faces are on a picture."""
    least, (picture,) = _least(), _read(1)
    faces, _ = services(_Needs).recognizer.detect(picture)
    found = [
        {"confidence": round(each.face.confidence, 5), **values.pixels(each.face.box)}
        for each in faces
        if each.face.confidence >= least
    ]
    return {"success": True, "predictions": found}


@blueprint.post("/recognize", strict_slashes=False)
@asks_for(Scope.RECOGNIZE)
@takes_key(_key)
def recognize() -> Json:
    """Say who is on a picture."""
    least, (picture,) = _least(), _read(1)
    answer = answering.recognize(picture, answering.occasion())
    found = []
    for face in answer.faces:
        made = face.decision
        confidence = 0.0 if made.person_id is None else of_named(made.score, answer.threshold)
        named = made.person_id is not None and confidence >= least
        found.append(
            {
                "confidence": confidence if named else 0,
                "userid": answer.names[made.person_id] if made.person_id is not None and named else _NOBODY,
                **values.pixels(face.observation.face.box),
            }
        )
    return {"success": True, "predictions": found}


@blueprint.post("/register", strict_slashes=False)
@asks_for(Scope.ENROLL)
@takes_key(_key)
def register() -> Json:
    """Add pictures to somebody, who is enrolled with them if nobody is enrolled under that name."""
    taught = teach(_userid(), _read(services(_Needs).settings.enroll_max_frames))
    if not taught.sample_ids:
        raise faults.Unfit(taught.reasons[0])
    return {"success": True, "message": "face added" if taught.is_new else "face updated"}


@blueprint.post("/list", strict_slashes=False)
@asks_for(Scope.PEOPLE)
@takes_key(_key)
def list_faces() -> Json:
    """List the names of everybody who is enrolled."""
    with services(_Needs).database.read() as session:
        return {"success": True, "faces": names.of_everybody(session)}


@blueprint.post("/delete", strict_slashes=False)
@asks_for(Scope.PEOPLE)
@takes_key(_key)
def delete_face() -> Json:
    """Delete a person with all that is stored of them; it is as well if there was nobody."""
    name = _userid()
    with services(_Needs).database.read() as session:
        person = people.of_name(session, name)
    if person is not None:
        forget_people(lambda session: [names.require(session, name).id])
    return {"success": True}


@blueprint.post("/match", strict_slashes=False)
@asks_for(Scope.RECOGNIZE)
@takes_key(_key)
def match() -> Json:
    """Say how like the largest faces of two pictures are."""
    its = services(_Needs)
    first, second = _read(2, least=2)
    made = comparison.compare(its.recognizer, first, second, its.settings.far_target)
    if made.face is None or not made.matches:
        raise faults.Unfit("no_face")
    return {"success": True, "similarity": of_match(made.matches[0].likeness)}


def _read(most: int, least: int = 1) -> list[bytes]:
    """Return the pictures of the form: the file ``image`` where one is wanted, else all files, whatever their names."""
    _form()
    most_bytes = services(_Needs).settings.max_image_bytes
    fields = ["image"] if most == 1 else list(request.files)
    files = [file for field in fields for file in request.files.getlist(field)]
    if not files:
        raise InvalidInput("No valid image file found")
    if not least <= len(files) <= most:
        raise InvalidInput(f"expected {least if most == least else f'{least} to {most}'} image files, got {len(files)}")
    return [pictures.read_file(file, most_bytes) for file in files]


def _userid() -> str:
    given = _form().get("userid")
    if not given:
        raise InvalidInput("userid not specified")
    return clean_name(given)


def _least() -> float:
    value = values.share(_form().get("min_confidence") or "0")
    if value is None:
        raise InvalidInput("Invalid value for min_confidence: a number from 0 to 1 is expected")
    return value
