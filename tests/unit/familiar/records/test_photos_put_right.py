"""Faces on photos of people whom somebody puts right: whose they are, and whose again when that is undone."""

from types import SimpleNamespace

import pytest
from photographed import face, photo
from records_world import capture, learn

from familiar.knowing import Status
from familiar.records import corrections, enrollments, people, photo_faces, photos, reversals
from familiar.records.corrections import Terms
from familiar.records.engine import Database

NOBODY = SimpleNamespace(key_id=None, address=None)
TERMS = Terms(NOBODY, 1000.0)


@pytest.fixture
def ada(database: Database) -> str:
    person, enrollment, _ = capture(database, "Ada", frames=4)
    learn(database, enrollment, person)
    return person


@pytest.fixture
def bob(database: Database, ada: str) -> str:
    person, enrollment, _ = capture(database, "Bob")
    learn(database, enrollment, ada, person)
    return person


def sort(database: Database, *persons: str | None) -> str:
    """Return a job with a face of each of these on one picture."""

    def fill(session):
        job_id = photos.add(session, "/photos", uploaded=False).id
        photos.add_photo(session, job_id, photo("a"), [face(place, person) for place, person in enumerate(persons)])
        return job_id

    return database.retry(fill)


def faces_of(database: Database, job_id: str, person: str) -> set[str]:
    with database.read() as session:
        return {row.id for row, _ in photo_faces.faces(session, job_id, person_id=person)[0]}


def undo(database: Database, correction_id: str) -> None:
    database.retry(lambda session: reversals.undo(session, corrections.get(session, correction_id), NOBODY))


def test_faces_follow_who_is_merged_and_come_back_when_that_is_undone(database: Database, ada: str, bob: str) -> None:
    jobs = sort(database, ada, bob), sort(database, bob, bob, None)
    before = [(faces_of(database, job, ada), faces_of(database, job, bob)) for job in jobs]
    merged = database.retry(lambda session: corrections.merge(session, ada, bob, TERMS).id)
    late = sort(database, bob)  # a head of before still says Bob
    assert [faces_of(database, job, ada) for job in jobs] == [adas | bobs for adas, bobs in before]
    assert len(faces_of(database, late, ada)) == 1
    undo(database, merged)
    assert [(faces_of(database, job, ada), faces_of(database, job, bob)) for job in jobs] == before


def test_whoever_is_sorted_by_a_head_of_before_is_who_is_meant_now(database: Database, ada: str, bob: str) -> None:
    job = sort(database, None)
    database.retry(lambda session: corrections.merge(session, ada, bob, TERMS).id)
    with database.write() as session:
        (unsaid,) = photo_faces.unsaid(session, job)
        photos.settle(session, job, {unsaid.id: (bob, 0.9)}, {}, {})
    assert faces_of(database, job, ada) == {unsaid.id}


def test_faces_of_somebody_split_off_are_the_others_when_that_is_undone(database: Database, ada: str) -> None:
    with database.read() as session:
        chosen = [row.sample_id for row in corrections.samples.enrolled(session, 1)][:2]
    split = database.retry(lambda session: corrections.split(session, ada, chosen, "Eve", TERMS).id)
    with database.read() as session:
        eve = corrections.get(session, split).to_person_id
    assert eve is not None
    job = sort(database, eve)
    undo(database, split)
    assert len(faces_of(database, job, ada)) == 1


def test_what_was_said_with_pictures_that_are_taken_back_is_not_said_any_more(database: Database, ada: str) -> None:
    job = sort(database, None, None)
    _, enrollment_id, _ = capture(database, "", person_id=ada)
    with database.write() as session:
        first, second = photo_faces.unsaid(session, job)
        enrollment = enrollments.get(session, enrollment_id)
        added = corrections.added(session, enrollment, TERMS)
        photo_faces.say(session, [first.id], ada, enrollment_id)
        photo_faces.say(session, [second.id], None)
        enrollments.close(session, enrollment)
    undo(database, added.id)
    with database.read() as session:
        rows = {row.id: row for row, _ in photo_faces.faces(session, job)[0]}
        assert [each.id for each in photo_faces.unsaid(session, job)] == [first.id]
        assert (rows[first.id].person_id, rows[first.id].status, rows[second.id].said) == (None, Status.UNKNOWN, True)


def test_who_is_deleted_takes_the_faces_of_whoever_was_merged_into_them(database: Database, ada: str, bob: str) -> None:
    job = sort(database, ada, bob, None)
    database.retry(lambda session: corrections.merge(session, ada, bob, TERMS).id)
    with database.write() as session:
        people.erase(session, ada)
    with database.read() as session:
        assert photos.summary(session, job).faces == 1
