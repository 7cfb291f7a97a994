"""Replays over the real queue: asked for, answered by a worker, and found again when Redis has lost them."""

from trainer_world import Here, World, somebody

from familiar.records import replays


def ask(world: World) -> str:
    asked = {"head_version": world.live(), "threshold": 0.9, "target": None, "since": None, "until": None}
    return world.database.retry(lambda session: replays.ask(session, asked).id)


def stage(world: World, replay_id: str) -> str:
    with world.database.read() as session:
        return replays.get(session, replay_id).stage


def test_a_replay_is_answered_by_the_worker_that_trains_even_if_redis_has_lost_it(world: World, here: Here) -> None:
    enrollment = world.enroll("Ada", somebody(1))
    here.until("she is live", lambda: world.ended(enrollment))
    on_the_queue, lost = ask(world), ask(world)
    world.queue.put_replay(on_the_queue)
    here.work()
    here.until("both are answered", lambda: {stage(world, each) for each in (on_the_queue, lost)} == {"done"})
