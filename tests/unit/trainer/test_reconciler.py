"""The reconciler's duties, on a real, small database with everything else faked."""

import threading
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from sqlalchemy import func, select

from familiar.errors import QueueUnavailable, ServingUnavailable
from familiar.knowing.head import Head
from familiar.records import (
    EnrollmentStatus,
    Recorder,
    audit,
    corrections,
    enrollments,
    erasures,
    people,
    photos,
    recent_errors,
    samples,
    trainings,
    versions,
)
from familiar.records.engine import Database
from familiar.records.migrate import migrate
from familiar.records.schema import AuditEntry, Enrollment, Person, Sample
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus
from familiar.serving import VersionState, VersionStatus
from familiar.settings import Settings
from familiar_trainer import reconciler as reconciling
from familiar_trainer.reconciler import Reconciler
from familiar_trainer.stillness import Stillness

TARGET = 0.001
DAY_S = 86_400.0


class FakeQueue:
    def __init__(self) -> None:
        self.put_ids: list[str] = []
        self.away = False

    def put(self, training_id: str) -> None:
        if self.away:
            raise QueueUnavailable("the queue does not answer")
        self.put_ids.append(training_id)

    def put_photos(self, job_id: str) -> None:
        self.put_ids.append(job_id)


class FakeShelf:
    restored = 0

    def restore(self) -> bool:
        self.restored += 1
        return False


class FakeServing:
    """Says of versions what it is told to say."""

    def __init__(self) -> None:
        self.said: tuple[VersionStatus, ...] = ()
        self.away = False

    def versions(self, model: str, *, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
        assert model == "head" and timeout_s is not None
        if self.away:
            raise ServingUnavailable("Serving does not answer")
        return self.said


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(f"sqlite:///{tmp_path / 'familiar.db'}")
    migrate(database)
    yield database
    database.close()


@pytest.fixture
def trainer(database: Database) -> Any:
    return SimpleNamespace(
        database=database,
        settings=Settings(far_target=TARGET),
        queue=FakeQueue(),
        shelf=FakeShelf(),
        backbone_shelf=FakeShelf(),
        damage=SimpleNamespace(take_away=list),
        serving=FakeServing(),
        models=None,  # of the backbone nothing is asked where there are no sightings
        keep_house=lambda: None,
        silent=dict,
        recorder=Recorder(database, "trainer"),
        stop=threading.Event(),
    )


def live_head_with(database: Database, *person_ids: str, far_target: float = TARGET) -> None:
    head = Head(person_ids, np.eye(len(person_ids), 4, dtype=np.float32), np.zeros(len(person_ids), np.float32))
    with database.write() as session:
        version = versions.issue(session, "head")
        versions.add_head(
            session, version, training_id=None, backbone_version=1, head=head, meta={"far_target": far_target},
            status=HeadStatus.PUBLISHED,
        )  # fmt: skip
        versions.go_live(session, version)


def test_open_trainings_are_put_on_the_queue_and_those_under_way_are_not(database: Database, trainer: Any) -> None:
    with database.write() as session:
        trainings.claim(session, trainings.ask(session).id, "another", 60.0)
        waiting = trainings.ask(session).id
    Reconciler(trainer).run_once()
    assert trainer.queue.put_ids == [waiting]


def test_a_queue_that_is_away_keeps_no_other_duty_from_being_done(
    database: Database, trainer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    with database.write() as session:
        trainings.ask(session)
    trainer.queue.away = True
    reconciler = Reconciler(trainer)
    reconciler.run_once()
    reconciler.run_once()
    assert trainer.shelf.restored == 2
    assert sum("the queue does not answer" in record.message for record in caplog.records) == 1
    trainer.recorder.flush()
    with database.read() as session:
        (told,) = recent_errors.newest(session)
    assert (told.part, told.place, told.times) == ("trainer", "put_open_trainings_on_the_queue", 1)
    assert (told.code, told.message) == ("queue_unavailable", "the queue does not answer")
    trainer.queue.away = False
    reconciler.run_once()
    assert len(trainer.queue.put_ids) == 1


END, AVAILABLE = VersionState.END, VersionState.AVAILABLE


@pytest.mark.parametrize(
    "said,asked",
    [
        ([(1, END, 3), (0, AVAILABLE, 0)], True),
        ([(1, END, 3)], True),
        ([(1, END, 0)], False),  # unloaded, as one is whose files are gone for a moment
        ([(1, VersionState.LOADING, 0), (0, END, 3)], False),
        ([(1, AVAILABLE, 0), (0, END, 3)], False),
        ([], False),
    ],
)
def test_a_live_head_that_serving_has_given_up_comes_back_under_a_new_number(
    database: Database, trainer: Any, said: list[tuple[int, VersionState, int]], asked: bool
) -> None:
    live_head_with(database, "a" * 32)
    trainer.serving.said = tuple(VersionStatus(version, state, code, "") for version, state, code in said)
    reconciler = Reconciler(trainer)
    reconciler.run_once()
    reconciler.run_once()
    with database.read() as session:
        open_ones = [(each.kind, each.source_version) for each in trainings.open_ones(session)]
    assert open_ones == [("rollback", 1)] * asked


def test_a_serving_that_is_away_has_given_nothing_up(
    database: Database, trainer: Any, caplog: pytest.LogCaptureFixture
) -> None:
    live_head_with(database, "a" * 32)
    trainer.serving.away = True
    Reconciler(trainer).run_once()
    assert open_trainings(database) == [] and caplog.records == []


def test_an_enrolment_without_a_training_gets_one(database: Database, trainer: Any) -> None:
    with database.write() as session:
        enrollment = enrollments.open_one(session, people.add(session, "Ada"))
        ended = enrollments.close(session, enrollment)
        trainings.end(ended, Stage.LIVE)
    Reconciler(trainer).run_once()
    with database.read() as session:
        adopted = enrollments.get(session, enrollment.id).training_id
    assert adopted != ended.id
    assert trainer.queue.put_ids == [adopted]


def test_somebody_deleted_who_is_still_in_the_live_head_gets_a_training(database: Database, trainer: Any) -> None:
    with database.write() as session:
        person_id = people.add(session, "Ada").id
    live_head_with(database, person_id)
    with database.write() as session:
        people.erase(session, person_id)
    reconciler = Reconciler(trainer)
    reconciler.run_once()
    reconciler.run_once()
    with database.read() as session:
        assert len(trainings.open_ones(session)) == 1


def test_a_sample_deleted_of_which_the_live_head_was_made_gets_a_training(database: Database, trainer: Any) -> None:
    _, sample_id = live_capture(database)
    reconciler = Reconciler(trainer)
    reconciler.run_once()
    assert open_trainings(database) == []
    with database.write() as session:
        samples.remove(session, session.get_one(Sample, sample_id))
    reconciler.run_once()
    reconciler.run_once()
    assert len(open_trainings(database)) == 1


def live_capture(database: Database, name: str = "Ada", frames: int = 2) -> tuple[str, str]:
    """Return (enrolment id, id of a sample) of somebody whom the live head knows."""
    with database.write() as session:
        enrollment = enrollments.open_one(session, people.add(session, name))
        for number in range(frames):
            verdict = enrollments.add_verdict(session, enrollment, str(number), ())
            sample = samples.add(
                session, enrollment, verdict, crop=b"crop", vector=np.ones(4, np.float32), backbone_version=1,
                detector="d", quality={},
            )  # fmt: skip
        training = enrollments.close(session, enrollment)
        trainings.end(training, Stage.LIVE)
    live_head_with(database, enrollment.person_id)
    with database.write() as session:
        live = versions.live_head(session)
        enrollments.settle(session, [enrollment.id], EnrollmentStatus.LIVE, head_version=live.version)
    return enrollment.id, sample.id


def test_a_live_head_that_serving_has_given_up_is_made_anew_where_a_person_has_contradicted_it(
    database: Database, trainer: Any
) -> None:
    _, sample_id = live_capture(database)
    nobody = corrections.Terms(SimpleNamespace(key_id=None, address=None), 1000.0)
    with database.write() as session:
        person_id = session.get_one(Sample, sample_id).person_id
        corrections.move(session, person_id, [sample_id], None, nobody)
        version = versions.live_head(session).version
    trainer.serving.said = (VersionStatus(version, END, 3, ""),)
    Reconciler(trainer).run_once()
    with database.read() as session:
        assert [each.kind for each in trainings.open_ones(session)] == ["learn"]


def a_capture(database: Database, untouched_s: float) -> str:
    with database.write() as session:
        enrollment = enrollments.open_one(session, people.add(session, "Somebody"))
        verdict = enrollments.add_verdict(session, enrollment, "digest", ())
        samples.add(
            session, enrollment, verdict, crop=b"crop", vector=np.ones(4, np.float32), backbone_version=1,
            detector="d", quality={},
        )  # fmt: skip
        enrollment.updated_at -= untouched_s
        return enrollment.id


def captures(database: Database) -> set[str]:
    with database.read() as session:
        return set(session.scalars(select(Enrollment.id)))


def test_captures_that_nobody_went_on_with_are_given_up_with_all_that_was_captured(
    database: Database, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "_LOOKING_ON_S", 0.0)
    left, young = a_capture(database, DAY_S + 60), a_capture(database, DAY_S - 600)
    closed, _ = live_capture(database)
    with database.write() as session:
        enrollments.get(session, closed).updated_at -= 30 * DAY_S
    Reconciler(trainer).run_once()
    assert captures(database) == {young, closed}
    with database.read() as session:
        assert session.scalar(select(func.count()).select_from(Person)) == 2
        assert session.scalar(select(func.count()).select_from(Sample)) == 3
        assert erasures.open_ones(session) == [left], "its crops are still to be removed from the files"


def test_a_capture_under_way_is_not_given_up_because_the_clock_was_set(
    database: Database, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(reconciling, "Stillness", lambda: Stillness(lambda: seconds[0]))
    capture = a_capture(database, untouched_s=30 * DAY_S)  # as it looks when the clock was set a month ahead
    reconciler = Reconciler(trainer)
    for _ in range(30):
        reconciler.run_once()
        seconds[0] += 1.0
        with database.write() as session:
            enrollments.get(session, capture).updated_at += 0.5  # somebody goes on, by a clock that is still behind
    assert captures(database) == {capture}
    for _ in range(12):
        reconciler.run_once()
        seconds[0] += 1.0
    assert captures(database) == set()


def test_photos_whose_sorter_is_silent_for_a_minute_are_put_on_the_queue_again(
    database: Database, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    seconds = [0.0]
    monkeypatch.setattr(reconciling, "Stillness", lambda: Stillness(lambda: seconds[0]))
    with database.write() as session:
        job_id = photos.add(session, "/photos", uploaded=False).id
    reconciler = Reconciler(trainer)
    reconciler.run_once()
    assert trainer.queue.put_ids == [job_id], "nobody works on it yet"
    with database.write() as session:
        photos.claim(session, job_id, "a sorter")
    for _ in range(3):
        seconds[0] += 50.0
        reconciler.run_once()
        with database.write() as session:
            photos.step(session, job_id, "a sorter")
    seconds[0] += 50.0
    reconciler.run_once()
    assert trainer.queue.put_ids == [job_id], "its sorter is at work"
    seconds[0] += 61.0
    reconciler.run_once()
    assert trainer.queue.put_ids == [job_id, job_id]


def test_a_training_that_just_failed_is_not_asked_for_again_at_once(database: Database, trainer: Any) -> None:
    with database.write() as session:
        person_id = people.add(session, "Ada").id
    live_head_with(database, person_id)
    with database.write() as session:
        people.erase(session, person_id)
        trainings.end(trainings.ask(session), Stage.FAILED)
    Reconciler(trainer).run_once()
    with database.read() as session:
        assert trainings.open_ones(session) == []


def open_trainings(database: Database) -> list[str]:
    with database.read() as session:
        return [training.id for training in trainings.open_ones(session)]


def test_a_head_for_another_share_of_strangers_is_made_anew_once_however_many_trainers_look(
    database: Database, trainer: Any
) -> None:
    live_head_with(database, far_target=0.01)
    reconcilers = [Reconciler(trainer) for _ in range(3)]
    for reconciler in reconcilers * 2:
        reconciler.run_once()
    asked = open_trainings(database)
    assert len(asked) == 1
    assert trainer.queue.put_ids[-1] == asked[0]


def test_a_head_for_the_share_that_is_set_stays(database: Database, trainer: Any) -> None:
    live_head_with(database)
    Reconciler(trainer).run_once()
    assert open_trainings(database) == []


def test_the_share_is_looked_after_until_it_was_met_and_no_longer(
    database: Database, trainer: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reconciling, "_PAUSE_AFTER_FAILURE_S", 0.0)
    live_head_with(database, far_target=0.01)
    reconciler = Reconciler(trainer)
    reconciler.run_once()
    with database.write() as session:
        trainings.end(trainings.ask(session), Stage.FAILED)
    reconciler.run_once()  # nothing came of it, so it is asked for again
    assert len(open_trainings(database)) == 1
    with database.write() as session:
        trainings.end(trainings.ask(session), Stage.LIVE)
    live_head_with(database)
    reconciler.run_once()
    live_head_with(database, far_target=0.05)  # by a trainer that is set otherwise, or a rollback
    reconciler.run_once()
    assert open_trainings(database) == []
    Reconciler(trainer).run_once()  # the next start
    assert len(open_trainings(database)) == 1


def test_where_a_training_is_open_its_end_is_awaited(database: Database, trainer: Any) -> None:
    live_head_with(database, far_target=0.01)
    with database.write() as session:
        under_way = trainings.ask(session).id
        trainings.claim(session, under_way, "another", 60.0)
    reconciler = Reconciler(trainer)
    reconciler.run_once()
    assert open_trainings(database) == []
    with database.write() as session:
        trainings.end(trainings.get(session, under_way), Stage.LIVE)
    reconciler.run_once()
    assert len(open_trainings(database)) == 1


@pytest.mark.parametrize(("days", "left"), [(730, 2), (45, 1), (0, 3)])
def test_the_audit_is_shortened_to_what_is_wanted_now_and_then(database: Database, trainer: Any, days, left) -> None:
    trainer.settings = Settings(audit_days=days)
    with database.write() as session:
        for age in (1, 60, 800):
            session.add(AuditEntry(at=time.time() - age * DAY_S, action="key_made"))
    reconciler = Reconciler(trainer)
    reconciler.run_once()
    with database.read() as session:
        assert audit.count(session) == left
    with database.write() as session:
        session.add(AuditEntry(at=time.time() - 900 * DAY_S, action="key_made"))
    reconciler.run_once()  # looks again in an hour only
    with database.read() as session:
        assert audit.count(session) == left + 1
