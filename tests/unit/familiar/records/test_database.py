"""What is stored of people: captures that are counted, closed, given away, discarded, and erased to the last byte."""

import threading
import time
from pathlib import Path

import numpy as np
import pytest
from capturing import CROP, VECTOR, add_head, captured, closed

from familiar.direction import Direction
from familiar.errors import Conflict, DatabaseUnavailable, MisconfiguredError, NotFound
from familiar.knowing.embedding import to_blob
from familiar.records import captures, enrollments, erasures, people, samples, versions
from familiar.records.engine import Database
from familiar.records.enrollment import EnrollmentStatus
from familiar.records.migrate import migrate
from familiar.records.schema import HeadVersion


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
        capture = captures.get(session, enrollment_id)
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
        capture = captures.get(session, enrollment_id)
        assert (capture.status, capture.training_id) == (EnrollmentStatus.QUEUED, training_id)
    with database.write() as session, pytest.raises(Conflict):
        enrollments.close(session, enrollments.get(session, enrollment_id))


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
        erasures.end(session, erasures.begun(session, [gone]))
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
        capture = captures.get(session, second)
        assert (capture.status, capture.head_version, capture.error_code) == (EnrollmentStatus.LIVE, 4, None)
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
