"""What is put right, what is said of faces, and who is deleted, one after the other: the last word holds."""

from dataclasses import replace

import pytest
from opinions import AUTHOR, all_samples, faces, learn, say, sighting, whose, withdraw
from photographed import face, photo
from records_world import capture, publish
from records_world import learn as closed
from seen import everybody, keep, seen
from sqlalchemy import select

from familiar.errors import Conflict
from familiar.records import (
    Origin,
    Verdict,
    corrections,
    enrollments,
    erasures,
    feedback,
    learned,
    people,
    photo_faces,
    photos,
    quarantine,
    reversals,
    samples,
    strangers,
    visits,
)
from familiar.records.corrections import Terms
from familiar.records.engine import Database
from familiar.records.schema import Base, Feedback, PhotoFace, QuarantinedFace, Sample, Sighting

TERMS = Terms(AUTHOR, 1000.0)


def do(database: Database, work) -> str:
    return database.retry(lambda session: work(session).id)


def merge(database: Database, into: str, other: str) -> str:
    return do(database, lambda session: corrections.merge(session, into, other, TERMS))


def move(database: Database, who: str, sample_ids: list[str], to: str | None) -> str:
    return do(database, lambda session: corrections.move(session, who, sample_ids, to, TERMS))


def split(database: Database, who: str, sample_ids: list[str], name: str) -> tuple[str, str]:
    with database.write() as session:
        row = corrections.split(session, who, sample_ids, name, TERMS)
        return row.id, row.to_person_id


def undo(database: Database, correction_id: str) -> None:
    database.retry(lambda session: reversals.undo(session, corrections.get(session, correction_id), AUTHOR))


def erase(database: Database, who: str) -> None:
    with database.write() as session:
        people.erase(session, who)
        erasures.forget(session, sorted(erasures.tainted(session)))


def tables_with(database: Database, needle: str) -> list[str]:
    """Return the tables in which a text, or its bytes, are anywhere."""
    found = []
    with database.read() as session:
        for table in Base.metadata.sorted_tables:
            if table.name != "erasures":
                values = [value for row in session.execute(select(table)) for value in row]
                if any(needle.encode() in (each if isinstance(each, bytes) else str(each).encode()) for each in values):
                    found.append(table.name)
    return found


@pytest.fixture
def enrolled(database):
    who, enrollment, frames = capture(database, "Ada", frames=4)
    closed(database, enrollment, who)
    return who, frames


def propose(database):
    with database.write() as session:
        quarantine.propose(session, 0.5, -1.0, 100, lambda _: 1.0)


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


def group(database: Database) -> str:
    with database.write() as session:
        stranger = strangers.begin(session)
        strangers.assign(session, dict.fromkeys(strangers.ungrouped(session, 1, 9), stranger))
    return stranger


def name(database: Database, stranger: str, who: str) -> str:
    """Say who a stranger is; return the correction."""
    _, enrollment_id, _ = capture(database, "", person_id=who)
    with database.write() as session:
        enrollment = enrollments.get(session, enrollment_id)
        added = corrections.added(session, enrollment, TERMS)
        strangers.name(session, stranger, who, enrollment_id)
        enrollments.close(session, enrollment)
        return added.id


def test_a_stranger_named_since_keeps_the_name_when_what_was_said_before_is_withdrawn(database, ada):
    at = sighting(database, 1)
    said = say(database, at, "stranger").feedback.id
    name(database, group(database), ada)
    assert whose(database, at) == ada
    withdraw(database, said)
    assert whose(database, at) == ada


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


def test_undoing_a_naming_does_not_undo_what_was_said_of_a_sighting_since(database, ada, bob):
    one, other = sighting(database, 1), sighting(database, 1, camera="b")
    with database.read() as session:
        one, other = session.scalars(select(Sighting.id)).all()
    correction = name(database, group(database), ada)
    say(database, one, "wrong", bob)
    undo(database, correction)
    assert (whose(database, one), whose(database, other)) == (bob, None)


@pytest.mark.parametrize("verdict", ["stranger", "wrong"])
def test_a_later_frame_of_a_pass_does_not_undo_what_was_said_of_it(database, ada, bob, verdict):
    at = sighting(database, 1, person=ada if verdict == "wrong" else None, ago_s=5)
    say(database, at, verdict)
    keep(database, seen(1, person=ada, ago_s=3))
    (row,) = everybody(database)
    assert row.person_id is None


def test_what_a_person_moved_is_no_automatic_sample_any_more_until_that_is_undone(database, enrolled, bob):
    ada, _ = enrolled
    sighting(database, 1, person=ada, ago_s=50)
    propose(database)
    learn(database, Origin.AUTOMATIC, {faces(database)[0].id: ada})
    sample = next(row for row in all_samples(database) if row.origin == "automatic")
    correction = move(database, ada, [sample.id], bob)
    with database.write() as session:
        assert learned.take_back(session, learned.Wanted(origin=Origin.AUTOMATIC), AUTHOR)[0] == 0
    undo(database, correction)
    with database.write() as session:
        assert learned.take_back(session, learned.Wanted(origin=Origin.AUTOMATIC), AUTHOR)[0] == 1


def test_what_was_said_of_one_who_was_merged_for_a_while_is_learned_of_them_again(database, ada, bob):
    at = sighting(database, 1, person=bob)
    say(database, at, "right")
    merged = merge(database, ada, bob)
    learn(database)
    assert [row.person_id for row in all_samples(database)] == [ada]
    undo(database, merged)
    assert whose(database, at) == bob
    assert [row.person_id for row in all_samples(database)] == [bob]


@pytest.mark.parametrize("how", ["said", "unasked"])
def test_what_was_learned_of_one_who_was_merged_for_a_while_is_theirs_again(database, ada, bob, how):
    at = sighting(database, 1, person=bob, ago_s=50)
    other = sighting(database, 2, person=ada, ago_s=90)
    if how == "unasked":
        propose(database)
    merged = merge(database, ada, bob)
    if how == "said":
        say(database, at, "right")
        say(database, other, "right")
    waiting = {row.id: ada for row in faces(database)}
    learn(database, *((Origin.AUTOMATIC, waiting) if how == "unasked" else ()))
    undo(database, merged)
    with database.read() as session:
        rows = {row.sighting_id: row.sample_id for row in session.scalars(select(QuarantinedFace))}
    of = {row.id: row.person_id for row in all_samples(database)}
    assert {each: of.get(sample_id) for each, sample_id in rows.items()} == {at: bob, other: ada}
    with database.read() as session:
        assert {row.person_id for row in session.scalars(select(Feedback))} <= {ada, bob}
    erase(database, bob)
    assert tables_with(database, bob) == []


def test_what_somebody_moved_before_a_merge_stays_where_it_is_when_that_is_undone(database, ada, bob):
    sighting(database, 1, person=bob, ago_s=50)
    propose(database)
    learn(database, Origin.AUTOMATIC, {faces(database)[0].id: bob})
    (sample,) = all_samples(database)
    move(database, bob, [sample.id], ada)
    undo(database, merge(database, ada, bob))
    assert [row.person_id for row in all_samples(database)] == [ada]


def test_what_is_taken_after_midnight_counts_for_the_day_it_came_by(database, ada):
    sighting(database, 1, person=ada, ago_s=50)
    propose(database)
    with database.write() as session:
        (kept,) = session.scalars(select(QuarantinedFace))
        kept.day -= 1
        face_id, day = kept.id, kept.day
    learn(database, Origin.AUTOMATIC, {face_id: ada})
    assert [row.learned_on for row in all_samples(database)] == [day]


def test_a_split_whose_one_was_merged_into_the_other_says_what_has_to_be_undone_first(database, enrolled):
    ada, frames = enrolled
    correction, eve = split(database, ada, frames[:2], "Eve")
    merged = merge(database, eve, ada)
    with pytest.raises(Conflict) as refused:
        undo(database, correction)
    assert (refused.value.code, refused.value.details["corrections"]) == ("correction_superseded", [merged])
    undo(database, merged)
    undo(database, correction)
    assert {row.person_id for row in all_samples(database)} == {ada}


def say_of(database, request, verdict, who=None):
    def give(session):
        kept = feedback.keep(session, *feedback.face_of_request(session, request, 0))
        return feedback.give(session, kept, Verdict(verdict), who, AUTHOR)

    return database.retry(give)


@pytest.mark.parametrize("verdict", list(Verdict))
def test_what_was_said_of_one_frame_of_a_pass_need_not_be_asked_of_another(database, ada, verdict):
    keep(database, seen(1, person=ada, ago_s=50, weight=0.9, request="a"), seen(1, person=ada, ago_s=48, request="b"))
    propose(database)
    with database.read() as session:
        assert quarantine.waiting(session) == len(quarantine.cards(session, 9)) == 1
    said = say_of(database, "b", verdict).feedback.id
    with database.read() as session:
        assert quarantine.waiting(session) == len(quarantine.cards(session, 9)) == 0
    waiting = next(row.id for row in faces(database) if row.proposed)
    learn(database, Origin.AUTOMATIC, {waiting: ada})
    assert all_samples(database) == []
    withdraw(database, said)
    with database.read() as session:
        assert quarantine.waiting(session) == 1


@pytest.mark.parametrize(("verdict", "left"), [("right", 1), ("wrong", 0), ("stranger", 0)])
def test_what_was_taken_of_a_pass_goes_when_another_frame_of_it_is_said_to_be_wrong(database, ada, verdict, left):
    keep(database, seen(1, person=ada, ago_s=50, weight=0.9, request="a"), seen(1, person=ada, ago_s=48, request="b"))
    propose(database)
    learn(database, Origin.AUTOMATIC, {faces(database)[0].id: ada})
    said = say_of(database, "b", verdict)
    assert said.unlearned == (not left)
    assert len(all_samples(database)) == left
