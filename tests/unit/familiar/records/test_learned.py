"""What is learned from use: proposed once, taken with or without asking, and taken back."""

import time

import pytest
from opinions import AUTHOR, all_samples, faces, learn, say, see, sighting, whose
from seen import everybody, face
from sqlalchemy import func, select

from familiar.records import (
    Origin,
    feedback,
    learned,
    quarantine,
    trainings,
)
from familiar.records.schema import Enrollment, QuarantinedFace, Sample
from familiar.records.training import Stage
from familiar.records.verdict import Standing


def test_what_was_taken_without_asking_is_confirmed_or_goes_when_somebody_says_so(database, ada, bob):
    at = sighting(database, 1, person=ada, ago_s=50)
    propose(database)
    (kept,) = faces(database)
    assert learn(database, Origin.AUTOMATIC, {kept.id: ada}) == 1
    assert not say(database, at, "right").unlearned
    assert [row.origin for row in all_samples(database)] == ["confirmed"]
    assert say(database, at, "wrong", bob).unlearned
    assert all_samples(database) == []


def test_what_somebody_has_spoken_of_meanwhile_is_not_taken_without_asking(database, ada):
    at = sighting(database, 1, person=ada, ago_s=50)
    propose(database)
    (kept,) = faces(database)
    say(database, at, "stranger")
    assert learn(database, Origin.AUTOMATIC, {kept.id: ada}) == 0 and all_samples(database) == []


def propose(database, least=0.8):
    with database.write() as session:
        return quarantine.propose(session, least, -1.0, 100, lambda _: 1.0)


def test_a_sighting_is_proposed_once_for_whom_it_was_taken(database, ada, bob):
    sighting(database, 1, person=ada)
    sighting(database, 2, ago_s=100, others=(bob,))  # without a score: like nobody
    assert propose(database) == 1 and propose(database) == 0
    with database.read() as session:
        assert [row.named_id for row in quarantine.cards(session, 10)] == [ada]
        assert quarantine.waiting(session, ada) == 1 and quarantine.waiting(session, bob) == 0
    say(database, everybody(database)[0].id, "right")
    with database.read() as session:
        assert quarantine.waiting(session) == 0


def test_what_is_taken_back_goes_by_day_by_person_or_all_of_it_and_is_not_taken_again(database, ada, bob):
    for number, who in enumerate((ada, ada, bob), 1):
        sighting(database, number, person=who, ago_s=100 * number)
    propose(database)
    learn(database, Origin.AUTOMATIC, {row.id: row.named_id for row in faces(database)})
    today = int(time.time() // 86_400)

    def back(**wanted):
        with database.write() as session:
            return learned.take_back(session, learned.Wanted(**wanted, origin=Origin.AUTOMATIC), AUTHOR)

    assert back(day=today - 1) == (0, None)
    count, training = back(person_id=ada, day=today)
    assert count == 2 and training.kind == "learn"
    assert [row.person_id for row in all_samples(database)] == [bob]
    with database.read() as session:
        assert [(day.day, day.person_id, day.samples) for day in learned.by_day(session, learned.Wanted(), 9)] == [
            (today, bob, 1)
        ]
        assert session.scalar(select(func.count()).where(QuarantinedFace.standing == Standing.WAITING)) == 0
    assert propose(database) == 0
    assert back()[0] == 1 and all_samples(database) == []
    assert all(not row.crop for row in faces(database))


def test_samples_that_people_gave_are_never_taken_back(database, ada):
    say(database, sighting(database, person=ada), "right")
    learn(database)
    with database.write() as session:
        assert learned.take_back(session, learned.Wanted(origin=Origin.AUTOMATIC), AUTHOR) == (0, None)
        rows = [row.id for row in session.scalars(select(Sample))]
        session.get_one(Sample, rows[0]).origin = "human"
        assert learned.remove(session, rows) == 0
    assert len(all_samples(database)) == 1


def test_what_was_confirmed_and_is_taken_back_is_withdrawn(database, ada):
    said = say(database, sighting(database, person=ada), "right").feedback.id
    learn(database)
    with database.write() as session:
        assert learned.take_back(session, learned.Wanted(origin=Origin.CONFIRMED), AUTHOR)[0] == 1
    with database.read() as session:
        assert feedback.get(session, said).ended_at is not None
        assert learned.confirmed(session) == {}


@pytest.mark.parametrize(
    ("stage", "standing"),
    [(Stage.LIVE, Standing.OUT), (Stage.REJECTED, Standing.OUT), (Stage.FAILED, Standing.WAITING)],
)
def test_what_is_taken_without_asking_is_judged_as_a_capture_and_dropped_if_it_is_refused(
    database, ada, stage, standing
):
    sighting(database, person=ada)
    propose(database)
    see(database)
    learn(database, Origin.AUTOMATIC, {row.id: ada for row in faces(database)})
    with database.read() as session:
        (enrollment,) = session.scalars(select(Enrollment))
        assert enrollment.status == "queued" and enrollment.training_id is not None
        assert learned.refused(session) == []
    with database.write() as session:
        row = session.get_one(Enrollment, enrollment.id)
        row.status, row.error_code = "failed", "why"
        trainings.end(trainings.get(session, row.training_id), stage, code="why", message="so")
    with database.read() as session:
        assert learned.refused(session) == [enrollment.id]
    with database.write() as session:
        learned.drop_refused(session, enrollment.id)
        learned.drop_refused(session, enrollment.id)
    assert all_samples(database) == [] and whose(database, everybody(database)[0].id) == ada
    assert [(row.standing, row.sample_id) for row in faces(database)] == [(standing, None)]


def test_a_face_like_a_sample_is_not_asked_about(database, ada):
    at = sighting(database, 1, person=ada)
    say(database, at, "right")
    see(database)
    learn(database)
    sighting(database, 1, person=ada, ago_s=100)
    sighting(database, 2, person=ada, ago_s=200)
    propose(database)
    with database.read() as session:
        new = quarantine.unseen(session, 1, 100)
        rows = {row.id: row for row in session.scalars(select(QuarantinedFace))}
        assert len(new) == 2
        looks = {each: face(1) if rows[each].captured_at > time.time() - 150 else face(2) for each in new}
        assert learned.copies(session, 1, 0.99, looks) == [each for each in new if (looks[each] == face(1)).all()]
        assert set(learned.copies(session, 1, 0.99, dict.fromkeys(new))) == set(new)


def test_old_faces_go_that_nobody_spoke_of(database, ada):
    sighting(database, 1, person=ada)
    propose(database)
    with database.write() as session:
        assert not quarantine.due(session, 1000.0) and quarantine.due(session, -1.0)
        assert quarantine.prune(session, -1.0) == 1
    assert faces(database) == []
