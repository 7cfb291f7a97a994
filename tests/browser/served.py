"""The gateway as the page meets it: ``python served.py PORT``, in the folder FAMILIAR_TEST_DIR.

Behind it are fakes of the models and of the queue, and a trainer that takes its time, stage by stage. It asks for what
FAMILIAR_TEST_ACCESS says, keys or nothing.
"""

import json
import os
import sys
import threading
from pathlib import Path

import numpy as np
import webcam
from doorkeeping import bearer, give_key
from gateway_world import THRESHOLD, World, create_world
from page_gateway import FAIL, MANY, PASSWORD

import portraits
from familiar.learning import tradeoff
from familiar.records import keys, people, trainings, versions
from familiar.records.training import Stage
from familiar.scope import Scope
from familiar.seeing import detectors
from familiar.seeing.observation import Observer
from familiar_gateway import front, server
from familiar_gateway.access import passwords
from familiar_gateway.app import create_app

FRAMES = 40
"""Frames of a live capture: fewer than 150, for there are two cores at the least."""

_EACH_STAGE_S = 0.3


def create() -> server.Intake:
    """Return the gateway of a world with one person enrolled, and more about whom nothing is known but a name."""
    folder = Path(os.environ["FAMILIAR_TEST_DIR"])
    world = create_world(
        folder, Observer(detectors.create("yunet")), threads=4, queue=8, enroll_frames=FRAMES, enroll_min_samples=5,
        access=os.environ["FAMILIAR_TEST_ACCESS"], sightings=os.environ["FAMILIAR_TEST_SIGHTINGS"], rq_dashboard_url="http://127.0.0.1:9181/",
    )  # fmt: skip
    _, secret = give_key(world, name="everything")
    world.client.environ_base["HTTP_AUTHORIZATION"] = bearer(secret)["Authorization"]
    frames = webcam.jpegs(portraits.frame("Grace Hopper")[:512], 12, seed=1)
    person = world.enroll("Grace Hopper", frames, consent="All of it.")["person"]["id"]
    with world.database.write() as session:
        for name in MANY:
            people.add(session, name)
        keys.add(session, "ada", [Scope.PEOPLE], password=passwords.hashed(PASSWORD))
        head = versions.live_head(session)
        assert head is not None
        head.meta = {**head.meta, "metrics": {**head.meta["metrics"], "det": _curve()}}
    (folder / "names.tmp").write_text(json.dumps({"person": person, "key": secret}))
    (folder / "names.tmp").rename(folder / "names.json")
    world.queue.trainings.clear()  # it was done
    threading.Thread(target=_train, args=(world,), daemon=True).start()
    return front.before(create_app(world.services), world.services)


def _curve() -> dict[str, list[float]] | None:
    """Return a trade-off that a head might have."""
    chance = np.random.default_rng(0)
    strangers, known = chance.normal(0.5, 0.08, 20_000), chance.normal(0.93, 0.08, 4_000)
    return tradeoff.curve(strangers, known, chance.random(4_000) > 0.004, THRESHOLD)


def _train(world: World) -> None:
    while not threading.Event().wait(_EACH_STAGE_S):
        if not world.queue.trainings:
            continue
        training_id = world.queue.trainings.pop()
        if (told := Path(os.environ["FAMILIAR_TEST_DIR"]) / FAIL).exists():
            told.unlink()
            with world.database.write() as session:
                why = "the model server did not load the head"
                trainings.end(trainings.get(session, training_id), Stage.FAILED, code="load_failed", message=why)
            continue
        for stage in (Stage.TRAINING, Stage.EVALUATING, Stage.LOADING):
            with world.database.write() as session:
                trainings.get(session, training_id).stage = stage
            threading.Event().wait(_EACH_STAGE_S)
        world.train()


if __name__ == "__main__":
    server.run("served:create", host="127.0.0.1", port=int(sys.argv[1]), workers=1, limits=front.LIMITS)
