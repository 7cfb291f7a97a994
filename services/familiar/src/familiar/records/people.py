"""People in the database."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, delete, func, select, union_all, update
from sqlalchemy.orm import Session

from familiar.errors import Conflict, NotFound
from familiar.records import erasures, events, letting_go, photo_faces, sightings, versions
from familiar.records import person as rules
from familiar.records.correction import CorrectionKind
from familiar.records.engine import MOST_VARIABLES
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.schema import (
    Correction,
    Embedding,
    Enrollment,
    FormerOwner,
    FrameVerdict,
    HeadVersion,
    Person,
    Sample,
)
from familiar.records.versions import HeadStatus, take_turns

_SERVED = (HeadStatus.LIVE, HeadStatus.SUPERSEDED, HeadStatus.PRUNED, HeadStatus.ERASED)
_OF_TWO = Correction.person_id.is_not(None) & Correction.to_person_id.is_not(None)
_BECAME = union_all(
    select(Correction.person_id.label("was"), Correction.to_person_id.label("now")).where(
        Correction.kind == CorrectionKind.MERGE, Correction.undone_at.is_(None), _OF_TWO
    ),
    select(Correction.to_person_id, Correction.person_id).where(
        Correction.kind == CorrectionKind.SPLIT, Correction.undone_at.is_not(None), _OF_TWO
    ),
).subquery("became")
"""Who was somebody and is another one now: by a merge in force, or by a split that was undone."""


@dataclass(frozen=True)
class PersonSummary:
    """A person with what is stored of them.

    Attributes:
        learned: whether a head that knows them has ever been in service.
        live: whether the one that is in service does.
        sample_id: one of their samples; None if there are none.
    """

    id: str
    name: str
    created_at: float
    samples: int
    learned: bool
    live: bool
    sample_id: str | None


class Known(NamedTuple):
    """Somebody enrolled at this moment."""

    id: str
    name: str


def add(session: Session, name: str, *, shares_name: bool = False, enrolled: bool = False) -> Person:
    """Add a person with a name already cleaned; ``shares_name``: others may be enrolled under it.

    ``enrolled`` they are at once, without a picture.
    """
    person = Person(
        id=rules.new_id(),
        name=name,
        created_at=time.time(),
        name_key=rules.name_key(name),
        shares_name=shares_name,
        enrolled=enrolled,
    )
    session.add(person)
    session.flush()
    return person


def rename(session: Session, person: Person, name: str, *, shares_name: bool = False) -> None:
    """Give a person another name, already cleaned; two who may not share it fail by the database's constraint."""
    person.name, person.name_key, person.shares_name = name, rules.name_key(name), shares_name
    session.flush()


def get(session: Session, person_id: str) -> Person:
    """Return a person.

    Raises:
        NotFound: there is none with that id.
    """
    person = session.get(Person, person_id)
    if person is None:
        raise _not_found(person_id)
    return person


def namesakes(session: Session, name: str) -> list[Person]:
    """Return the people enrolled under a name that looks like this; who has no closed capture yet does not count."""
    same = (Person.name_key == rules.name_key(name)) & Person.enrolled
    return list(session.scalars(select(Person).where(same).order_by(Person.created_at)))


def of_name(session: Session, name: str) -> Person | None:
    """Return who is enrolled under a name that looks like this, for those who know people by nothing else.

    Raises:
        Conflict: several are.
    """
    found = namesakes(session, name)
    if len(found) > 1:
        raise Conflict(f"{len(found)} people are enrolled as {name}: a name alone does not tell which of them is meant")
    return found[0] if found else None


def roll(session: Session) -> list[Known]:
    """Return everybody who is enrolled, by name; who has no closed capture yet is not."""
    query = select(Person.id, Person.name).where(Person.enrolled).order_by(Person.name, Person.id)
    return [Known(person_id, name) for person_id, name in session.execute(query)]


def names(session: Session, person_ids: set[str]) -> dict[str, str]:
    """Return the names of those of ``person_ids`` who are enrolled at this moment."""
    asked = list(person_ids)
    found: dict[str, str] = {}
    for start in range(0, len(asked), MOST_VARIABLES):
        some = Person.id.in_(asked[start : start + MOST_VARIABLES])
        found.update((row.id, row.name) for row in session.execute(select(Person.id, Person.name).where(some)))
    return found


def meant(session: Session, person_ids: Collection[str]) -> dict[str, Known]:
    """Return whom these ids mean at this moment: of somebody who was merged into another one, that one.

    Whoever was split off is the other one again when that was undone. Who is not enrolled any more is nobody, and not
    among them.
    """
    called = names(session, set(person_ids))
    found = {person_id: Known(person_id, name) for person_id, name in called.items()}
    now = {person_id: person_id for person_id in person_ids if person_id not in found}
    while led := _led(session, _BECAME.c.was, set(now.values())):
        onward = dict(led)
        now = {person_id: onward[last] for person_id, last in now.items() if last in onward}
        called = names(session, set(now.values()))
        arrived = {person_id: Known(last, called[last]) for person_id, last in now.items() if last in called}
        found |= arrived
        now = {person_id: last for person_id, last in now.items() if person_id not in arrived}
    return found


def ids(session: Session) -> set[str]:
    """Return all ids that mean anybody: those of everybody, and of whoever became one with them."""
    return {*session.scalars(select(Person.id)), *session.scalars(select(_BECAME.c.was))}


def all_of(session: Session, person_id: str) -> set[str]:
    """Return all ids that mean this person: their own, and those of whoever became one with them."""
    everything, newest = {person_id}, {person_id}
    while newest:
        newest = {was for was, _ in _led(session, _BECAME.c.now, newest)} - everything
        everything |= newest
    return everything


def _led(session: Session, by: ColumnElement[str], ids: set[str]) -> list[tuple[str, str]]:
    """Return (who was somebody, who that is now) of those who have one of ``ids`` ``by`` that column."""
    asked, found = list(ids), []
    for start in range(0, len(asked), MOST_VARIABLES):
        query = select(_BECAME.c.was, _BECAME.c.now).where(by.in_(asked[start : start + MOST_VARIABLES]))
        found += [(was, now) for was, now in session.execute(query)]
    return found


def summaries(session: Session, limit: int = 1000, offset: int = 0) -> list[PersonSummary]:
    """Return people with their sample counts, by name."""
    return _summaries(session, select(Person.id).order_by(Person.name, Person.id).limit(limit).offset(offset))


def search(session: Session, text: str, limit: int = 1000, offset: int = 0) -> tuple[list[PersonSummary], int]:
    """Return those whose name holds ``text``, by name, and how many there are in all; at most 10,000 at once.

    Neither capitals nor accents matter. All names are read for it: no database compares those of every script alike.
    """
    wanted = rules.search_key(text)
    rows = session.execute(select(Person.id, Person.name).order_by(Person.name, Person.id))
    found = [person_id for person_id, name in rows if wanted in rules.search_key(name)]
    some = found[offset : offset + min(limit, MOST_VARIABLES)]
    return _summaries(session, select(Person.id).where(Person.id.in_(some))), len(found)


def _summaries(session: Session, of: Select[Any]) -> list[PersonSummary]:
    theirs = (Sample.person_id == Person.id) & ~Sample.set_aside
    samples = select(func.count()).where(theirs).correlate(Person).scalar_subquery()
    # What a person was given is to be learned by the head to come, with a number that has not served yet.
    served = select(func.max(HeadVersion.version)).where(HeadVersion.status.in_(_SERVED)).scalar_subquery()
    its_own = (Enrollment.person_id == Person.id) & (Enrollment.status == EnrollmentStatus.LIVE)
    learned = select(Enrollment.id).where(its_own, Enrollment.head_version <= served).correlate(Person).exists()
    last = (
        select(Sample.id)
        .where(theirs)
        .order_by(Sample.captured_at.desc(), Sample.id)
        .limit(1)
        .correlate(Person)
        .scalar_subquery()
    )
    query = select(Person.id, Person.name, Person.created_at, samples, learned, last).where(Person.id.in_(of))
    rows = session.execute(query.order_by(Person.name, Person.id))
    known = _known(session)
    return [
        PersonSummary(i, name, created, count, bool(once), i in known, sample)
        for i, name, created, count, once, sample in rows
    ]


def _known(session: Session) -> set[str]:
    """Return the ids of those whom the head in service can name, by their own or as somebody merged into them."""
    became = {row.was: row.now for row in session.execute(select(_BECAME.c.was, _BECAME.c.now))}
    known = set(versions.known_to_live_head(session))
    for label in known & became.keys():
        while label in became:
            label = became[label]
        known.add(label)
    return known


def summary(session: Session, person_id: str) -> PersonSummary:
    """Return a person with what is stored of them.

    Raises:
        NotFound: there is none with that id.
    """
    found = _summaries(session, select(Person.id).where(Person.id == person_id))
    if not found:
        raise _not_found(person_id)
    return found[0]


def count(session: Session) -> int:
    """Return how many people there are."""
    return session.scalar(select(func.count()).select_from(Person)) or 0


def erase(session: Session, person_id: str) -> None:
    """Delete a person with all that is kept of them: samples, sightings, events, faces on photos, feedback, weights.

    Nothing that was put right about them can be undone any more, and of whoever was merged into them nothing is left.
    Files are not touched: an ``Erasure`` stays behind until a head without the person serves, every version with them
    is off the disk, and the database's files have been cleaned.

    Raises:
        NotFound: there is none with that id.
    """
    take_turns(session)  # what is put right at this moment would make somebody else of them
    person = get(session, person_id)
    erasures.begin(session, person_id, in_heads=True)
    everything = all_of(session, person_id)
    seen = sightings.forget_person(session, everything)
    letting_go.forget_samples(session, session.scalars(select(Sample.id).where(Sample.person_id == person_id)).all())
    letting_go.forget_person(session, everything, seen)
    photo_faces.forget_person(session, everything)
    events.forget_people(session, everything, seen)
    made_of = erasures.heads_made_of(session, Sample.person_id == person_id)
    erasures.taint(session, erasures.heads_of(session, everything) | made_of)
    enrollments = select(Enrollment.id).where(Enrollment.person_id == person_id)
    samples = select(Sample.id).where(Sample.person_id == person_id)
    session.execute(delete(Embedding).where(Embedding.sample_id.in_(samples)))
    session.execute(delete(Sample).where(Sample.person_id == person_id))
    session.execute(delete(FrameVerdict).where(FrameVerdict.enrollment_id.in_(enrollments)))
    session.execute(delete(Enrollment).where(Enrollment.person_id == person_id))
    alike = Enrollment.alike_person_id.in_(everything)
    session.execute(update(Enrollment).where(alike).values(alike_person_id=None))
    for whose in (Correction.person_id, Correction.to_person_id):
        session.execute(
            update(Correction).where(whose.in_(everything)).values({"final": True, "before": None, whose: None})
        )
    session.execute(delete(FormerOwner).where(FormerOwner.person_id.in_(everything)))  # no head tells of them any more
    session.delete(person)
    session.flush()


def _not_found(person_id: str) -> NotFound:
    return NotFound(f"there is no person {person_id}", code="person_not_found")
