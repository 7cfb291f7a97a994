"""The states of an enrolment."""

from familiar.records.enrollment import EnrollmentStatus, status_of
from familiar.records.training import Stage


def test_an_enrolment_shows_the_stage_of_its_training_until_that_has_ended() -> None:
    assert status_of(EnrollmentStatus.CAPTURING, None) is EnrollmentStatus.CAPTURING
    assert status_of(EnrollmentStatus.QUEUED, Stage.LOADING) is EnrollmentStatus.LOADING
    assert status_of(EnrollmentStatus.QUEUED, Stage.FAILED) is EnrollmentStatus.QUEUED
    assert status_of(EnrollmentStatus.LIVE, Stage.TRAINING) is EnrollmentStatus.LIVE
