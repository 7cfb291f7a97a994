"""PostgreSQL and two gateways behind the proxy: one of them may go at any moment."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
import people
from stack import BASE, MODELSERVER, Stack
from traffic import Traffic

POSTGRESQL, REPLICAS = "deploy/compose/postgresql.yml", "deploy/compose/replicas.yml"
STANDIN = "tests/system/images/postgres/Dockerfile"
POSTGRES_IMAGE = "postgres:17-bookworm"


def can_replace(compose: tuple[str, ...]) -> bool:
    """Tell whether this Compose can take a port away, as replicas.yml wants it."""
    return compose[0] == "docker"


def postgres_image() -> str:
    """Return the official image if it can be pulled, else a stand-in built from Debian's packages."""
    try:
        engine.docker("pull", "-q", POSTGRES_IMAGE)
    except AssertionError:
        engine.docker("build", "-q", "-t", "familiar-test-postgres", "-f", STANDIN, ".")
        return "familiar-test-postgres"
    return POSTGRES_IMAGE


@pytest.fixture(scope="module")
def secrets(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a new password."""
    folder = tmp_path_factory.mktemp("secrets") / "secrets"
    engine.run("deploy/compose/make-secrets", str(folder))
    return folder


@pytest.fixture(scope="module")
def replicas(built: None, secrets: Path) -> Iterator[Stack]:
    """The system on PostgreSQL with two gateways, Eileen Collins enrolled."""
    compose = next(filter(can_replace, engine.composes()), None)
    if compose is None:
        pytest.skip("replicas.yml needs Compose 2")
    env = {"SECRETS_DIR": str(secrets), "POSTGRES_IMAGE": postgres_image()}
    stack = Stack("familiar-replicas", (BASE, MODELSERVER, POSTGRESQL, REPLICAS), compose, env)
    try:
        stack.compose("build", "proxy")
        stack.up()
        opened = stack.post("/v1/enrollments", json={"name": people.COLLINS}).json()["id"]
        for frame in people.frames(people.COLLINS, 14):
            stack.post(f"/v1/enrollments/{opened}/frames", content=frame, headers={"Content-Type": "image/jpeg"})
        stack.post(f"/v1/enrollments/{opened}/finish")
        stack.wait_live(opened)
        yield stack
    finally:
        stack.down("-v")


def test_two_gateways_answer_behind_one_port(replicas: Stack) -> None:
    gateways = replicas.compose("ps", "-q", "gateway").split()
    assert len(gateways) == 2
    assert not any(json.loads(engine.docker("inspect", "-f", "{{json .HostConfig.PortBindings}}", g)) for g in gateways)
    assert replicas.names(people.frames(people.COLLINS, 1, seed=4)[0]) == [people.COLLINS]
    assert replicas.names(people.frames(people.HOPPER, 1, seed=4)[0]) == [None]


def test_a_gateway_that_is_stopped_is_missed_by_nobody(replicas: Stack) -> None:
    one = replicas.compose("ps", "-q", "gateway").split()[0]
    with Traffic(replicas.url, seed=31) as traffic:
        engine.docker("restart", "-t", "25", one)
        replicas.wait_ready()
    assert traffic.outcome.wrong == []
    assert set(traffic.outcome.answers) == {"named", "unknown"}, traffic.outcome


def test_the_password_is_in_no_log_and_in_no_environment(replicas: Stack, secrets: Path) -> None:
    password = (secrets / "database_password").read_text()
    assert len(password) == 48
    assert password not in replicas.compose("logs", "--no-color")
    for container in replicas.compose("ps", "-aq").split():
        assert password not in engine.docker("inspect", container)
