"""Opening an enrolment: for a new person or one already there, once per idempotency key."""

import contextlib
import hashlib
import json
from collections.abc import Sequence

from sqlalchemy.orm import Session
from werkzeug.datastructures import FileStorage

from familiar.errors import Busy, Conflict, InvalidInput, NotFound
from familiar.records import Person, captures, enrollments, people
from familiar.records import person as rules
from familiar_gateway.people import require_free_name

_MAX_KEY_LENGTH = 200
_MAKES_ROOM_AFTER_S = 600.0
"""Where no more captures may be open, one that nobody has added to for so long is given up for the next one."""


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


def digests_of(files: Sequence[FileStorage]) -> list[str]:
    """Return what tells these files from others; they end rewound."""
    digests = []
    for file in files:
        file.stream.seek(0)
        digests.append(hashlib.file_digest(file.stream, "sha256").hexdigest())  # type: ignore[arg-type]
        file.stream.seek(0)
    return digests


def request_digest(route: str, fields: dict[str, str | bool | None], contents: Sequence[str] = ()) -> str:
    """Return what tells a request from others: where it goes, all it says, and the digests of what it brings."""
    said = json.dumps([route, sorted(fields.items()), list(contents)])
    return hashlib.sha256(said.encode()).hexdigest()


def open_enrollment(
    session: Session, name: str | None, person_id: str | None, *, key: str | None, digest: str | None,
    allow_same_name: bool, consent: str | None, opened_by: str | None, most_open: int,
) -> tuple[str, bool]:  # fmt: skip
    """Return (enrolment id, whether it is new): the one that was opened with ``key`` before, or a new one.

    ``opened_by`` is the id of the caller's key, to whom it belongs.

    Raises:
        NotFound: there is no person with that id.
        Conflict: the name is taken, is not that of the person, or the key was used for another request than the one
            with this ``digest``.
        Busy: ``most_open`` captures are under way; on PostgreSQL a few more where several are opened at one instant.
    """
    earlier = None if key is None else enrollments.by_key(session, key)
    if earlier is not None:
        if earlier.request_digest not in (None, digest):
            raise Conflict("this Idempotency-Key was used for another request", code="idempotency_key_reused")
        return earlier.id, False
    if captures.count_open(session) >= most_open:
        _make_room(session, most_open)
    person = _person_for(session, name, person_id, allow_same_name=allow_same_name)
    return enrollments.open_one(session, person, key, digest, consent, opened_by).id, True


def _make_room(session: Session, most_open: int) -> None:
    left = captures.abandoned(session, _MAKES_ROOM_AFTER_S)
    for enrollment_id in sorted(left, key=left.__getitem__):
        with contextlib.suppress(NotFound, Conflict):  # somebody goes on with it at this moment, or gives it up
            enrollments.discard(session, enrollments.get(session, enrollment_id, lock=True))
            return
    raise Busy(f"{most_open} captures are open, as many as are allowed; finish or give up one, or try again later")


def _person_for(session: Session, name: str | None, person_id: str | None, *, allow_same_name: bool) -> Person:
    if person_id is not None:
        person = people.get(session, person_id)
        if name is not None and rules.name_key(name) != person.name_key:
            raise Conflict(f"person {person_id} is called {person.name}, not {name}", code="name_mismatch")
        return person
    assert name is not None  # checked by check_person
    if not allow_same_name:
        require_free_name(session, name)
    return people.add(session, name, shares_name=allow_same_name)
