"""People: list, rename, look at their samples, and delete them without a trace."""

from typing import Protocol

from flask import Blueprint, Response, request

from familiar.records import (
    Database,
    captures,
    check_id,
    clean_name,
    enrollments,
    people,
    person,
    samples,
    versions,
)
from familiar.scope import Scope
from familiar_gateway.people import representations
from familiar_gateway.people.forgetting import forget_people, forget_samples
from familiar_gateway.people.learning_anew import Answer
from familiar_gateway.people.names import give_name
from familiar_gateway.web import Json, asks_for, page, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database


blueprint = Blueprint("people", __name__, url_prefix="/v1/people")


@blueprint.get("")
@asks_for(Scope.PEOPLE)
def list_all() -> Json:
    """List people by name, all or those whose name holds what is looked for."""
    query = payload.read_query(request, payload.PAGE, ("search",))
    wanted = payload.read_text("search", request.args.get("search", ""), person.MAX_NAME_LENGTH)
    with services(_Needs).database.read() as session:
        if wanted:
            found, total = people.search(session, wanted, **query)
        else:
            found, total = people.summaries(session, **query), people.count(session)
        return page("people", [representations.person(each) for each in found], total=total, **query)


@blueprint.get("/<person_id>")
@asks_for(Scope.PEOPLE)
def show(person_id: str) -> Json:
    """Show one person, with what the live head's report tells of them."""
    payload.read_query(request, {})
    check_id(person_id, "person")
    with services(_Needs).database.read() as session:
        summary, live = people.summary(session, person_id), versions.live_head(session)
        told = versions.report_of(session, live.version, person_id) if live else None
        meant = people.meant(session, {person_id, *([told["nearest"]] if told and told["nearest"] else [])})
        refused, consent = captures.refused(session, person_id), enrollments.consent(session, person_id)
        return representations.person_card(summary, told, meant, refused, consent)


@blueprint.patch("/<person_id>")
@asks_for(Scope.PEOPLE)
def rename(person_id: str) -> Json:
    """Give a person another name; it is shown from the next answer on."""
    check_id(person_id, "person")
    body = payload.read_object(request, {"name": str, "allow_same_name": bool}, required=("name",))
    give_name(person_id, clean_name(body["name"]), shares_name=body.get("allow_same_name", False))
    with services(_Needs).database.read() as session:
        return representations.person(people.summary(session, person_id))


@blueprint.delete("/<person_id>")
@asks_for(Scope.PEOPLE)
def erase(person_id: str) -> Answer:
    """Delete a person with crops, embeddings and enrolments, and have the models made anew without them."""
    check_id(person_id, "person")
    return forget_people(lambda _: [person_id])


@blueprint.get("/<person_id>/samples")
@asks_for(Scope.PEOPLE)
def list_samples(person_id: str) -> Json:
    """List a person's samples, the oldest first."""
    query = payload.read_query(request, payload.PAGE)
    check_id(person_id, "person")
    with services(_Needs).database.read() as session:
        people.get(session, person_id)
        rows = [representations.sample(each) for each in samples.of_person(session, person_id, **query)]
        return page("samples", rows, total=samples.count(session, person_id), **query)


@blueprint.get("/<person_id>/samples/<sample_id>")
@asks_for(Scope.PEOPLE)
def show_sample(person_id: str, sample_id: str) -> Response:
    """Show the crop of a sample as JPEG."""
    payload.read_query(request, {})
    check_id(person_id, "person")
    check_id(sample_id, "sample")
    with services(_Needs).database.read() as session:
        return Response(samples.get(session, person_id, sample_id).crop, mimetype="image/jpeg")


@blueprint.delete("/<person_id>/samples/<sample_id>")
@asks_for(Scope.PEOPLE)
def remove_sample(person_id: str, sample_id: str) -> Answer:
    """Delete one sample, and have the person learned anew without it."""
    check_id(person_id, "person")
    check_id(sample_id, "sample")
    return forget_samples(lambda session: [samples.get(session, person_id, sample_id)])
