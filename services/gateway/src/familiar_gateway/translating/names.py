"""Names: who is meant by clients that know people by nothing else."""

from sqlalchemy.orm import Session

from familiar.errors import NotFound
from familiar.records import Person, clean_name, people


def require(session: Session, given: str) -> Person:
    """Return who is enrolled under a name.

    Raises:
        InvalidInput: it is no name.
        NotFound: nobody is.
        Conflict: several are.
    """
    name = clean_name(given)
    person = people.of_name(session, name)
    if person is None:
        raise NotFound(f"nobody is enrolled as {name}", code="person_not_found")
    return person


def of_everybody(session: Session) -> list[str]:
    """Return the names of everybody who is enrolled, each once."""
    return list(dict.fromkeys(each.name for each in people.roll(session)))
