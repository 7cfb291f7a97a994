"""Examples: the pictures that somebody is learned from, by ids as clients expect them."""

import uuid
from collections.abc import Sequence
from typing import Protocol

from flask import Response, request
from sqlalchemy.orm import Session

from familiar.errors import InvalidInput, NotFound
from familiar.records import Database, Sample, check_id, clean_name, people, samples
from familiar.scope import Scope
from familiar.settings import Settings
from familiar_gateway.enrolling import teach
from familiar_gateway.people import forget_samples
from familiar_gateway.translating import faults, names
from familiar_gateway.translating.compreface.door import blueprint
from familiar_gateway.web import Json, asks_for, payload, pictures, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database


_ALL, _ONE = "/recognition/faces", "/recognition/faces/<image>"
_MOST_AT_ONCE = 1000


@blueprint.post(_ALL)
@asks_for(Scope.ENROLL)
@payload.reads_query("subject", "det_prob_threshold")
def add_face() -> tuple[Json, int]:
    """Add a picture to somebody, who is enrolled with it if nobody is enrolled under that name."""
    if "subject" not in request.args:
        raise InvalidInput("Required parameter is missing: subject", parameter="subject")
    name = clean_name(request.args["subject"])
    taught = teach(
        name, pictures.read_named(request, ("file",), services(_Needs).settings.max_image_bytes, alone=False)
    )
    if not taught.sample_ids:
        raise faults.Unfit(taught.reasons[0])
    return _show(taught.sample_ids[0], name), 201


@blueprint.get(_ALL)
@asks_for(Scope.PEOPLE)
def list_faces() -> Json:
    """List everybody's examples, or one subject's, in pages."""
    asked = payload.read_query(request, {"page": (0, 0, 10**6), "size": (20, 1, 2000)}, ("subject",))
    page, size = asked["page"], asked["size"]
    with services(_Needs).database.read() as session:
        person_id = None
        if request.args.get("subject"):
            person_id = names.require(session, request.args["subject"]).id
        rows = samples.roll(session, person_id, limit=size, offset=page * size)
        total = samples.roll_length(session, person_id)
    return {
        "faces": [_show(sample_id, name) for sample_id, name in rows],
        "page_number": page,
        "page_size": size,
        "total_pages": -(-total // size),
        "total_elements": total,
    }


@blueprint.delete(_ALL)
@asks_for(Scope.PEOPLE)
@payload.reads_query("subject")
def delete_faces() -> Json:
    """Delete all examples of a subject, or, if none is named, of everybody; who they are of stays enrolled."""
    name = clean_name(request.args["subject"]) if "subject" in request.args else None
    with services(_Needs).database.read() as session:
        person = None if name is None else people.of_name(session, name)
        if name is not None and person is None:
            return {"deleted": 0}
        doomed = [sample_id for sample_id, _ in samples.roll(session, None if person is None else person.id)]
    return {"deleted": len(_forget(doomed))}


@blueprint.delete(_ONE)
@asks_for(Scope.PEOPLE)
def delete_face(image: str) -> Json:
    """Delete an example."""
    with services(_Needs).database.read() as session:
        doomed, name = find(session, image)
    _forget([doomed.id])
    return _show(doomed.id, name)


@blueprint.post(f"{_ALL}/delete")
@asks_for(Scope.PEOPLE)
def delete_several_faces() -> list[Json]:
    """Delete examples by their ids; of those that are not there nothing is said."""
    given = payload.read_json(request, list)
    for each in given:
        payload.check_type("image_id", each, str)
    if len(given) > _MOST_AT_ONCE:
        raise InvalidInput(
            f"{_MOST_AT_ONCE} images at most are deleted at once, got {len(given)}", code="invalid_field"
        )
    return _forget([_sample_id(each) for each in given])


@blueprint.get(f"{_ONE}/img")
@asks_for(Scope.PEOPLE)
def show_face(image: str) -> Response:
    """Show the crop of an example as JPEG."""
    payload.read_query(request, {})
    with services(_Needs).database.read() as session:
        return Response(find(session, image)[0].crop, mimetype="image/jpeg")


def find(session: Session, image: str) -> tuple[Sample, str]:
    """Return the example that clients know by a UUID, and whose it is.

    Raises:
        InvalidInput: it is none.
        NotFound: nobody enrolled has it.
    """
    found = samples.find(session, [_sample_id(image)])
    if not found:
        raise NotFound(f"there is no image {image}", code="sample_not_found")
    return found[0]


def _sample_id(image: str) -> str:
    return check_id(image.replace("-", "").lower(), "image")


def _forget(sample_ids: Sequence[str]) -> list[Json]:
    """Delete those samples that are there, and show what they were."""
    gone: list[Json] = []

    def choose(session: Session) -> list[Sample]:
        found = [
            each
            for start in range(0, len(sample_ids), _MOST_AT_ONCE)
            for each in samples.find(session, sample_ids[start : start + _MOST_AT_ONCE])
        ]
        gone[:] = [_show(sample.id, name) for sample, name in found]
        return [sample for sample, _ in found]

    with services(_Needs).database.read() as session:
        there = choose(session)
    if there:  # or a head would be learned anew for nothing
        forget_samples(choose)
    return gone


def _show(sample_id: str, name: str) -> Json:
    return {"image_id": str(uuid.UUID(hex=sample_id)), "subject": name}
