"""PostgreSQL and two gateways behind the proxy: one of them may go at any moment."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

import engine
import enrolling
import people
from stack import BASE, MODELSERVER, Stack, until
from stalling import stalled_connections
from traffic import Traffic

POSTGRESQL, REPLICAS = "deploy/compose/postgresql.yml", "deploy/compose/replicas.yml"
STANDIN = "tests/system/images/postgres/Dockerfile"
POSTGRES_IMAGE = "postgres:17-bookworm"


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
    compose = next(filter(engine.modern, engine.composes()), None)
    if compose is None:
        pytest.skip("replicas.yml needs Compose 2")
    env = {"SECRETS_DIR": str(secrets), "POSTGRES_IMAGE": postgres_image()}
    stack = Stack("familiar-replicas", (BASE, MODELSERVER, POSTGRESQL, REPLICAS), compose, env)
    try:
        stack.compose("build", "proxy")
        stack.up()
        opened = enrolling.capture(stack, {"name": people.COLLINS}, people.frames(people.COLLINS, 20))
        assert enrolling.ended(stack, opened) == "live"
        yield stack
    finally:
        stack.down("-v")


def test_two_gateways_answer_behind_one_port(replicas: Stack) -> None:
    gateways = replicas.compose("ps", "-q", "gateway").split()
    assert len(gateways) == 2
    assert not any(json.loads(engine.docker("inspect", "-f", "{{json .HostConfig.PortBindings}}", g)) for g in gateways)
    assert replicas.names(people.frames(people.COLLINS, 1, seed=4)[0]) == [people.COLLINS]
    assert replicas.names(people.frames(people.HOPPER, 1, seed=4)[0]) == [None]


def test_clients_that_stall_before_the_proxy_hold_up_nobody(replicas: Stack) -> None:
    with stalled_connections(replicas.url, 200), Traffic(replicas.url, seed=33) as traffic:
        until(lambda: sum(traffic.outcome.answers.values()) >= 20, 60, "answers beside stalled connections")
    assert traffic.outcome.wrong == []
    assert set(traffic.outcome.answers) == {"named", "unknown"}, traffic.outcome


def test_a_gateway_that_is_stopped_is_missed_by_nobody(replicas: Stack) -> None:
    one = replicas.compose("ps", "-q", "gateway").split()[0]
    with Traffic(replicas.url, seed=31) as traffic:
        engine.docker("restart", "-t", "25", one)
        replicas.wait_ready()
    assert traffic.outcome.wrong == []
    assert set(traffic.outcome.answers) == {"named", "unknown"}, traffic.outcome


@pytest.mark.parametrize("service", ["postgres", "proxy"])
def test_the_parts_that_come_with_replicas_may_be_killed(replicas: Stack, service: str) -> None:
    before = replicas.inspect(service)["RestartCount"]
    with Traffic(replicas.url, seed=32) as traffic:
        replicas.kill(service)
        until(lambda: replicas.inspect(service)["RestartCount"] > before, 60, f"{service} started again by the engine")
        replicas.wait_ready()
        answered = sum(traffic.outcome.answers.values())
        until(lambda: sum(traffic.outcome.answers.values()) > answered + 4, 60, "more answers")
    print(f"\n| kill -9 of {service} | {traffic.outcome} | {traffic.outcome.slowest_s:.1f} s |")
    assert traffic.outcome.wrong == []
    assert replicas.names(people.frames(people.COLLINS, 1, seed=4)[0]) == [people.COLLINS]


def test_the_password_is_in_no_log_and_in_no_environment(replicas: Stack, secrets: Path) -> None:
    password = (secrets / "database_password").read_text()
    assert len(password) == 48
    assert password not in replicas.compose("logs", "--no-color")
    for container in replicas.compose("ps", "-aq").split():
        assert password not in engine.docker("inspect", container)


def test_a_backup_of_postgresql_brings_everybody_back(replicas: Stack, tmp_path: Path) -> None:
    file = tmp_path / "familiar.backup"
    engine.run("deploy/backup", str(file), env=replicas.environment)
    person = replicas.get("/v1/people").json()["people"][0]["id"]
    assert replicas.delete(f"/v1/people/{person}").status_code < 300
    assert replicas.get("/v1/people").json()["people"] == []

    engine.run("deploy/restore", str(file), env=replicas.environment)
    replicas.wait_ready()
    assert [each["id"] for each in replicas.get("/v1/people").json()["people"]] == [person]
    assert replicas.names(people.frames(people.COLLINS, 1, seed=8)[0]) == [people.COLLINS]
