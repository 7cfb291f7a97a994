"""Names: no two people are enrolled under the same one unless that is meant."""

from sqlalchemy.orm import Session

from familiar.errors import Conflict
from familiar.records import people


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
