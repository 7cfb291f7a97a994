"""Names: no two people are enrolled under the same one unless that is meant."""

from typing import Protocol

from sqlalchemy.orm import Session

from familiar.errors import Conflict
from familiar.records import Action, Database, audit, people
from familiar_gateway.web import caller, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    database: Database


def give_name(person_id: str, name: str, *, shares_name: bool = False) -> None:
    """Give a person another name, already cleaned; it is shown from the next answer on.

    Raises:
        NotFound: there is none with that id.
        Conflict: somebody else is enrolled under it, and they may not share it.
    """

    def give(session: Session) -> None:
        person = people.get(session, person_id)
        if not shares_name:
            require_free_name(session, name, but=person_id)
        people.rename(session, person, name, shares_name=shares_name)
        audit.note(session, caller(), Action.PERSON_RENAMED, person_id)

    services(_Needs).database.retry(give)


def require_free_name(session: Session, name: str, *, but: str | None = None, **details: str) -> None:
    """Check that nobody else is enrolled under a name that looks like this one.

    Of two who come at the same time both may pass; the database's constraint then lets one of them through, and whoever
    does all of its transaction again finds the name taken here.

    Raises:
        Conflict: somebody is; the error has these ``details`` besides.
    """
    others = [person for person in people.namesakes(session, name) if person.id != but]
    if others:
        raise Conflict(
            f"{name} is enrolled already: send person_id for more samples of the same person, "
            "allow_same_name for another person of that name, or another name",
            code="name_taken",
            **details,
            people=[{"id": person.id, "name": person.name} for person in others],
        )
