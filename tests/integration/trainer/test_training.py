"""What a training does when nothing breaks."""

import sqlite3
from dataclasses import replace

import numpy as np
from trainer_world import DIM, Here, World, frames_of, somebody

from familiar import learning
from familiar.knowing.embedding import normalise
from familiar.knowing.head import Head
from familiar.records import erasures, people, samples, trainings, versions
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus


def test_an_enrolment_ends_live_and_the_person_is_named(world: World, here: Here) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
    ended = world.enrollment(enrollment)
    assert ended.head_version == world.live()
    assert world.named(somebody(1)) == ended.person_id
    assert world.named(somebody(2)) is None
    assert world.leftovers() == []


def test_enrolments_that_wait_share_one_training(world: World, here: Here) -> None:
    before = len(world.statuses())
    waiting = [world.enroll(name, somebody(seed)) for seed, name in enumerate(["Ada", "Grace", "Mary"])]
    here.until("all have ended", lambda: all(world.ended(one) == "live" for one in waiting))
    assert len(world.statuses()) == before + 1
    assert {world.enrollment(one).head_version for one in waiting} == {world.live()}


def test_a_training_with_nothing_new_publishes_nothing(world: World, here: Here) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(enrollment))
    known = world.statuses()
    with world.database.write() as session:
        training_id = trainings.ask(session).id
    here.work()
    with world.database.read() as session:
        training = trainings.get(session, training_id)
    assert (training.stage, training.head_version) == (Stage.LIVE, world.live())
    assert world.statuses() == known


def test_a_job_for_a_training_that_ended_or_never_was_does_nothing(world: World, here: Here) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(enrollment))
    known = world.statuses()
    world.queue.put(world.training_of(enrollment).id)
    world.queue.put("f" * 32)
    here.work()
    assert world.statuses() == known


def test_only_the_newest_versions_stay_on_disk_and_their_numbers_grow(world: World, here: Here) -> None:
    lives = []
    for seed in range(5):
        enrollment = world.enroll(f"Person {seed}", somebody(seed))
        here.until("live", lambda enrollment=enrollment: world.ended(enrollment))
        lives.append(world.live())
    assert lives == sorted(set(lives))
    assert world.on_disk() == lives[-3:]


def test_what_is_served_with_a_head_names_people_in_its_labels_only(world: World, here: Here) -> None:
    waiting = [world.enroll(name, somebody(seed)) for seed, name in enumerate(["Ada", "Grace"])]
    here.until("both are live", lambda: all(world.ended(one) == "live" for one in waiting))
    ids = {world.enrollment(one).person_id for one in waiting}
    answer = world.recognise(somebody(0))
    assert set(answer.labels) == ids
    assert answer.meta.metrics["fnir"]["count"] == 20
    assert not any(person_id in answer.meta.to_json() for person_id in ids)
    with world.database.read() as session:
        row = versions.live_head(session)
        assert row.meta == answer.meta.to_dict()
        assert row.report.keys() == ids


def test_a_report_names_the_samples_that_were_dropped_and_the_weakest_direction(world: World, here: Here) -> None:
    enrollment_id = world.capture("Ada", somebody(1), many=20)
    person_id = world.enrollment(enrollment_id).person_id
    stranger = frames_of(somebody(7), 1)[0]
    with world.database.write() as session:
        kept = list(samples.of_person(session, person_id))
        for number, sample in enumerate(kept):
            sample.quality = {"yaw_deg": 30.0 * (number % 2), "pitch_deg": -5.0}
        foreign = kept[3].id
        samples.add_vector(session, foreign, 1, stranger)
        for sample in kept[4::2]:
            towards_another = normalise(frames_of(somebody(1), 1)[0] + 0.4 * somebody(2))
            samples.add_vector(session, sample.id, 1, towards_another)
    world.finish(enrollment_id)
    here.until("Ada is live", lambda: world.ended(enrollment_id))
    with world.database.read() as session:
        told = versions.report_of(session, world.live(), person_id)
    assert told["dropped"] == [{"sample": foreign, "reason": "like_strangers"}]
    assert (told["weakest"]["direction"], told["weakest"]["held_out"]) == ("straight", 10)


def test_a_rollback_serves_the_old_weights_under_a_new_number(world: World, here: Here) -> None:
    ada = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(ada))
    source = world.live()
    with world.database.read() as session:
        report = versions.head(session, source).report
    grace = world.enroll("Grace", somebody(2))
    here.until("Grace is live", lambda: world.ended(grace))
    newest = world.live()
    with world.database.write() as session:
        rollback = trainings.ask_rollback(session, source).id
    here.work()
    with world.database.read() as session:
        assert trainings.get(session, rollback).stage == Stage.LIVE
        assert versions.live_head(session).report == report != versions.head(session, newest).report
    assert world.live() > newest
    answer = world.recognise(somebody(2))
    assert (answer.version, answer.known[0]) == (world.live(), False)
    assert world.named(somebody(1)) == world.enrollment(ada).person_id


def test_a_rollback_to_somebody_deleted_is_refused(world: World, here: Here) -> None:
    ada, grace = world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))
    here.until("both are live", lambda: world.ended(ada) and world.ended(grace))
    source = world.live()
    world.erase(ada)
    here.until("Ada is forgotten", lambda: world.named(somebody(1)) is None and world.live() > source)
    live = world.live()
    with world.database.write() as session:
        rollback = trainings.ask_rollback(session, source).id
    here.work()
    with world.database.read() as session:
        training = trainings.get(session, rollback)
    assert (training.stage, training.error_code) == (Stage.FAILED, "head_erased")
    assert world.live() == live


def test_somebody_deleted_is_gone_from_every_version_and_every_row(world: World, here: Here) -> None:
    ada, grace = world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))
    here.until("both are live", lambda: world.ended(ada) and world.ended(grace))
    holding = world.live()
    erased = world.erase(ada)
    here.until("the erasure is complete", lambda: holding not in world.on_disk())
    here.work()
    with world.database.read() as session:
        assert erasures.open_ones(session) == []
        row = versions.head(session, holding)
        assert (row.status, row.person_ids, row.weights, row.meta["metrics"]) == (HeadStatus.ERASED, [], None, {})
        assert row.report is None
    for path in (path for folder in (world.heads, world.folder) for path in folder.rglob("*") if path.is_file()):
        assert erased.encode() not in path.read_bytes() or path.suffix == ".log", path
    assert world.named(somebody(1)) is None
    assert world.named(somebody(2)) == world.enrollment(grace).person_id


def test_a_head_made_of_samples_that_were_deleted_does_not_come_back(world: World, here: Here) -> None:
    ada, grace = world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))
    here.until("both are live", lambda: world.ended(ada) and world.ended(grace))
    source = world.live()
    person_id = world.enrollment(ada).person_id
    with world.database.write() as session:
        rollback = trainings.ask_rollback(session, source).id
        for sample in samples.of_person(session, person_id):
            samples.remove(session, sample)
        trainings.ask(session)
    here.until("the erasure is complete", lambda: not _erasing(world))
    assert world.named(somebody(1)) is None and world.named(somebody(2)) == world.enrollment(grace).person_id
    with world.database.read() as session:
        training, row = trainings.get(session, rollback), versions.head(session, source)
        assert (training.stage, training.error_code) == (Stage.FAILED, "head_erased")
        assert (row.status, row.weights) == (HeadStatus.ERASED, None)
    assert source not in world.on_disk()


def test_a_sample_deleted_after_it_was_read_is_not_learned(world: World, here: Here, gate) -> None:
    ada = world.enroll("Ada", somebody(1), many=8)
    person_id = world.enrollment(ada).person_id
    deleted: list[str] = []

    class DeletingLearner:
        """Learns, and while it does so, the first time, somebody deletes half of what was read."""

        def learn(self, gallery, cohort, far_target, correction, negatives):
            with world.database.write() as session:
                for sample in [] if deleted else samples.of_person(session, person_id)[:4]:
                    deleted.append(sample.id)
                    samples.remove(session, sample)
            return learning.learn(gallery, cohort, far_target, correction, negatives)

        worse_than, admit = staticmethod(learning.worse_than), staticmethod(learning.admit)

    there = Here(world, gate, learner=DeletingLearner())
    assert there.until("the enrolment has ended", lambda: world.ended(ada)) == "live"
    with world.database.read() as session:
        told = versions.report_of(session, world.live(), person_id)
        assert told["samples"] == 4
        assert world.live() not in erasures.tainted(session)
    there.until("the erasure is complete", lambda: not _erasing(world))


def test_an_erasure_stays_open_as_long_as_somebody_reads_what_was_deleted(world: World, here: Here) -> None:
    ada = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(ada))
    reader = sqlite3.connect(world.folder / "familiar.db", isolation_level=None)
    reader.execute("BEGIN")
    crop = reader.execute("SELECT crop FROM samples").fetchone()[0]
    before = world.live()
    erased = world.erase(ada)
    here.until("the head is made anew", lambda: world.live() > before)
    here.work()
    assert _erasing(world) == [erased]
    assert any(crop in path.read_bytes() for path in world.folder.glob("familiar.db*"))
    reader.execute("ROLLBACK")
    here.until("the erasure is complete", lambda: not _erasing(world))
    assert not any(crop in path.read_bytes() for path in world.folder.glob("familiar.db*"))
    reader.close()


def _erasing(world: World) -> list[str]:
    with world.database.read() as session:
        return erasures.open_ones(session)


def test_weights_of_long_ago_are_thrown_away_after_a_training(world: World, here: Here, gate) -> None:
    there = Here(world, gate, settings=replace(world.settings, keep_weights=3))
    for number in range(5):
        enrollment = world.enroll(f"Person {number}", somebody(number))
        there.until("it is live", lambda each=enrollment: world.ended(each))
    with world.database.read() as session:
        rows = [row for row in versions.heads(session) if row.report]
        kept = [row.version for row in rows if row.weights is not None]
    assert len(rows) == 5 and kept == [row.version for row in rows][:3]
    assert [row.status for row in rows] == ["live", "superseded", "superseded", "pruned", "pruned"]


def test_when_everybody_is_deleted_the_empty_head_serves(world: World, here: Here) -> None:
    ada = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(ada))
    full = world.live()
    world.erase(ada)
    here.until("another head is live", lambda: world.live() > full)
    answer = world.recognise(somebody(1))
    assert (answer.version, answer.labels, answer.known[0]) == (world.live(), (), False)


def test_a_new_backbone_sees_all_stored_crops_before_its_head_goes_live(world: World, here: Here, gate) -> None:
    ada = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(ada))
    with world.database.write() as session:
        backbone = versions.backbones(session)[0]
        versions.add_backbone(session, 2, {**backbone.meta, "weights_sha256": "1" * 64})
        trainings.ask(session, backbone_version=2)

    class SecondBackbone:
        """Sees the same face in every crop, and counts what it was shown."""

        seen = 0

        def backbone(self, version: int):
            assert version == 2
            return here.trainer.models  # only its input size is asked for

        def embed(self, chips: np.ndarray, version: int) -> np.ndarray:
            assert (version, chips.shape[1:]) == (2, (112, 112, 3))
            self.seen += len(chips)
            return frames_of(somebody(9), len(chips))

    second = SecondBackbone()
    here.trainer.models.input_px = 112
    there = Here(world, gate, models=second)
    there.until("the new head is live", lambda: world.recognise(somebody(9)).meta.backbone_version == 2)
    there.work()
    assert second.seen == 10
    assert world.named(somebody(9)) == world.enrollment(ada).person_id
    with world.database.read() as session:
        assert samples.enrolled(session, 1) == []
        assert len(samples.enrolled(session, 2)) == 10


def test_an_enrolment_whose_samples_were_all_removed_fails_with_a_reason(world: World, here: Here) -> None:
    ada = world.enroll("Ada", somebody(1))
    with world.database.write() as session:
        for sample in samples.of_person(session, world.enrollment(ada).person_id):
            samples.remove(session, sample)
        assert people.count(session) == 1
    assert here.until("the enrolment has ended", lambda: world.ended(ada)) == "failed"
    assert world.enrollment(ada).error_code == "no_samples"


def test_the_empty_head_has_the_length_of_the_backbone(world: World) -> None:
    with world.database.read() as session:
        row = versions.live_head(session)
        assert row is not None
        assert row.weights is not None
        assert Head.from_bytes(row.weights).dim == DIM
