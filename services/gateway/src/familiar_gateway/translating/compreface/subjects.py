"""Subjects: people, known by their names alone."""

from typing import Protocol

from flask import request
from sqlalchemy.orm import Session
from werkzeug.routing import PathConverter

from familiar.records import Action, Database, audit, clean_name, people
from familiar.scope import Scope
from familiar_gateway.correcting import merge_people
from familiar_gateway.people import forget_people, give_name, require_free_name
from familiar_gateway.translating import names
from familiar_gateway.translating.compreface.door import blueprint
from familiar_gateway.web import Json, asks_for, caller, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database


class _Subject(PathConverter):
    """A name in an address, which may begin with a slash: without it, it would be somebody else's, or everybody's."""

    regex = ".+?"
    part_isolating = False


blueprint.record(lambda state: state.app.url_map.converters.update(subject=_Subject))
_ALL, _ONE = "/recognition/subjects", "/recognition/subjects/<subject:subject>"


@blueprint.post(_ALL, strict_slashes=False)
@asks_for(Scope.ENROLL)
def add_subject() -> tuple[Json, int]:
    """Enrol somebody without a picture."""
    name = _read_name()

    def add(session: Session) -> None:
        require_free_name(session, name)
        person = people.add(session, name, enrolled=True)
        audit.note(session, caller(), Action.PERSON_ENROLLED, person.id)

    services(_Needs).database.retry(add)
    return {"subject": name}, 201


@blueprint.get(_ALL, strict_slashes=False)
@asks_for(Scope.PEOPLE)
def list_subjects() -> Json:
    """List the names of everybody who is enrolled."""
    payload.read_query(request, {})
    with services(_Needs).database.read() as session:
        return {"subjects": names.of_everybody(session)}


@blueprint.put(_ONE)
@asks_for(Scope.PEOPLE)
def rename_subject(subject: str) -> Json:
    """Give a person another name; if somebody else has it, the two are one person from now on."""
    name = _read_name()
    with services(_Needs).database.read() as session:
        person, other = names.require(session, subject), people.of_name(session, name)
    if other is None or other.id == person.id:
        give_name(person.id, name)
    else:
        merge_people(other.id, person.id)
    return {"updated": True}


@blueprint.delete(_ONE)
@asks_for(Scope.PEOPLE)
def delete_subject(subject: str) -> Json:
    """Delete a person with all that is stored of them."""
    name = clean_name(subject)
    forget_people(lambda session: [names.require(session, name).id])
    return {"subject": name}


@blueprint.delete(_ALL)  # with a slash behind, a name is missing: clients send "." and ".." as such
@asks_for(Scope.PEOPLE)
def delete_subjects() -> Json:
    """Delete everybody who is enrolled."""
    with services(_Needs).database.read() as session:
        doomed = {each.id for each in people.roll(session)}
    if doomed:
        # Who has gone meanwhile is none of those who are deleted here.
        forget_people(lambda session: sorted(doomed & people.names(session, doomed).keys()))
    return {"deleted": len(doomed)}


def _read_name() -> str:
    """Return the name that the body says; clients say more, which is not looked at."""
    return clean_name(payload.read_object(request, {"subject": object}, alone=False).get("subject", ""))
