import threading
import time
from pathlib import Path

import numpy as np
import pytest
from sqlalchemy import inspect

from familiar.direction import Direction
from familiar.errors import Conflict, DatabaseUnavailable, MisconfiguredError, NotFound
from familiar.knowing.embedding import normalise, to_blob
from familiar.knowing.head import Head
from familiar.records import enrollments, erasures, people, samples, trainings, versions
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.migrate import migrate
from familiar.records.schema import HeadVersion
from familiar.records.training import Stage, TrainingKind
from familiar.servable import HEAD

CROP = b"the bytes of a crop" * 40
VECTOR = normalise(np.random.default_rng(7).normal(size=128).astype(np.float32))


def captured(database: Database, name: str, frames: int = 3, key: str | None = None) -> tuple[str, str]:
    """Return (person id, enrolment id) of a capture with so many accepted frames."""
    with database.write() as session:
        person = people.add(session, name)
        enrollment = enrollments.open_one(session, person, key)
        for number in range(frames):
            verdict = enrollments.add_verdict(session, enrollment, f"{name}-{number}", [])
            samples.add(
                session, enrollment, verdict, crop=CROP, vector=VECTOR, backbone_version=1, detector="d", quality={}
            )
        return person.id, enrollment.id


def closed(database: Database, name: str) -> tuple[str, str, str]:
    """Return (person id, enrolment id, training id) of a capture that was finished."""
    person_id, enrollment_id = captured(database, name)
    with database.write() as session:
        training = enrollments.close(session, enrollments.get(session, enrollment_id))
        return person_id, enrollment_id, training.id


@pytest.mark.parametrize("url", ["nonsense", "nosuchdb://x/y", "sqlite:////proc/nowhere/familiar.db"])
def test_a_url_that_cannot_be_used_is_named(url: str) -> None:
    with pytest.raises(MisconfiguredError, match="DATABASE_URL"):
        Database(url)


def test_a_database_that_is_away_is_a_domain_error(tmp_path: Path) -> None:
    (tmp_path / "familiar.db").write_bytes(b"this is not a database" * 100)
    with pytest.raises(DatabaseUnavailable):
        Database(f"sqlite:///{tmp_path}/familiar.db").check()


def test_a_failed_transaction_leaves_nothing_behind(database: Database) -> None:
    with pytest.raises(RuntimeError), database.write() as session:
        people.add(session, "Ada")
        raise RuntimeError
    with database.read() as session:
        assert people.count(session) == 0


def test_a_capture_counts_what_came_and_what_was_kept(database: Database) -> None:
    _, enrollment_id = captured(database, "Ada")
    with database.write() as session:
        enrollment = enrollments.get(session, enrollment_id)
        enrollments.add_verdict(session, enrollment, "x", ["blurred", "too_dark"])
        enrollments.add_verdict(session, enrollment, "y", ["near_copy"])
    with database.read() as session:
        capture = enrollments.capture(session, enrollment_id)
        assert enrollments.verdicts(session, enrollment_id)["x"].position == 3
    assert (capture.received, capture.usable, capture.accepted) == (5, 4, 3)
    assert capture.rejected == ((3, ("blurred", "too_dark")), (4, ("near_copy",)))
    assert capture.status is EnrollmentStatus.CAPTURING


def test_the_same_bytes_cannot_be_judged_twice_in_one_enrolment(database: Database) -> None:
    _, enrollment_id = captured(database, "Ada")
    with pytest.raises(DatabaseUnavailable), database.write() as session:
        enrollments.add_verdict(session, enrollments.get(session, enrollment_id), "Ada-0", [])


def test_a_closed_capture_takes_no_frames_and_is_learned_from(database: Database) -> None:
    person_id, enrollment_id, training_id = closed(database, "Ada")
    captured(database, "still capturing")
    with database.read() as session:
        rows = samples.enrolled(session, 1)
        assert [row.person_id for row in rows] == [person_id] * 3
        assert np.allclose(rows[0].vector, VECTOR)
        assert samples.enrolled(session, 2) == []
        capture = enrollments.capture(session, enrollment_id)
        assert (capture.status, capture.training_id) == (EnrollmentStatus.QUEUED, training_id)
    with database.write() as session, pytest.raises(Conflict):
        enrollments.close(session, enrollments.get(session, enrollment_id))


def test_a_training_learns_what_waits_for_it_and_leaves_what_was_closed_later_to_the_next(database: Database) -> None:
    live, first, _ = closed(database, "Ada")
    with database.write() as session:
        enrollments.settle(session, [first], EnrollmentStatus.LIVE, head_version=1)
    joined, _, training_id = closed(database, "Bob")
    with database.write() as session:
        training = trainings.claim(session, training_id, "worker", 60.0)
        assert list(enrollments.join(session, training).values()) == [joined]
    late, *_ = closed(database, "Cleo")
    with database.read() as session:
        assert {row.person_id for row in samples.enrolled(session, 1, training_id)} == {live, joined}
        assert {row.person_id for row in samples.enrolled(session, 1)} == {live, joined, late}


def test_who_joins_a_training_is_told_in_the_order_in_which_they_were_closed(database: Database) -> None:
    waiting = {enrollment: person for person, enrollment, _ in (closed(database, name) for name in "CADB")}
    with database.write() as session:
        joined = enrollments.join(session, trainings.ask(session))
    assert list(joined.items()) == list(waiting.items())


def test_a_sample_is_learned_from_with_the_direction_it_looks_in_where_the_pose_was_measured(
    database: Database,
) -> None:
    _, enrollment_id = captured(database, "Ada", frames=0)
    with database.write() as session:
        enrollment = enrollments.get(session, enrollment_id)
        for number, quality in enumerate(({"yaw_deg": 30.0, "pitch_deg": -5}, {"yaw_deg": 30.0}, {})):
            verdict = enrollments.add_verdict(session, enrollment, str(number), [])
            samples.add(
                session, enrollment, verdict, crop=CROP, vector=VECTOR, backbone_version=1, detector="d",
                quality=quality,
            )  # fmt: skip
        enrollments.close(session, enrollment)
    with database.read() as session:
        assert [row.direction for row in samples.enrolled(session, 1)] == [Direction.LEFT, None, None]


def test_enrolments_that_arrive_together_share_a_training_and_later_ones_get_the_next(database: Database) -> None:
    _, _, first = closed(database, "Ada")
    _, _, second = closed(database, "Bob")
    assert first == second
    with database.write() as session:
        assert trainings.claim(session, first, "worker", 10).stage == Stage.TRAINING
    _, eve, third = closed(database, "Eve")
    assert third != first
    with database.read() as session:
        assert enrollments.capture(session, eve).status is EnrollmentStatus.QUEUED


def test_one_training_runs_at_a_time_until_its_worker_falls_silent(database: Database) -> None:
    _, _, first = closed(database, "Ada")
    with database.write() as session:
        assert trainings.claim(session, first, "one", 10)
    _, _, second = closed(database, "Bob")
    with database.write() as session:
        assert trainings.claim(session, first, "two", 10) is None
        assert trainings.claim(session, second, "two", 10) is None
        assert [t.id for t in trainings.open_ones(session)] == [second]
        silent = trainings.leases(session)
        assert silent.keys() == {first}
        assert trainings.renew(session, first, "one", 10)
        assert not trainings.renew(session, first, "two", 10)
    with database.write() as session:
        assert [t.id for t in trainings.open_ones(session, silent)] == [second], "it has stirred since"
        assert trainings.claim(session, first, "two", 10, silent) is None
        silent = trainings.leases(session)
        assert [t.id for t in trainings.open_ones(session, silent)] == [first, second]
        assert trainings.claim(session, first, "two", 10, silent).attempts == 2
        assert not trainings.renew(session, first, "one", 10)


@pytest.mark.parametrize("set_by_s", [-3600, 3600])
def test_a_clock_that_is_set_neither_ends_a_lease_nor_prolongs_it(
    database: Database, monkeypatch: pytest.MonkeyPatch, set_by_s: float
) -> None:
    _, _, training_id = closed(database, "Ada")
    with database.write() as session:
        trainings.claim(session, training_id, "one", 10)
        silent = trainings.leases(session)
    set_clock(monkeypatch, set_by_s)
    with database.write() as session:
        assert trainings.open_ones(session) == []
        assert trainings.claim(session, training_id, "two", 10) is None
        assert [t.id for t in trainings.open_ones(session, silent)] == [training_id]
        assert trainings.claim(session, training_id, "two", 10, silent)


@pytest.mark.parametrize("set_by_s", [-3600, -30, 30, 3600])
def test_a_clock_that_is_set_ends_a_pause(database: Database, monkeypatch: pytest.MonkeyPatch, set_by_s: float) -> None:
    _, _, training_id = closed(database, "Ada")
    with database.write() as session:
        trainings.give_back(trainings.claim(session, training_id, "one", 10), after_s=600.0)
        assert trainings.open_ones(session) == []
    set_clock(monkeypatch, set_by_s)
    with database.read() as session:
        assert [t.id for t in trainings.open_ones(session)] == [training_id]


def test_a_failure_by_a_clock_that_was_set_since_is_none_of_just_now(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.write() as session:
        assert not trainings.just_failed(session, 30.0)
        trainings.end(trainings.ask(session), Stage.FAILED)
        assert trainings.just_failed(session, 30.0)
        set_clock(monkeypatch, -3600)
        assert not trainings.just_failed(session, 30.0)


def set_clock(monkeypatch: pytest.MonkeyPatch, by_s: float) -> None:
    now = time.time
    monkeypatch.setattr(trainings.time, "time", lambda: now() + by_s)


def test_a_training_that_ended_is_not_claimed_again(database: Database) -> None:
    _, _, training_id = closed(database, "Ada")
    with database.write() as session:
        trainings.end(trainings.get(session, training_id), Stage.LIVE)
    with database.write() as session:
        assert trainings.claim(session, training_id, "worker", 10) is None
        assert trainings.claim(session, "0" * 32, "worker", 10) is None
        assert trainings.open_ones(session) == []


def test_version_numbers_are_never_given_out_twice(database: Database) -> None:
    given: list[int] = []

    def take() -> None:
        for _ in range(10):
            given.append(database.retry(lambda session: versions.issue(session, HEAD)))

    threads = [threading.Thread(target=take) for _ in range(4)]
    [thread.start() for thread in threads]
    [thread.join() for thread in threads]
    assert sorted(given) == list(range(1, 41))
    with database.write() as session:
        assert versions.issue(session, HEAD, floor=99) == 100


def add_head(database: Database, version: int, *person_ids: str) -> None:
    head = Head(person_ids, np.stack([VECTOR] * len(person_ids)), np.full(len(person_ids), 0.9, np.float32))
    report = {person_id: {"nearest": person_ids[0]} for person_id in person_ids}
    with database.write() as session:
        versions.add_head(
            session, version, training_id=None, backbone_version=1, head=head, meta={}, status="published",
            report=report,
        )  # fmt: skip


def test_the_report_of_a_head_is_read_for_one_person_and_not_with_a_list_of_heads(database: Database) -> None:
    add_head(database, 1, "a" * 32, "b" * 32)
    with database.write() as session:
        versions.add_head(
            session, 2, training_id=None, backbone_version=1, head=Head.empty(128), meta={}, status="live"
        )
    with database.read() as session:
        assert all("report" in inspect(head).unloaded for head in versions.heads(session))
        assert "report" in inspect(versions.live_head(session)).unloaded
        assert versions.report_of(session, 1, "b" * 32) == {"nearest": "a" * 32}
        assert versions.report_of(session, 1, "c" * 32) is None
        assert versions.report_of(session, 2, "b" * 32) is None
        assert versions.report_of(session, 3, "b" * 32) is None


def test_the_newest_head_that_went_live_supersedes_those_before(database: Database) -> None:
    for version in (1, 2, 3):
        add_head(database, version, "a")
    for version in (1, 2):
        with database.write() as session:
            versions.go_live(session, version)
    with database.read() as session:
        assert versions.live_head(session).version == 2
        assert [(h.version, h.status) for h in versions.heads(session)] == [
            (3, "published"), (2, "live"), (1, "superseded"),
        ]  # fmt: skip
        assert Head.from_bytes(versions.head(session, 1).weights).person_ids == ("a",)
        with pytest.raises(NotFound):
            versions.head(session, 9)


def test_erasing_a_person_removes_every_byte_of_them_from_the_files(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path}/familiar.db")
    migrate(database)
    gone, enrollment_id, _ = closed(database, "Ada Lovelace-Gone")
    stays, _, _ = closed(database, "Bob")
    add_head(database, 1, gone, stays)
    add_head(database, 2, stays)
    with database.write() as session:
        people.erase(session, gone)
    with database.write() as session:
        assert erasures.tainted(session) == {1}
        assert erasures.open_ones(session) == [gone]
        assert session.get_one(HeadVersion, 1).weights is None
        erasures.forget(session, [1])
        assert erasures.tainted(session) == set()
        erasures.end(session, [gone])
        assert erasures.open_ones(session) == []
        assert versions.head(session, 1).status == "erased"
        assert versions.head(session, 1).report is None
        assert versions.head(session, 2).report == {stays: {"nearest": stays}}
        assert people.names(session, {gone, stays}) == {stays: "Bob"}
        with pytest.raises(NotFound):
            people.erase(session, gone)
    database.scrub()
    database.close()
    content = b"".join(path.read_bytes() for path in tmp_path.iterdir())
    assert gone.encode() not in content  # nor in the report of a head, where others were nearest to her
    assert enrollment_id.encode() not in content
    assert b"Ada Lovelace-Gone" not in content
    assert content.count(CROP) == 3
    assert stays.encode() in content
    assert to_blob(VECTOR) in content


def test_discarding_a_capture_takes_the_new_person_with_it_but_never_a_known_one(database: Database) -> None:
    person_id, enrollment_id = captured(database, "Ada")
    with database.write() as session:
        second = enrollments.open_one(session, people.get(session, person_id)).id
    for number, each in enumerate((second, enrollment_id)):
        with database.write() as session:
            enrollments.discard(session, enrollments.get(session, each))
            assert people.count(session) == 1 - number


def test_a_capture_of_somebody_known_is_given_to_them(database: Database) -> None:
    known, _ = captured(database, "Ada")
    _, enrollment_id = captured(database, "Ada again")
    with database.write() as session:
        enrollments.give_to(session, enrollments.get(session, enrollment_id), people.get(session, known))
    with database.read() as session:
        assert [(p.name, p.samples) for p in people.summaries(session)] == [("Ada", 6)]


def test_settling_leaves_what_was_deleted_or_settled_meanwhile_alone(database: Database) -> None:
    ada, first, _ = closed(database, "Ada")
    _, second, _ = closed(database, "Bob")
    with database.write() as session:
        people.erase(session, ada)
        enrollments.settle(session, [first, second], EnrollmentStatus.LIVE, head_version=4)
        enrollments.settle(session, [second], EnrollmentStatus.FAILED, code="late")
    with database.read() as session:
        capture = enrollments.capture(session, second)
        assert (capture.status, capture.head_version, capture.error_code) == (EnrollmentStatus.LIVE, 4, None)
        assert people.summaries(session)[0].live
        assert enrollments.queued(session) == []


def test_samples_a_new_backbone_has_not_seen_are_found_and_old_embeddings_dropped(database: Database) -> None:
    closed(database, "Ada")
    with database.write() as session:
        todo = list(samples.crops_without(session, 2, limit=2))
        assert [crop for _, crop in todo] == [CROP, CROP]
        for sample_id, _ in todo:
            samples.add_vector(session, sample_id, 2, VECTOR)
        samples.add_vector(session, "0" * 32, 2, VECTOR)
        assert samples.count_without(session, 2) == 1
        samples.drop_vectors_but(session, [2])
        assert len(samples.enrolled(session, 2)) == 2
        assert samples.enrolled(session, 1) == []


def test_an_idempotency_key_finds_its_enrolment(database: Database) -> None:
    _, enrollment_id = captured(database, "Ada", key="abc")
    with database.read() as session:
        assert enrollments.by_key(session, "abc").id == enrollment_id
        assert enrollments.by_key(session, "xyz") is None


def test_writers_wait_for_each_other(database: Database) -> None:
    inside = threading.Event()

    def slow() -> None:
        with database.write() as session:
            people.add(session, "slow")
            inside.set()
            time.sleep(0.2)

    thread = threading.Thread(target=slow)
    thread.start()
    inside.wait(5)
    with database.write() as session:
        people.add(session, "quick")
    thread.join()
    with database.read() as session:
        assert people.count(session) == 2


def test_a_rollback_training_names_its_source(database: Database) -> None:
    with database.write() as session:
        training = trainings.ask_rollback(session, 3)
        assert (training.kind, training.source_version) == (TrainingKind.ROLLBACK, 3)
        assert trainings.ask(session).id != training.id
        assert len(trainings.recent(session)) == 2


def test_more_people_are_found_and_more_enrolments_settled_than_one_statement_takes(database: Database) -> None:
    with database.write() as session:
        person = people.add(session, "Ada")
        ids = {f"{number:032x}" for number in range(70_000)}
        assert people.names(session, ids | {person.id}) == {person.id: "Ada"}
        enrollment = enrollments.open_one(session, person)
        enrollments.close(session, enrollment)
        enrollments.settle(session, [*sorted(ids), enrollment.id], EnrollmentStatus.LIVE, head_version=1)
    with database.read() as session:
        assert enrollments.get(session, enrollment.id).status == EnrollmentStatus.LIVE


def test_who_a_head_knows_is_read_only_where_it_is_asked_for(database: Database) -> None:
    add_head(database, 1, "a" * 32, "b" * 32)
    with database.write() as session:
        versions.go_live(session, 1)
        versions.head(session, 1).meta = {"people": 2}
    with database.read() as session:
        live, listed = versions.live_head(session), versions.heads(session)
        for row in (live, *listed):
            assert {"person_ids", "weights", "report"} <= inspect(row).unloaded
            assert versions.people_of(row) == 2
        assert live.person_ids == ["a" * 32, "b" * 32]


def test_a_head_whose_people_were_erased_knows_nobody(database: Database) -> None:
    add_head(database, 1, "a" * 32)
    with database.write() as session:
        versions.head(session, 1).meta = {"people": 1}
        erasures.forget(session, [1])
    with database.read() as session:
        assert versions.people_of(versions.head(session, 1)) == 0
