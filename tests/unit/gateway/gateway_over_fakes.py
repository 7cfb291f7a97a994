"""The gateway as it is served, with fakes behind it: ``python gateway_over_fakes.py PORT`` in this folder.

FAMILIAR_TEST_DIR names its folder; the ids that the tests need are written there when it is up.
"""

import json
import os
import sys
from pathlib import Path

import webcam as webcam
from gateway_world import create_world

import portraits
from familiar.seeing import detectors
from familiar.seeing.observation import Observer
from familiar_gateway import front, server
from familiar_gateway.app import create_app

LIMITS = server.Limits(head_s=1.5, body_s=4.0, idle_s=2, write_s=2.0, linger_s=0.5, connections=250)
"""Short, so that nobody waits for long to see them kept."""


def create() -> server.Intake:
    """Return the gateway of a world with one person enrolled and one capture open."""
    folder = Path(os.environ["FAMILIAR_TEST_DIR"])
    world = create_world(folder, Observer(detectors.create("yunet")), threads=4, queue=8, sightings="on")
    frames = webcam.jpegs(portraits.frame("Eileen Collins")[:300, 60:360], 6, seed=1)
    closed = world.enroll("Eileen Collins", frames)
    person = closed["person"]["id"]
    sample = world.client.get(f"/v1/people/{person}/samples").json["samples"][0]["id"]
    opened = world.client.post("/v1/enrollments", json={"name": "Grace Hopper"}).json["id"]
    names = {"enrollment": opened, "closed": closed["id"], "person": person, "sample": sample}
    (folder / "names.tmp").write_text(json.dumps(names))
    (folder / "names.tmp").rename(folder / "names.json")
    return front.before(create_app(world.services), world.services, LIMITS)


if __name__ == "__main__":
    server.run("gateway_over_fakes:create", host="127.0.0.1", port=int(sys.argv[1]), workers=1, limits=LIMITS)
