"""Of whoever is deleted nothing is left, whatever was put right, said and learned before."""

from dataclasses import replace

import pytest
from opinions import all_samples, faces, learn, say, sighting, whose
from photographed import face, photo
from putting_right import erase, group, move, name, propose, split, tables_with, undo
from records_world import capture, publish
from records_world import learn as closed
from sqlalchemy import select

from familiar.records import (
    Origin,
    enrollments,
    learned,
    people,
    photo_faces,
    photos,
    samples,
    strangers,
    visits,
)
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.schema import PhotoFace, Sample


@pytest.mark.parametrize("confirmed", [True, False])
def test_of_what_was_learned_and_then_moved_nothing_is_left_of_whom_it_was_moved_to(database, ada, bob, confirmed):
    at = sighting(database, 1, person=ada, ago_s=50, crop=b"THE CROP")
    if confirmed:
        say(database, at, "right")
        learn(database)
    else:
        propose(database)
        learn(database, Origin.AUTOMATIC, {faces(database)[0].id: ada})
    (sample,) = all_samples(database)
    move(database, ada, [sample.id], bob)
    erase(database, bob)
    assert tables_with(database, "THE CROP") == []
    assert tables_with(database, bob) == []


def test_of_whoever_was_split_off_for_a_while_nothing_is_left_either(database, enrolled):
    ada, frames = enrolled
    correction, eve = split(database, ada, frames[:2], "Eve")
    publish(database, ada, eve)
    at = sighting(database, 1, person=eve, ago_s=50, crop=b"THE CROP")
    say(database, at, "right")
    with database.write() as session:
        visits.note(session, [visits.Glimpse(1.0, "door", eve, 0.9, "r", 0, 1)], visits.Terms(60.0, 1))
    undo(database, correction)
    with database.read() as session:
        assert people.meant(session, [eve])[eve].id == ada
        assert list(learned.confirmed(session).values()) == [ada]
    erase(database, ada)
    assert tables_with(database, "THE CROP") == []
    assert tables_with(database, eve) == [] and tables_with(database, ada) == []


def test_a_stranger_named_since_who_is_deleted_is_no_locked_case_any_more(database, ada):
    at = sighting(database, 1, crop=b"THE CROP")
    say(database, at, "stranger")
    name(database, group(database), ada)
    erase(database, ada)
    assert tables_with(database, "THE CROP") == tables_with(database, at) == []


def test_somebody_unknown_who_was_named_since_is_in_no_event_when_they_are_deleted(database, ada):
    at = sighting(database, 1)
    with database.write() as session:
        glimpse = visits.Glimpse(1.0, "door", None, None, "r1", 0, 1, sighting_id=at)
        (event,) = visits.note(session, [glimpse], visits.Terms(60.0, 1))
        event_id = event.id
    name(database, group(database), ada)
    assert tables_with(database, at) and tables_with(database, event_id)
    erase(database, ada)
    assert tables_with(database, at) == tables_with(database, event_id) == []


def test_of_a_named_face_that_was_moved_no_picture_is_left_of_whom_it_was_moved_to(database, ada, bob):
    sighting(database, 1, crop=b"THE CROP" * 9)  # as that of the capture below
    other = sighting(database, 2, crop=b"ANOTHER" * 9)
    with database.write() as session:
        job = photos.add(session, "/photos", uploaded=False).id
        photos.add_photo(session, job, photo("a"), [replace(face(1), crop=b"THE CROP" * 9), face(2)])
        seen_faces = {row.crop: row.id for row in session.scalars(select(PhotoFace))}
    stranger = group(database)
    who, enrollment_id, (sample, _) = capture(database, "THE CROP", person_id=ada)
    closed(database, enrollment_id, ada)
    with database.write() as session:
        strangers.name(session, stranger, ada, enrollment_id)
        photo_faces.say(session, list(seen_faces.values()), ada, enrollment_id)
    move(database, who, [sample], bob)
    other_samples = [row.id for row in all_samples(database) if row.enrollment_id == enrollment_id]
    with database.write() as session:
        samples.remove(session, *(session.get(Sample, each) for each in other_samples))
    erase(database, bob)
    assert tables_with(database, "THE CROP" * 9) == []
    assert whose(database, other) == ada and tables_with(database, "crop2") == ["photo_faces"]


def test_an_enrolment_of_what_was_taken_that_is_deleted_leaves_no_face_either(database, enrolled):
    ada, _ = enrolled
    sighting(database, 1, person=ada, ago_s=50, crop=b"THE CROP")
    propose(database)
    learn(database, Origin.AUTOMATIC, {faces(database)[0].id: ada})
    with database.write() as session:
        holder = next(row.enrollment_id for row in session.scalars(select(Sample)) if row.origin == Origin.AUTOMATIC)
        enrollments.settle(session, [holder], EnrollmentStatus.FAILED, code="head_worse", message="")
        enrollments.withdraw(session, enrollments.get(session, holder))
    assert tables_with(database, "THE CROP") == ["sighting_crops"]
