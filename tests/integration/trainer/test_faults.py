"""What breaks around a training, and how it ends all the same: the enrolment live, or failed with a reason."""

import errno
import shutil
import threading
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from trainer_world import Here, ModelServer, World, somebody

from familiar.records import erasures, recent_errors, retries, trainings, versions
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus
from familiar.serving.client import VersionStatus
from familiar.settings import Settings
from familiar_trainer.export import savedmodel
from familiar_trainer.export.gate import Gate
from familiar_trainer.export.servable import Servable


class BreakingGate:
    """A gate that breaks what it has proved, as a failing disk might, so that Serving cannot load it."""

    def __init__(self, gate: Gate, times: int) -> None:
        self._gate = gate
        self.left = times

    def check(self, folder: Path, servable: Servable, *, timeout_s: float = 30.0) -> None:
        self._gate.check(folder, servable, timeout_s=timeout_s)
        if self.left:
            self.left -= 1
            model = folder / "saved_model.pb"
            model.write_bytes(model.read_bytes()[:100])

    def describe(self, folder: Path) -> tuple[tuple[str, ...], str]:
        return self._gate.describe(folder)


def test_a_version_that_serving_cannot_load_is_replaced_by_another(world: World, here: Here, gate: Gate) -> None:
    there = Here(world, BreakingGate(gate, times=1))
    enrollment = world.enroll("Ada", somebody(1))
    assert there.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
    failed = [version for version, status in world.statuses().items() if status is HeadStatus.FAILED]
    assert len(failed) == 1
    assert failed[0] < world.live()
    assert failed[0] not in world.on_disk()
    assert world.named(somebody(1)) == world.enrollment(enrollment).person_id


def test_after_two_versions_that_do_not_load_the_enrolment_fails_and_the_old_head_serves(
    world: World, here: Here, gate: Gate
) -> None:
    ada = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(ada))
    live = world.live()
    there = Here(world, BreakingGate(gate, times=2))
    grace = world.enroll("Grace", somebody(2))
    assert there.until("Grace's enrolment has ended", lambda: world.ended(grace)) == "failed"
    assert world.enrollment(grace).error_code == "load_failed"
    assert "the previous one stays" in world.enrollment(grace).error_message
    assert world.recognise(somebody(1)).version == world.live() == live
    assert set(world.on_disk()) <= {live, live - 1}
    with world.database.write() as session:
        world.queue.put(retries.ask(session, world.training_of(grace).id).id)
    assert there.until("it was tried again, with a disk that holds", lambda: world.ended(grace)) == "live"
    assert world.named(somebody(2)) == world.enrollment(grace).person_id


def test_a_full_disk_is_waited_out(world: World, here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    room = threading.Event()
    write = savedmodel.write_warmup

    def write_if_there_is_room(folder, requests) -> None:
        if not room.is_set():
            raise OSError(errno.ENOSPC, "No space left on device")
        write(folder, requests)

    monkeypatch.setattr(savedmodel, "write_warmup", write_if_there_is_room)
    enrollment = world.enroll("Ada", somebody(1))
    live = world.live()
    here.work()
    assert world.ended(enrollment) is None
    assert world.training_of(enrollment).stage == Stage.QUEUED
    assert world.on_disk() == [live]
    assert world.leftovers() == []
    here.trainer.recorder.flush()
    with world.database.read() as session:
        assert ("training", "No space left on device") in {
            (each.place, each.message.partition(" in ")[0]) for each in recent_errors.newest(session)
        }
    room.set()
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"


def test_a_serving_that_is_away_is_waited_for(world: World, gate: Gate, model_server: ModelServer) -> None:
    here = Here(world, gate, settings=_impatient(world))
    here.reconciler.run_once()
    enrollment = world.enroll("Ada", somebody(1))
    model_server.stop()
    try:
        here.work()
        assert world.ended(enrollment) is None
        made = set(world.statuses())
    finally:
        model_server.start()
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
    assert set(world.statuses()) == made, "a head that was published must not be published again"


def test_a_database_that_another_process_has_locked_is_waited_for(world: World, here: Here) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    with world.database.engine.connect() as connection:
        connection.execute(text("BEGIN IMMEDIATE"))
        freed = threading.Timer(1.5, connection.rollback)
        freed.start()
        assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
        freed.join()


def test_somebody_deleted_while_their_head_is_loading_never_goes_live(world: World, here: Here, gate: Gate) -> None:
    ada, grace = world.capture("Ada", somebody(1)), world.capture("Grace", somebody(2))
    world.finish(ada)
    world.finish(grace)
    before, published = set(world.on_disk()), []

    class DeletingServing:
        """Serving, with somebody who is deleted just as it is asked for the new head."""

        def versions(self, model: str, *, timeout_s: float | None = None) -> tuple[VersionStatus, ...]:
            if not published and (new := set(world.on_disk()) - before):
                published.append(max(new))
                world.erase(ada)
            return here.trainer.serving.versions(model, timeout_s=timeout_s)

    there = Here(world, gate, serving=DeletingServing())
    assert there.until("Grace's enrolment has ended", lambda: world.ended(grace)) == "live"
    there.work()
    assert published[0] not in world.on_disk()
    assert world.live() > published[0]
    with world.database.read() as session:
        assert versions.head(session, published[0]).status == HeadStatus.ERASED
        assert erasures.open_ones(session) == []
    assert world.named(somebody(1)) is None
    assert world.named(somebody(2)) == world.enrollment(grace).person_id


@pytest.mark.parametrize("lost", ["its versions", "the folder of heads"])
def test_a_lost_volume_is_filled_again_from_the_database(
    lost: str, world: World, here: Here, model_server: ModelServer
) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(enrollment))
    live = world.live()
    for folder in list(world.heads.iterdir()) if lost == "its versions" else [world.heads]:
        shutil.rmtree(folder)
    model_server.stop()
    model_server.start()
    here.reconciler.run_once()
    assert world.on_disk() == [live]
    here.until("the head serves again", lambda: _named(world, 1) == world.enrollment(enrollment).person_id)


def test_versions_that_the_database_does_not_know_and_leftovers_are_taken_away(world: World, here: Here) -> None:
    live = world.live()
    shutil.copytree(world.heads / str(live), world.heads / str(live + 7))
    (world.heads / f".tmp-{live + 8}-999999999").mkdir()
    (world.heads / f".trash-{live - 1}").mkdir()
    here.reconciler.run_once()
    assert world.on_disk() == [live]
    assert world.leftovers() == []


def test_an_enrolment_whose_training_ended_without_it_gets_another(world: World, here: Here) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    with world.database.write() as session:
        trainings.end(session.merge(world.training_of(enrollment)), Stage.LIVE)
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"


def test_a_training_of_another_trainer_is_left_alone_until_its_lease_runs_out(world: World, here: Here) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    training_id = world.training_of(enrollment).id
    with world.database.write() as session:
        trainings.claim(session, training_id, "somebody else", lease_s=1.0)
    world.queue.put(training_id)
    here.work()
    assert world.training_of(enrollment).lease_owner == "somebody else"
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"


@pytest.mark.parametrize("by_s", [3600.0, -3600.0])
def test_a_training_of_a_trainer_that_died_is_taken_over_soon_though_the_clock_was_set(
    world: World, here: Here, by_s: float
) -> None:
    ada, grace = world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))
    here.until("both are live", lambda: world.ended(ada) and world.ended(grace))
    erased = world.erase(ada)
    enrollment = world.enroll("Mary", somebody(3))
    with world.database.write() as session:
        dead = trainings.claim(session, world.training_of(enrollment).id, "somebody who died", lease_s=1.0)
        # By a clock that was set since, the lease, and all that was written, lies in the future or in the past.
        dead.lease_until += by_s
        dead.created_at += by_s
    assert here.until("the enrolment has ended", lambda: world.ended(enrollment), deadline_s=30) == "live"
    here.work()
    with world.database.read() as session:
        assert erasures.open_ones(session) == [], f"{erased} is forgotten"


def _named(world: World, seed: int) -> str | None:
    try:
        return world.named(somebody(seed))
    except Exception:
        return None


def _impatient(world: World) -> Settings:
    return replace(world.settings, load_timeout_s=1.0)
