"""The gateway as it is served, for the fuzzing run: ``python served.py PORT``, in the folder FAMILIAR_TEST_DIR.

Its database is there, or the empty one that FAMILIAR_TEST_DATABASE names.
Behind it are fakes of the models and of the queue, and a trainer that learns whoever waits each second.
"""

import json
import os
import sys
import threading
from pathlib import Path

import webcam
from gateway_world import World, create_world

import portraits
from familiar.seeing import detectors
from familiar.seeing.observation import Observer
from familiar_gateway import front, server
from familiar_gateway.app import create_app

THREADS = 8
_TRAINING_EVERY_S = 1.0


def create() -> server.Intake:
    """Return what takes requests in for a world with one person enrolled and one capture open."""
    folder = Path(os.environ["FAMILIAR_TEST_DIR"])
    url = os.environ.get("FAMILIAR_TEST_DATABASE") or f"sqlite:///{folder}/familiar.db"
    world = create_world(folder, Observer(detectors.create("yunet")), threads=THREADS, database_url=url, sightings="on")
    frames = webcam.jpegs(portraits.frame("Grace Hopper")[:512], 8, seed=1)
    closed = world.enroll("Grace Hopper", frames)
    person = closed["person"]["id"]
    sample = world.client.get(f"/v1/people/{person}/samples").json["samples"][0]["id"]
    opened = world.client.post("/v1/enrollments", json={"name": "Ada Lovelace"}).json["id"]
    names = {"enrollment": opened, "closed": closed["id"], "person": person, "sample": sample}
    (folder / "known.jpg").write_bytes(frames[0])
    (folder / "names.tmp").write_text(json.dumps(names))
    (folder / "names.tmp").rename(folder / "names.json")
    threading.Thread(target=_train, args=(world,), daemon=True).start()
    return front.before(create_app(world.services), world.services)


def _train(world: World) -> None:
    while not threading.Event().wait(_TRAINING_EVERY_S):
        if world.queue.trainings:
            world.queue.trainings.clear()
            world.train()


if __name__ == "__main__":
    server.run("served:create", host="127.0.0.1", port=int(sys.argv[1]), workers=1, limits=front.LIMITS)
