"""Whatever is put right, said, learned, undone and deleted, in whatever order: what must hold always does.

Each sequence is drawn by a number, which names it in the test. ``SEQUENCES=500`` draws so many others.
"""

import os
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session
from walking import Walk

import tables
from familiar.records import people
from familiar.records.engine import Database
from familiar.records.schema import (
    Base,
    Correction,
    Enrollment,
    Event,
    Feedback,
    Person,
    PhotoFace,
    QuarantinedFace,
    Sample,
    Sighting,
    SightingCrop,
)

STEPS = 40
DRAWN = range(int(os.environ.get("SEQUENCES", "0"))) or (6, 10, 22, 30, 33, 39)
"""Those that are tried usually have found something."""


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    tables.lay(database)
    yield database
    database.close()


class Watched(Walk):
    """A walk of which is seen whether what must hold does."""

    def put_right(self, work: Callable[[Session], Correction]) -> None:
        """Do it, and sometimes undo it at once, and see that all is as it was."""
        before = self.all_of_it()
        done = self.database.retry(lambda session: work(session).id)
        self.check()
        if self.chance.random() < 0.5:
            self.reverse(done)
            assert self.all_of_it() == before, self.told

    def leave(self, who: str) -> None:
        """Delete somebody, and see that neither ids nor name nor pictures are anywhere, but for what is another's."""
        with self.database.read() as session:
            needles = {each.encode() for each in people.all_of(session, who)}
            needles.add(session.get(Person, who).name.encode())
            needles |= set(session.scalars(select(Sample.crop).where(Sample.person_id == who)))
            of = select(Sighting.id).where(Sighting.person_id == who)
            needles |= {each.encode() for each in session.scalars(of)}
            needles |= set(session.scalars(select(PhotoFace.crop).where(PhotoFace.person_id == who)))
            needles |= set(session.scalars(select(SightingCrop.crop).where(SightingCrop.sighting_id.in_(of))))
        super().leave(who)
        with self.database.read() as session:
            others = set(session.scalars(select(Sample.crop)))  # somebody said that it is theirs
            for table in Base.metadata.sorted_tables:
                if table.name == "erasures":
                    continue
                for row in session.execute(select(table)):
                    for value in row:
                        for needle in needles - others:
                            found = needle == value if isinstance(value, bytes) else needle.decode() in str(value)
                            assert not found, (self.told, table.name, needle, row)

    def all_of_it(self) -> dict[str, list[tuple[object, ...]]]:
        with self.database.read() as session:
            holders = set(session.scalars(select(Sample.enrollment_id)))
            return {
                "people": sorted((row.id, row.name, row.enrolled) for row in session.scalars(select(Person))),
                "samples": sorted(
                    (row.id, row.person_id, row.enrollment_id, row.position, row.set_aside, row.origin)
                    for row in session.scalars(select(Sample))
                ),
                "enrolments": sorted(
                    (row.id, row.person_id, row.status)
                    for row in session.scalars(select(Enrollment))
                    if row.id in holders
                ),
                "sightings": sorted(
                    (row.id, row.person_id or "", row.named_at or 0, row.stranger_id or "")
                    for row in session.scalars(select(Sighting))
                ),
                "said": sorted(
                    (row.id, row.person_id or "", row.named_id or "", row.was_id or "", row.ended_at or 0)
                    for row in session.scalars(select(Feedback))
                ),
                "photos": sorted(
                    (row.id, row.person_id or "", row.said, row.enrollment_id or "", row.status)
                    for row in session.scalars(select(PhotoFace))
                ),
                "faces": sorted(
                    (row.id, row.named_id or "", row.sample_id or "", row.standing)
                    for row in session.scalars(select(QuarantinedFace))
                ),
            }

    def check(self) -> None:
        """See that samples have one owner, that what was said holds, and that all ids mean somebody."""
        with self.database.read() as session:
            there = set(session.scalars(select(Person.id)))
            rows = session.execute(select(Sample.person_id, Enrollment.person_id).join(Enrollment)).all()
            assert all(one == other and one in there for one, other in rows), self.told
            told = session.execute(
                select(Feedback.person_id, Sighting.person_id)
                .join(Sighting, Sighting.id == Feedback.sighting_id)
                .where(Feedback.ended_at.is_(None), Feedback.person_id.is_not(None))
            ).all()
            meant = people.meant(session, {said for said, _ in told})
            assert all(meant[said].id == of for said, of in told), self.told
            ids = {*session.scalars(select(Event.person_id).where(Event.person_id.is_not(None)))}
            ids |= {*session.scalars(select(QuarantinedFace.named_id).where(QuarantinedFace.named_id.is_not(None)))}
            assert set(people.meant(session, ids)) == ids, self.told
            sample_ids = set(session.scalars(select(Sample.id)))
            for row in session.scalars(select(QuarantinedFace).where(QuarantinedFace.sample_id.is_not(None))):
                assert row.sample_id in sample_ids, self.told


@pytest.mark.parametrize("seed", DRAWN)
def test_what_must_hold_always_does(file: Database, seed: int) -> None:
    walk = Watched(file, seed)
    walk.enrol()
    walk.enrol()
    for _ in range(STEPS):
        walk.step()
        walk.check()
