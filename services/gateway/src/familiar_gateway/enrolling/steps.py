"""Steps that both ways of enrolling have in common, live and all at once: open, count, show, give up."""

import contextlib
import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, TypeVar

from flask import request, url_for

from familiar.errors import DatabaseUnavailable, FamiliarError, InvalidInput
from familiar.records import (
    Database,
    EnrollmentStatus,
    IfKnown,
    IfNotAlike,
    captures,
    clean,
    enrollments,
    people,
    samples,
    versions,
)
from familiar.settings import Settings
from familiar_gateway.enrolling import coaching, representations
from familiar_gateway.enrolling.doubts import Answers
from familiar_gateway.enrolling.frames import Verdict
from familiar_gateway.enrolling.opening import check_idempotency_key, check_person, open_enrollment, request_digest
from familiar_gateway.operating import Metrics
from familiar_gateway.web import Json, caller, payload, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    metrics: Metrics


_Answer = TypeVar("_Answer", IfKnown, IfNotAlike)
_MOST_CONSENT = 4000
"""Characters of what somebody agrees to."""


@dataclass(frozen=True)
class Opening:
    """What a request says of whom to enrol; all as it came, but for the flag.

    ``part`` tells one of several enrolments of a request from the others. ``said`` is what else a request says, and
    ``contents`` are the digests of its files: with an ``Idempotency-Key`` both must be the same again.
    """

    name: object | None
    person_id: str | None
    allow_same_name: bool = False
    consent: str | None = None
    answers: Answers = Answers()
    part: str | None = None
    said: Mapping[str, str] | None = None
    contents: Sequence[str] = ()


def open_one(opening: Opening) -> tuple[str, bool]:
    """Return (enrolment id, whether it is new), see ``open_enrollment``."""
    its = services(_Needs)
    key = idempotency_key()
    name, person_id = check_person(opening.name, opening.person_id)
    consent = None if opening.consent is None else payload.read_text("consent", opening.consent, _MOST_CONSENT)
    said = {"name": name, "person_id": person_id, "allow_same_name": opening.allow_same_name, **vars(opening.answers)}
    if consent is not None:
        said["consent"] = consent
    digest = None if key is None else request_digest(request.path, said | dict(opening.said or {}), opening.contents)
    if key is not None and opening.part is not None:
        key = hashlib.sha256(f"{key}\n{opening.part}".encode()).hexdigest()
    return its.database.retry(
        lambda session: open_enrollment(
            session, name, person_id, key=key, digest=digest, allow_same_name=opening.allow_same_name,
            consent=consent, opened_by=caller().key_id, most_open=its.settings.enroll_most_open,
        )
    )  # fmt: skip


def idempotency_key() -> str | None:
    """Return the key that the request was sent with.

    Raises:
        InvalidInput: it cannot be used.
    """
    return check_idempotency_key(request.headers.get("Idempotency-Key"))


def read_answers(said: Mapping[str, str]) -> Answers:
    """Return what a request answers to the two questions; left out, it is ``ask``.

    Raises:
        InvalidInput: it answers something else.
    """
    return Answers(_one_of(IfKnown, said, "if_known"), _one_of(IfNotAlike, said, "if_not_alike"))


def show(enrollment_id: str, verdicts: list[Verdict] | None = None) -> Json:
    """Show an enrolment; after some ``verdicts``, with advice on the last one."""
    its = services(_Needs)
    wanted = its.settings.enroll_frames
    with its.database.read() as session:
        state = captures.get(session, enrollment_id)
        measured = samples.qualities(session, enrollment_id)
        first = state.head_version if state.status is EnrollmentStatus.LIVE else None
        told = versions.report_of(session, first, state.person_id) if first else None
        alike = people.meant(session, {state.alike_person_id}) if state.alike_person_id else {}
    poses = coaching.spread((float(each["yaw_deg"]), float(each["pitch_deg"])) for each in measured)
    last = verdicts[-1].reasons if verdicts else ()
    advised = coaching.coach(poses, state.usable, wanted, last)
    return representations.enrollment(state, advised, wanted, told, next(iter(alike.values()), None))


def location(enrollment_id: str) -> dict[str, str]:
    """Return the header that says where an enrolment is shown."""
    return {"Location": url_for("enrollments.show", enrollment_id=enrollment_id)}


def discard(enrollment_id: str) -> None:
    """Give a capture up; nothing of it is kept."""
    database = services(_Needs).database
    database.retry(lambda session: enrollments.discard(session, enrollments.get(session, enrollment_id, lock=True)))
    clean_up()


@contextlib.contextmanager
def given_up_on_failure(enrollment_id: str) -> Iterator[None]:
    """Give a capture up where what is done with it fails, and nothing of it is kept."""
    try:
        yield
    except FamiliarError as exc:
        # With a key the same request, sent again, goes on where a part that was away stopped it.
        if not (exc.retryable and "Idempotency-Key" in request.headers):
            _withdraw(enrollment_id)
        exc.details.pop("enrollment_id", None)
        raise
    except BaseException:
        _withdraw(enrollment_id)
        raise


def _withdraw(enrollment_id: str) -> None:
    """Discard a capture that will not be finished; its error matters more than one on the way out."""
    # Closed or deleted by somebody else, or removed later as abandoned.
    with contextlib.suppress(FamiliarError):
        discard(enrollment_id)


def clean_up() -> None:
    """Clean the database's files of what was deleted; what cannot be cleaned now, the trainer cleans."""
    with contextlib.suppress(DatabaseUnavailable):
        clean(services(_Needs).database)


def count(verdicts: list[Verdict]) -> None:
    """Count frames by what was said of them."""
    services(_Needs).metrics.count_frames([each.reasons[0] if each.reasons else "accepted" for each in verdicts])


def _one_of(answers: type[_Answer], said: Mapping[str, str], field: str) -> _Answer:
    text = said.get(field, "ask")
    try:
        return answers(text)
    except ValueError as exc:
        *most, last = answers
        wanted = f"{', '.join(most)} or {last}"
        raise InvalidInput(
            f"the field {field!r} must be {wanted}, got {text!r:.50}", code="invalid_field", field=field
        ) from exc
