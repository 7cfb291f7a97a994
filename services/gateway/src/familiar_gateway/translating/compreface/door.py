"""The door: the address that the routes have in common, and its numbers for what went wrong."""

from flask import Blueprint

from familiar_gateway.translating import faults
from familiar_gateway.web import Json

blueprint = Blueprint("compreface", __name__, url_prefix="/api/v1")

_UNDEFINED, _KEY_UNKNOWN, _NO_IMAGE, _KEY_MISSING, _NO_PICTURE, _CONSTRAINT, _NO_FACE = 0, 10, 11, 20, 21, 26, 28
_SEVERAL_FACES, _NO_PARAMETER, _NO_PART, _ARGUMENT, _CORE, _NO_SUBJECT, _SUBJECT_EXISTS = 31, 33, 34, 36, 41, 42, 43

_BY_REASON = {"no_face": _NO_FACE, "several_faces": _SEVERAL_FACES}
_BY_CODE = {
    "key_required": (400, _KEY_MISSING),
    "key_unknown": (404, _KEY_UNKNOWN),
    "key_revoked": (404, _KEY_UNKNOWN),
    "key_expired": (404, _KEY_UNKNOWN),
    "sample_not_found": (404, _NO_IMAGE),
    "person_not_found": (404, _NO_SUBJECT),
    "name_taken": (400, _SUBJECT_EXISTS),
    "already_known": (400, _SUBJECT_EXISTS),
    "not_alike": (400, _CONSTRAINT),
    "invalid_name": (400, _CONSTRAINT),
    "invalid_image": (400, _NO_PICTURE),
    "unsupported_media_type": (400, _NO_PART),
    "missing_field": (400, _NO_PART),
    "conflict": (400, _ARGUMENT),
    **dict.fromkeys(
        ("invalid_field", "unknown_field", "invalid_query", "invalid_id", "invalid_json"), (400, _ARGUMENT)
    ),
}
_SENTENCES = {
    "key_required": "Missing header: x-api-key",
    "name_taken": "Subject already exists",
    "already_known": "This face is that of another subject already: {person[name]}",
    "not_alike": "This face does not look like those of the subject",
}


def _say(error: Json, status: int) -> tuple[Json, int]:
    """Return what clients know by a number and its status; all else keeps the status that it has with us."""
    code, details = error["code"], error["details"]
    number = _CORE if status == 503 else _UNDEFINED
    if "parameter" in details:
        number = _NO_PARAMETER
    elif "reason" in details:
        number = _BY_REASON.get(details["reason"], _CONSTRAINT)
    elif code in _BY_CODE:
        status, number = _BY_CODE[code]
    sentence = _SENTENCES.get(code)
    return {"message": error["message"] if sentence is None else sentence.format_map(details), "code": number}, status


faults.translate(blueprint, _say)
