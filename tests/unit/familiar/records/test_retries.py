"""Trying a training again, in the database: once, and with what failed with it."""

import threading

import numpy as np
import pytest

from familiar.errors import Conflict, NotFound
from familiar.records import captures, enrollments, people, retries, samples, trainings, versions
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.training import Stage

WHY = {"code": "load_failed", "message": "the model server did not load it"}


def failed_enrolment(database: Database) -> tuple[str, str]:
    """Enrol somebody whose training fails; return the ids of both."""
    with database.write() as session:
        versions.add_backbone(session, versions.issue(session, "backbone"), {})
        enrollment = enrollments.open_one(session, people.add(session, "Ada"))
        verdict = enrollments.add_verdict(session, enrollment, "digest", [])
        samples.add(
            session, enrollment, verdict, crop=b"", vector=np.ones(4, np.float32), backbone_version=1, detector="d",
            quality={},
        )  # fmt: skip
        training = enrollments.close(session, enrollment)
        enrollments.settle(session, [enrollment.id], EnrollmentStatus.FAILED, **WHY)
        trainings.end(training, Stage.FAILED, **WHY)
        return enrollment.id, training.id


def test_what_failed_waits_again_with_nothing_of_its_failure(database: Database) -> None:
    enrollment_id, failed = failed_enrolment(database)
    with database.read() as session:
        assert retries.worthwhile(session, trainings.recent(session)) == {failed}
    with database.write() as session:
        asked = retries.ask(session, failed).id
    with database.read() as session:
        capture = captures.get(session, enrollment_id)
        assert (capture.status, capture.training_id) == (EnrollmentStatus.QUEUED, asked)
        assert capture.error_code is None and capture.error_message is None
        assert retries.worthwhile(session, trainings.recent(session)) == set()


def test_it_joins_a_training_that_waits(database: Database) -> None:
    _, failed = failed_enrolment(database)
    with database.write() as session:
        waiting = trainings.ask(session).id
        assert retries.ask(session, failed).id == waiting


def test_of_several_who_ask_at_once_one_is_heard(database: Database) -> None:
    _, failed = failed_enrolment(database)
    outcomes: list[str] = []
    together = threading.Barrier(4)

    def ask() -> None:
        together.wait(30)
        try:
            outcomes.append(database.retry(lambda session: retries.ask(session, failed).id))
        except Conflict as exc:
            outcomes.append(exc.code)

    threads = [threading.Thread(target=ask) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert outcomes.count("nothing_to_retry") == 3
    with database.read() as session:
        assert {row.id for row in trainings.recent(session)} == {failed, *outcomes} - {"nothing_to_retry"}


def test_there_is_no_trying_again_of_what_was_never_asked_for(database: Database) -> None:
    with pytest.raises(NotFound), database.write() as session:
        retries.ask(session, "0" * 32)


def test_of_no_trainings_none_is_worthwhile(database: Database) -> None:
    with database.read() as session:
        assert retries.worthwhile(session, []) == set()
