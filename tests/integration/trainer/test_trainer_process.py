"""The trainer as a process: killed at every point, told to stop, and left alone by its Redis."""

import contextlib
import os
import signal
import time
from pathlib import Path

import psutil
import pytest
from redis import Redis
from rq.exceptions import StopRequested
from rq.serializers import JSONSerializer
from trainer_world import Here, RedisServer, World, new_world, somebody, until

from familiar.queueing import TrainingJob
from familiar.records import erasures
from familiar.records.schema import Training
from familiar.records.training import Stage
from familiar.records.versions import HeadStatus
from familiar.serving import ServingClient
from familiar_trainer import crash_points, jobs, priority, worker
from familiar_trainer.export.gate import Gate
from familiar_trainer.scratch import SCRATCH
from selection import usually

KILLED = -signal.SIGKILL
USUAL_POINTS = (crash_points.LEARNED, crash_points.WRITTEN, crash_points.PUBLISHED, crash_points.LIVE)


@pytest.mark.parametrize("point", usually(USUAL_POINTS, crash_points.POINTS))
def test_an_enrolment_ends_live_although_its_trainer_died(point: str, world: World, here: Here) -> None:
    ada = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(ada))
    before = set(world.statuses())
    trainer = world.start_trainer(FAMILIAR_CRASH_AT=point)
    grace = world.enroll("Grace", somebody(2))
    assert trainer.wait() == KILLED, trainer.output
    assert all((world.heads / str(version) / "saved_model.pb").exists() for version in world.on_disk())
    assert here.until("Grace's enrolment has ended", lambda: world.ended(grace)) == "live"
    here.work()

    made = {version: status for version, status in world.statuses().items() if version not in before}
    assert made == {world.live(): HeadStatus.LIVE}, "it must be made only once"
    assert min(made) > max(before)
    assert world.on_disk() == sorted({*before, *made})[-3:]
    assert world.leftovers() == []
    until("the new head serves", lambda: world.recognise(somebody(2)).version == world.live())
    assert world.named(somebody(1)) == world.enrollment(ada).person_id
    assert world.named(somebody(2)) == world.enrollment(grace).person_id


@pytest.mark.parametrize("point", [crash_points.LIVE, *crash_points.ERASURE_POINTS])
def test_somebody_deleted_is_forgotten_although_the_trainer_died(point: str, world: World, here: Here) -> None:
    ada, grace = world.enroll("Ada", somebody(1)), world.enroll("Grace", somebody(2))
    here.until("both are live", lambda: world.ended(ada) and world.ended(grace))
    holding = world.live()
    trainer = world.start_trainer(FAMILIAR_CRASH_AT=point)
    erased = world.erase(ada)
    assert trainer.wait() == KILLED, trainer.output
    here.until("the erasure is complete", lambda: not _pending(world))
    assert holding not in world.on_disk()
    assert world.statuses()[holding] is HeadStatus.ERASED
    assert erased not in str(world.recognise(somebody(1)))
    assert world.named(somebody(2)) == world.enrollment(grace).person_id
    assert world.leftovers() == []


@pytest.mark.parametrize("point", usually([crash_points.WRITTEN], [crash_points.WRITTEN, crash_points.CHECKED]))
def test_trainers_that_are_killed_leave_nothing_in_any_temporary_folder(
    point: str, world: World, here: Here, tmp_path: Path
) -> None:
    temporary, scratch = tmp_path / "tmp", world.settings.models_dir / SCRATCH
    temporary.mkdir()
    world.enroll("Ada", somebody(1))
    for _ in range(2):
        dying = world.start_trainer(FAMILIAR_CRASH_AT=point, TMPDIR=str(temporary))
        assert dying.wait() == KILLED, dying.output
        assert any(scratch.iterdir()), "what it was writing"
    last = world.start_trainer(TMPDIR=str(temporary))
    until("it waits for work", lambda: len(world.queue.workers()) == 1)
    assert len(list(scratch.iterdir())) == 1, "its own"
    last.signal(signal.SIGTERM)
    assert last.wait(30) == 0
    assert list(scratch.iterdir()) == []
    assert list(temporary.iterdir()) == []


def test_a_trainer_that_was_killed_at_work_soon_counts_neither_as_there_nor_as_working(world: World) -> None:
    trainer = world.start_trainer(FAMILIAR_CRASH_AT=crash_points.LEARNED)
    world.enroll("Ada", somebody(1))
    assert trainer.wait() == KILLED, trainer.output
    redis = Redis.from_url(world.settings.redis_url)
    (key,) = redis.smembers("rq:workers")
    ((_, counts_until),) = redis.zrange(world.queue.rq.started_job_registry.key, 0, -1, withscores=True)
    assert 0 < redis.ttl(key) <= worker.TTL_S
    assert counts_until <= time.time() + worker.TTL_S


@pytest.mark.parametrize("seen_first_by", ["whoever asks how full the queue is", "a worker that tidies up"])
def test_a_training_whose_trainer_died_has_not_failed(world: World, seen_first_by: str) -> None:
    redis = Redis.from_url(world.settings.redis_url)
    world.queue.put("0" * 32)
    dead, living = (
        worker.TrainingWorker(
            [world.queue.rq],
            name=name,
            connection=redis,
            job_class=TrainingJob,
            serializer=JSONSerializer,
            models_dir=world.settings.models_dir,
        )
        for name in ("dead", "living")
    )
    job = TrainingJob.fetch("0" * 32, connection=redis, serializer=JSONSerializer)
    dead.prepare_execution(job)
    dead.prepare_job_execution(job)
    assert world.queue.state().running == 1
    registry = world.queue.rq.started_job_registry
    redis.zadd(registry.key, {redis.zrange(registry.key, 0, -1)[0]: time.time() - 1})
    if seen_first_by == "a worker that tidies up":
        living.clean_registries()
    assert (world.queue.state().running, world.queue.state().failed) == (0, 0)


def test_a_trainer_gives_signs_of_life_while_it_works(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    redis = Redis.from_url(world.settings.redis_url)
    registry = world.queue.rq.started_job_registry

    def silence_is_made_good() -> bool:
        ((_, counts_until),) = redis.zrange(registry.key, 0, -1, withscores=True)
        return redis.ttl(working.key) > 5 and counts_until > time.time() + 5

    def work(_training_id: str) -> None:
        redis.expire(working.key, 3)
        redis.zadd(registry.key, {redis.zrange(registry.key, 0, -1)[0]: time.time() + 3})
        until("there is a sign of life", silence_is_made_good)

    monkeypatch.setattr(worker, "SIGN_EVERY_S", 0.05)
    monkeypatch.setattr(jobs, "run_training", work)
    working = worker.TrainingWorker(
        [world.queue.rq], connection=redis, job_class=TrainingJob, serializer=JSONSerializer,
        models_dir=world.settings.models_dir,
    )  # fmt: skip
    world.queue.put("0" * 32)
    working.work(burst=True, logging_level="WARNING")
    assert (world.queue.state().running, world.queue.state().failed) == (0, 0)


@pytest.mark.slow
@pytest.mark.parametrize("set_by_s", [-3600.0, 3600.0])
def test_a_trainer_that_was_killed_is_replaced_soon_though_the_clock_was_set_meanwhile(
    world: World, here: Here, set_by_s: float
) -> None:
    ada = world.enroll("Ada", somebody(1))
    here.until("Ada is live", lambda: world.ended(ada))
    dying = world.start_trainer(FAMILIAR_CRASH_AT=crash_points.LEARNED)
    erased = world.erase(ada)
    grace = world.enroll("Grace", somebody(2))
    assert dying.wait() == KILLED, dying.output
    with world.database.write() as session:  # what it wrote last looks like this to a clock that is set
        left = session.get_one(Training, world.training_of(grace).id)
        assert left.lease_owner and left.lease_until
        left.lease_until -= set_by_s
        left.created_at -= set_by_s
    world.start_trainer()
    assert until("Grace is live", lambda: world.ended(grace), deadline_s=60) == "live"
    until(f"{erased} is forgotten", lambda: not _pending(world), deadline_s=60)


@pytest.mark.parametrize("number", usually([signal.SIGTERM], [signal.SIGTERM, signal.SIGINT]))
def test_a_trainer_told_to_stop_in_the_middle_of_a_job_gives_it_back(
    number: signal.Signals, tmp_path: Path, redis_server: RedisServer, gate: Gate
) -> None:
    redis_server.connection.flushall()
    world = new_world(tmp_path, redis_server.url, "127.0.0.1:9", tmp_path / "models")  # nobody serves there
    trainer = world.start_trainer()
    try:
        enrollment = world.enroll("Ada", somebody(1))
        until("the trainer waits for Serving", lambda: world.training_of(enrollment).stage == Stage.LOADING)
        trainer.signal(number)
        assert trainer.wait(20) == 0
        training = world.training_of(enrollment)
        assert (training.stage, training.lease_owner, training.lease_until) == (Stage.QUEUED, None, None)
        assert "Traceback" not in trainer.output
    finally:
        trainer.kill()


def test_a_trainer_and_its_gate_let_others_go_first(world: World) -> None:
    trainer = world.start_trainer()
    until("the trainer waits for work", lambda: len(world.queue.workers()) == 1)
    (worker_,) = world.queue.workers()
    assert worker_.name.startswith("trainer-") and worker_.training_id is None and worker_.since <= worker_.seen
    assert {"familiar", "python"} < set(worker_.about.software) and worker_.about.models.taken_bytes > 0
    with ServingClient(world.settings.serving_addr, timeout_s=5.0) as serving:
        assert serving.software() == worker_.about.software, "our model server has the same TensorFlow"
    processes = [trainer.pid, *(child.pid for child in psutil.Process(trainer.pid).children())]
    assert len(processes) == 2
    wanted = max(os.nice(0), priority.NICENESS)
    assert [os.getpriority(os.PRIO_PROCESS, pid) for pid in processes] == [wanted, wanted]


def test_an_idle_trainer_told_to_stop_ends_at_once(world: World) -> None:
    trainer = world.start_trainer()
    until("the trainer waits for work", lambda: len(world.queue.workers()) == 1)
    trainer.signal(signal.SIGTERM)
    assert trainer.wait(20) == 0
    assert len(world.queue.workers()) == 0
    assert "Traceback" not in trainer.output


@pytest.mark.parametrize("step", ["subscribe", "run_maintenance_tasks"])
def test_a_trainer_told_to_stop_before_it_waits_for_work_signs_off(
    step: str, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(worker.TrainingWorker, step, worker.TrainingWorker.interrupt)
    started = worker.TrainingWorker(
        [world.queue.rq], connection=Redis.from_url(world.settings.redis_url), job_class=TrainingJob,
        serializer=JSONSerializer, models_dir=world.settings.models_dir,
    )  # fmt: skip
    with contextlib.suppress(StopRequested):
        started.work(logging_level="WARNING")
    assert world.queue.workers() == []


def test_a_trainer_started_too_early_waits_for_its_redis(world: World, redis_server: RedisServer) -> None:
    redis_server.stop()
    trainer = world.start_trainer()
    try:
        until("it says what it waits for", lambda: trainer.says("waiting for Redis"))
    finally:
        redis_server.start()
    enrollment = world.enroll("Ada", somebody(1))
    assert until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"


@pytest.mark.parametrize(
    "lose", usually(["flush", "restart while training"], ["flush", "restart", "restart while training"])
)
def test_a_trainer_outlives_its_redis(lose: str, world: World, redis_server: RedisServer) -> None:
    trainer = world.start_trainer()
    until("the trainer waits for work", lambda: len(world.queue.workers()) == 1)
    enrollment = world.enroll("Ada", somebody(1))
    if lose == "restart while training":
        until("the training has begun", lambda: world.training_of(enrollment).stage != Stage.QUEUED)
    if lose == "flush":
        redis_server.connection.flushall()
    else:
        redis_server.stop()
        redis_server.start()
    assert until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
    until("the trainer is registered again", lambda: len(world.queue.workers()) == 1)
    another = world.enroll("Grace", somebody(2))
    assert until("the next enrolment has ended", lambda: world.ended(another)) == "live"
    assert trainer.alive


def test_two_trainers_share_the_work_and_no_version_is_made_twice(world: World) -> None:
    trainers = [world.start_trainer() for _ in range(2)]
    until("both wait for work", lambda: len(world.queue.workers()) == 2)
    known = set(world.statuses())
    waiting = []
    for seed in range(4):
        waiting.append(world.enroll(f"Person {seed}", somebody(seed)))
        until("a training has begun", lambda: world.training_of(waiting[-1]).stage != Stage.QUEUED)
    until("all have ended", lambda: all(world.ended(one) for one in waiting))
    assert {world.ended(one) for one in waiting} == {"live"}
    made = {version: status for version, status in world.statuses().items() if version not in known}
    assert set(made.values()) <= {HeadStatus.LIVE, HeadStatus.SUPERSEDED}
    assert list(made.values()).count(HeadStatus.LIVE) == 1
    for seed, one in enumerate(waiting):
        assert world.named(somebody(seed)) == world.enrollment(one).person_id
    assert all(trainer.alive for trainer in trainers)


@pytest.mark.slow
def test_the_trainer_takes_over_from_one_that_died_at_the_worst_moment_twice(world: World) -> None:
    """A whole life of processes only: the first two die, the third finishes."""
    enrollment = world.enroll("Ada", somebody(1))
    for point in (crash_points.PUBLISHED, crash_points.AVAILABLE):
        dying = world.start_trainer(FAMILIAR_CRASH_AT=point)
        assert dying.wait() == KILLED, dying.output
    world.start_trainer()
    assert until("the enrolment has ended", lambda: world.ended(enrollment)) == "live"
    assert world.named(somebody(1)) == world.enrollment(enrollment).person_id


def _pending(world: World) -> list[str]:
    with world.database.read() as session:
        return erasures.open_ones(session)
