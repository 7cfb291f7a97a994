"""Teaching: pictures of somebody who is known by name alone, each of which is enough to learn from.

Whoever is enrolled under the name gets them; if nobody is, somebody is from then on.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from familiar.errors import Busy, Conflict
from familiar.records import Database, people, samples
from familiar.seeing import Decoder
from familiar.settings import Settings
from familiar_gateway.enrolling import steps
from familiar_gateway.enrolling.capture import Capturer
from familiar_gateway.enrolling.doubts import Answers
from familiar_gateway.enrolling.frames import Shot
from familiar_gateway.enrolling.opening import open_enrollment
from familiar_gateway.web import caller, services


class _Needs(Protocol):
    """Of the collaborators of the application."""

    settings: Settings
    database: Database
    decoder: Decoder
    capturer: Capturer


_MOST_TRIES = 20


@dataclass(frozen=True)
class Taught:
    """What became of pictures.

    Attributes:
        is_new: whether nobody was enrolled under the name before.
        sample_ids: of what was kept, in the order sent.
        reasons: why each of the others was refused; if nothing was kept, nothing has changed.
    """

    is_new: bool
    sample_ids: tuple[str, ...]
    reasons: tuple[str, ...]


def teach(name: str, pictures: Sequence[bytes]) -> Taught:
    """Enrol somebody under a name already cleaned, or add pictures to whoever is enrolled under it.

    Raises:
        InvalidInput: not one of them is a picture.
        Conflict: several people are enrolled under the name.
        AlreadyKnown, NotAlike: most show somebody else who is enrolled, or some another person than the others.
        Unavailable: a part is away.
    """
    for _ in range(_MOST_TRIES):
        try:
            return _teach(name, pictures)
        except Conflict as exc:
            # Another one like this was faster, and it is somebody enrolled by now to whom these are added.
            if exc.code != "name_taken":
                raise
    raise Busy("others enrol and delete people of this name again and again; try again")


def _teach(name: str, pictures: Sequence[bytes]) -> Taught:
    its = services(_Needs)
    with its.database.read() as session:
        person = people.of_name(session, name)
    person_id = None if person is None else person.id
    enrollment_id, _ = its.database.retry(
        lambda session: open_enrollment(
            session, name if person_id is None else None, person_id, key=None, digest=None, allow_same_name=False,
            consent=None, opened_by=caller().key_id, most_open=its.settings.enroll_most_open,
        )
    )  # fmt: skip
    with steps.given_up_on_failure(enrollment_id):
        shots = (Shot.of_picture(data, its.decoder) for data in pictures)
        verdicts = its.capturer.add(enrollment_id, shots)
        steps.count(verdicts)
        reasons = tuple(each.reasons[0] for each in verdicts if each.reasons)
        if len(reasons) == len(verdicts):
            steps.discard(enrollment_id)
            return Taught(person is None, (), reasons)
        its.capturer.finish(enrollment_id, caller(), Answers(), least=1)
    with its.database.read() as session:
        return Taught(person is None, tuple(samples.ids(session, enrollment_id)), reasons)
