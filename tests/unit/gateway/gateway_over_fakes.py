"""The gateway under gunicorn with fakes behind it: ``gunicorn gateway_over_fakes:app`` in this folder.

FAMILIAR_TEST_DIR names its folder; the ids that the tests need are written there when it is up.
"""

import json
import os
from pathlib import Path

import webcam as webcam
from flask import Flask
from gateway_world import create_world

import portraits
from familiar.seeing import detectors
from familiar.seeing.observation import Observer
from familiar_gateway.app import create_app


def create() -> Flask:
    """Return the application of a world with one person enrolled and one capture open."""
    folder = Path(os.environ["FAMILIAR_TEST_DIR"])
    world = create_world(folder, Observer(detectors.create("yunet")), threads=4)
    frames = webcam.jpegs(portraits.frame("Eileen Collins")[:300, 60:360], 6, seed=1)
    closed = world.enroll("Eileen Collins", frames)
    person = closed["person"]["id"]
    sample = world.client.get(f"/v1/people/{person}/samples").json["samples"][0]["id"]
    opened = world.client.post("/v1/enrollments", json={"name": "Grace Hopper"}).json["id"]
    names = {"enrollment": opened, "closed": closed["id"], "person": person, "sample": sample}
    (folder / "names.tmp").write_text(json.dumps(names))
    (folder / "names.tmp").rename(folder / "names.json")
    return create_app(world.services)
