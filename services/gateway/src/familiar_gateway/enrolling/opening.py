"""Opening an enrolment: for a new person or one already there, once per idempotency key."""

import time

from sqlalchemy.orm import Session

from familiar.errors import Conflict, InvalidInput
from familiar.records import Enrollment, Person, enrollments, people
from familiar.records import person as rules
from familiar_gateway.people import require_free_name

ABANDONED_AFTER_S = 24 * 3600.0
"""A capture that nobody adds to for this long is deleted with its crops when the next one is opened."""

_MAX_KEY_LENGTH = 200


def check_idempotency_key(key: str | None) -> str | None:
    """Return the key if it can be used.

    Raises:
        InvalidInput: it is empty, too long, or has other than printable ASCII characters.
    """
    if key is None or (1 <= len(key) <= _MAX_KEY_LENGTH and all(" " <= char <= "~" for char in key)):
        return key
    raise InvalidInput(
        f"Idempotency-Key must have 1 to {_MAX_KEY_LENGTH} printable ASCII characters", code="invalid_idempotency_key"
    )


def check_person(name: object | None, person_id: str | None) -> tuple[str | None, str | None]:
    """Return name and person id, cleaned; at least one of them is given.

    Raises:
        InvalidInput: neither is given, or one cannot be used.
    """
    if name is None and person_id is None:
        raise InvalidInput(
            "the name is missing: send name, or person_id for more samples of somebody",
            code="missing_field",
            field="name",
        )
    cleaned = None if name is None else rules.clean_name(name)
    return cleaned, None if person_id is None else rules.check_id(person_id, "person")


def open_enrollment(
    session: Session, name: str | None, person_id: str | None, *, key: str | None, allow_same_name: bool
) -> tuple[str, bool]:
    """Return (enrolment id, whether it is new): the one that was opened with ``key`` before, or a new one.

    Raises:
        NotFound: there is no person with that id.
        Conflict: the name is taken, is not that of the person, or the key was used for somebody else.
    """
    for stale in enrollments.abandoned(session, time.time() - ABANDONED_AFTER_S):
        enrollments.discard(session, stale)
    earlier = None if key is None else enrollments.by_key(session, key)
    if earlier is not None:
        _require_same(session, earlier, name, person_id)
        return earlier.id, False
    person = _person_for(session, name, person_id, allow_same_name=allow_same_name)
    return enrollments.open_one(session, person, key).id, True


def _person_for(session: Session, name: str | None, person_id: str | None, *, allow_same_name: bool) -> Person:
    if person_id is not None:
        person = people.get(session, person_id)
        if name is not None and name != person.name:
            raise Conflict(f"person {person_id} is called {person.name}, not {name}", code="name_mismatch")
        return person
    assert name is not None  # checked by check_person
    if not allow_same_name:
        require_free_name(session, name)
    return people.add(session, name)


def _require_same(session: Session, earlier: Enrollment, name: str | None, person_id: str | None) -> None:
    person = people.get(session, earlier.person_id)
    # A person renamed since, or a capture given to somebody already known, is still the one the key stands for.
    if person_id is not None and person_id != person.id:
        raise Conflict("this Idempotency-Key was used for another person", code="idempotency_key_reused")
    if person_id is None and name is not None and name != person.name and earlier.training_id is None:
        raise Conflict("this Idempotency-Key was used for another name", code="idempotency_key_reused")
