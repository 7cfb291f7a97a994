"""Docker Swarm on one node: the same files as a stack, and a new release of the gateway that nobody notices."""

import json
import subprocess
from collections.abc import Iterator

import pytest

import engine
import enrolling
import people
from stack import BASE, MODELSERVER, Stack, until
from test_config import POSTGRESQL, REPLICAS, SWARM
from test_replicas import postgres_image, secrets  # noqa: F401
from traffic import Traffic

NAME = "familiar-swarm"


@pytest.fixture(scope="module")
def swarm(stack: Stack, secrets: object) -> Iterator[Stack]:  # noqa: F811
    """A stack on a swarm of this one node, in the place of the composed system.

    An engine that leaves a swarm no longer resolves the names of containers that ran before.
    """
    compose = next(filter(engine.modern, engine.composes()), None)
    if compose is None:
        pytest.skip("the stack is made by Compose 2")
    if engine.docker("info", "-f", "{{.Swarm.LocalNodeState}}").strip() != "inactive":
        pytest.skip("this engine is in a swarm already")
    env = {"SECRETS_DIR": str(secrets), "POSTGRES_IMAGE": postgres_image()}
    system = Stack(NAME, (BASE, MODELSERVER, POSTGRESQL, REPLICAS, SWARM), compose, env)
    system.compose("build", "proxy")
    stack.down()
    engine.docker("swarm", "init", "--advertise-addr", "127.0.0.1")
    try:
        config = system.compose("config", "--format", "json")
        made = subprocess.run([engine.ROOT / "deploy/compose/to-stack"], input=config, text=True, capture_output=True)
        assert made.returncode == 0, made.stderr
        deploy = ["/usr/bin/docker", "stack", "deploy", "--resolve-image", "never", "-c", "-", NAME]
        done = subprocess.run(deploy, input=made.stdout, text=True, capture_output=True, cwd=engine.ROOT)
        assert done.returncode == 0, done.stderr
        system.wait_ready(300)
        yield system
    finally:
        engine.docker("stack", "rm", NAME, check=False)
        until(lambda: not engine.docker("ps", "-aq", "--filter", f"name={NAME}_").strip(), 90, "the stack's end")
        engine.docker("swarm", "leave", "--force")
        for volume in engine.docker("volume", "ls", "-q", "--filter", f"name={NAME}").split():
            engine.docker("volume", "rm", "-f", volume, check=False)
        stack.up()


def test_a_rolling_update_of_the_gateway_fails_no_request(swarm: Stack) -> None:
    opened = enrolling.capture(swarm, {"name": people.COLLINS}, people.frames(people.COLLINS, 20))
    assert enrolling.ended(swarm, opened) == "live"
    service = f"{NAME}_gateway"
    before = set(engine.docker("ps", "-q", "--filter", f"name={service}").split())
    with Traffic(swarm.url, seed=51) as traffic:
        engine.docker("service", "update", "-q", "--env-add", "LOG_LEVEL=WARNING", service)
        until(lambda: _update_of(service) not in ("updating", ""), 180, "the update's end")
    after = set(engine.docker("ps", "-q", "--filter", f"name={service}").split())
    assert _update_of(service) == "completed"
    assert len(after) == 2
    assert not before & after
    assert traffic.outcome.wrong == []
    assert set(traffic.outcome.answers) == {"named", "unknown"}, traffic.outcome


def _update_of(service: str) -> str:
    status = json.loads(engine.docker("service", "inspect", "-f", "{{json .UpdateStatus}}", service))
    return str((status or {}).get("State", ""))
